"""How long a class of copies of one lesson takes to grade, and how much memory all processes of it hold together.

    .venv/bin/python -m tests.benchmarks.grading [--copies 40] [--jobs 1 2] [--lesson 00]

Each copy is the lesson as it is shipped, with its exercises open. Memory is the sum over the processes of the grader,
kernels included, of each one's part of it (PSS), looked at several times a second; on Linux only.
"""

import argparse
import contextlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.paths import NOTEBOOKS

LOOK_S = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", type=int, default=40)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--lesson", default="00")
    given = parser.parse_args(arguments)
    (lesson,) = NOTEBOOKS.glob(f"{given.lesson}_*.ipynb")
    print(f"{'copies':>6} {'jobs':>4} {'graded':>6} {'seconds':>8} {'each (s)':>8} {'CPU (s)':>8} {'peak (GB)':>9}")
    for jobs in given.jobs:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(given.copies):
                shutil.copy(lesson, Path(folder, f"student{number:03}.ipynb"))
            command = [
                sys.executable,
                "-m",
                "mss_lab.cli",
                "grade",
                folder,
                "--jobs",
                str(jobs),
                "--out",
                f"{folder}/out",
            ]
            started, used = time.monotonic(), cpu_s()
            peak, code, printed = watched(command)
            seconds, used = time.monotonic() - started, cpu_s() - used
        graded = sum("right, " in line and ".ipynb: " in line for line in printed.splitlines())
        each = seconds / given.copies
        print(f"{given.copies:>6} {jobs:>4} {graded:>6} {seconds:>8.1f} {each:>8.2f} {used:>8.1f} {peak / 1e9:>9.2f}")
        if code or graded != given.copies:
            print(f"FAILED: exit code {code}\n{printed}")
            return 1
    return 0


def watched(command: Sequence[str]) -> tuple[int, int, str]:
    """Run a program; the most bytes that it and all below it held, its exit code, and what it printed."""
    peak = 0
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(command, stdout=printed, stderr=printed)
        while process.poll() is None:
            peak = max(peak, sum(share_bytes(number) for number in below(process.pid)))
            time.sleep(LOOK_S)
        printed.seek(0)
        return peak, process.returncode, printed.read().decode("utf-8", "replace")


def cpu_s() -> float:
    """Seconds of computing by all that this process has started and that has ended; other programs do not slow it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def below(root: int) -> list[int]:
    """Numbers of a process and of all below it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        # A process may end between the listing and the reading.
        with contextlib.suppress(OSError):
            if folder.name.isdigit():
                parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found = [root]
    for number in found:
        found += children.get(number, [])
    return found


def share_bytes(number: int) -> int:
    """A process's part of the memory; what several share is divided among them."""
    with contextlib.suppress(OSError, IndexError):
        text = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="ascii", errors="replace")
        return int(text.split("\nPss:")[1].split()[0]) * 1024
    return 0


if __name__ == "__main__":
    sys.exit(main())
