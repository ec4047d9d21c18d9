"""Run a program, and end everything that it started when it ends, or when the caller asks for it or is gone.

    python -I keeper.py PROGRAM [ARGUMENT ...]

A notebook's kernel can start processes, and these can leave its process group and its session (`setsid`, a daemon), so
that ending the kernel does not end them. This small program makes itself the process that adopts orphans below it
(PR_SET_CHILD_SUBREAPER): every descendant is then found by walking down from here, and none can hide. That is a service
of Linux; `notebooks.execute` ends kernels in another, weaker way elsewhere.

SIGTERM asks for the end. SIGINT is left to the program: both are in one process group, and a notebook's cell is
interrupted that way. The exit code is the program's; a program that a signal killed gives 128 plus the signal's number.

This file is run by its path and needs the standard library only, so that it starts in a moment and stays small.

Contents: main, descendants, end_all.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
# How long to go on ending processes that start new ones, or that the system does not let go of.
END_LIMIT_S = 10.0
# How often to look whether the caller is still there.
LOOK_S = 0.5


def main(command: Sequence[str]) -> int:
    """Run `command` to its end and return its exit code."""
    caller = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    # Handlers, and not SIG_IGN: a program that is started inherits what is ignored, but no handlers.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    # The kernel looks whether the process with this number is its parent, and ends itself where it is not.
    program = subprocess.Popen(command, env=os.environ | {"JPY_PARENT_PID": str(os.getpid())})
    code = None
    try:
        while code is None and not asked and os.getppid() == caller:
            select.select([woken], [], [], LOOK_S)
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            code = _reap(program.pid)
    finally:
        end_all()
    return 128 + signal.SIGTERM if code is None else code


def descendants() -> list[int]:
    """Numbers of the living processes below this one, as /proc tells."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        # A process may end between the listing and the reading.
        with contextlib.suppress(OSError):
            if folder.name.isdigit():
                # The name of the program stands in brackets and may hold anything, brackets too.
                state, parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:2]
                if state != b"Z":
                    children.setdefault(int(parent), []).append(int(folder.name))
    below, left = [], [os.getpid()]
    while left:
        found = children.get(left.pop(), [])
        below += found
        left += found
    return below


def end_all() -> None:
    """End every process below this one, and wait until it is gone."""
    give_up = time.monotonic() + END_LIMIT_S
    while time.monotonic() < give_up:
        below = descendants()
        # Stopped first, all of them, so that none can start another while its neighbours are being ended.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in below:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process, number)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            # Whatever is below becomes a child of this process before it is gone: no child, nothing left.
            break
        time.sleep(0.005)


def _reap(program: int) -> int | None:
    # Collect what has ended, adopted processes too; the exit code if the program itself was among them.
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                break
            if process == program:
                code = os.waitstatus_to_exitcode(status)
    return code if code is None or code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
