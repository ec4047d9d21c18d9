"""Run a program, and end everything that it started when it ends, or when the caller ends or sends SIGTERM.

    python -I keeper.py PROGRAM [ARGUMENT ...]

A notebook's kernel can start processes, and these can leave its process group and its session (`setsid`, a daemon), so
that ending the kernel does not end them. This small program makes itself the process that adopts the orphans among its
descendants (PR_SET_CHILD_SUBREAPER). Every descendant can then be found by following the tree of processes from here.
Only Linux offers this; on other systems `notebooks.execute` ends kernels in a weaker way.

SIGTERM requests the end. SIGINT is left to the program: both are in one process group, and Jupyter interrupts a cell by
this signal. The exit code is that of the program, or 128 plus the signal's number if a signal killed it.

This file is run by its path and imports only the standard library, so that it starts quickly and uses little memory.

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
# How long to try to end processes that keep starting new ones, or that the system does not release.
END_LIMIT_S = 10.0
# How often to check whether the caller still runs.
LOOK_S = 0.5


def main(command: Sequence[str]) -> int:
    """Run `command` to its end and return its exit code."""
    caller = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    terminated: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: terminated.append(number))
    # Handlers instead of SIG_IGN: a program that is started inherits ignored signals, but no handlers.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    # A Jupyter kernel ends itself if the process with this number is not its parent.
    program = subprocess.Popen(command, env=os.environ | {"JPY_PARENT_PID": str(os.getpid())})
    code = None
    try:
        while code is None and not terminated and os.getppid() == caller:
            select.select([woken], [], [], LOOK_S)
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            code = _reap(program.pid)
    finally:
        end_all()
    return 128 + signal.SIGTERM if code is None else code


def descendants() -> list[int]:
    """Process numbers of all living descendants of this process, read from /proc."""
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
        direct = children.get(left.pop(), [])
        below += direct
        left += direct
    return below


def end_all() -> None:
    """End every process below this one, and wait until it is gone."""
    give_up = time.monotonic() + END_LIMIT_S
    while time.monotonic() < give_up:
        below = descendants()
        # All are stopped first, so that none can start another while the others are being ended.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in below:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process, number)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            # Each descendant becomes a child of this process before it is gone; without a child, none is left.
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
