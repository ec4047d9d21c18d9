"""Grade students' notebooks: each runs from a fresh kernel, in a process and a folder of its own, against a clock.

    mss-lab grade NOTEBOOK... [--csv FILE] [--time-limit S]

An error in one cell does not stop the rest. Answers are judged outside of the notebook's kernel: see
`mss_lab.grading`. The student's file is read and never written, and the grader's own progress is not touched.

An exercise's verdict is the best that its checks gave: "right" if any was right. Otherwise the last one counts.

Contents: Grade, grade, write_csv, add_arguments, run.
"""

import argparse
import csv
import dataclasses
import os
import secrets
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .. import checks, files
from ..grading import one, sandbox
from . import notebooks
from .exercise import STATES

TIME_LIMIT_S = 300.0


@dataclasses.dataclass(frozen=True)
class Grade:
    """The verdict on one exercise of one notebook.

    Attributes
    ----------
    notebook : str
        Its path, as given.
    exercise : str
        Its number, such as "3.2"; empty where a notebook could not be run, or opens no lesson.
    verdict : {"right", "wrong", "not attempted", "error", "time limit"}
    message : str
    seconds : float
        How long the whole notebook ran.
    """

    notebook: str
    exercise: str
    verdict: str
    message: str
    seconds: float


def grade(
    paths: Iterable[str | os.PathLike], time_limit_s: float = TIME_LIMIT_S, progress: bool = False
) -> list[Grade]:
    """Run notebooks, one after the other, and report on every exercise of the lessons that they open.

    Parameters
    ----------
    paths : iterable of path
        Notebooks of students. A file that is missing or no notebook gets one line with the verdict "error".
    time_limit_s : float > 0
        For each whole notebook. What was checked before the time was over counts.
    progress : bool
        Whether to show a progress bar on the standard error stream.

    Returns
    -------
    list of Grade
        In the order of the notebooks and of their exercises; exercises that were not attempted are there too.
    """
    from tqdm import tqdm

    checks.check_number("time_limit_s", time_limit_s, above=0, unit="seconds")
    grades: list[Grade] = []
    for path in tqdm(list(paths), desc="grading", unit="notebook", disable=not progress):
        grades += _grade_one(path, time_limit_s)
    return grades


def write_csv(path: str | os.PathLike, grades: Iterable[Grade], *, force: bool = False) -> None:
    """Write grades as a table with the columns notebook, exercise, verdict, message, seconds.

    Raises
    ------
    FileExistsError
        If the file is there and `force` is False.
    """
    with files.whole_file(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([field.name for field in dataclasses.fields(Grade)])
        for line in grades:
            table.writerow(
                [_harmless(cell) for cell in (line.notebook, line.exercise, line.verdict, line.message)]
                + [f"{line.seconds:.1f}"]
            )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab grade` to a parser."""
    parser.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="a student's notebook (.ipynb)")
    parser.add_argument(
        "--csv", metavar="FILE", help="write the table here: notebook, exercise, verdict, message, seconds"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    parser.add_argument(
        "--time-limit",
        metavar="S",
        type=float,
        default=TIME_LIMIT_S,
        help="seconds for each whole notebook (default: %(default)g)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Grade as the parsed arguments say; the exit code is 1 if a notebook could not be run, else 0.

    Raises
    ------
    FileExistsError
        If the table's file is there already, before anything is run.
    ValueError
        If the time limit is not above 0.
    """
    if arguments.csv and Path(arguments.csv).exists() and not arguments.force:
        raise FileExistsError(f"{arguments.csv} exists already; choose another name, or allow replacing it (--force)")
    grades = grade(arguments.notebooks, arguments.time_limit, progress=sys.stderr.isatty())
    for path, lines in _by_notebook(grades).items():
        listed = [line for line in lines if line.exercise]
        solved = sum(line.verdict == "right" for line in listed)
        outcome = f"{solved} of {len(listed)} right, {lines[0].seconds:.1f} s" if listed else "could not be graded"
        sys.stdout.write(f"{path}: {outcome}\n")
        for line in lines:
            name = f"{line.exercise}  " if line.exercise else ""
            sys.stdout.write(f"  {STATES.get(line.verdict, STATES['error'])} {name}{line.verdict}: {line.message}\n")
    if arguments.csv:
        write_csv(arguments.csv, grades, force=arguments.force)
    return int(any(not line.exercise for line in grades))


def _by_notebook(grades: Sequence[Grade]) -> dict[str, list[Grade]]:
    found: dict[str, list[Grade]] = {}
    for line in grades:
        found.setdefault(line.notebook, []).append(line)
    return found


def _grade_one(path: str | os.PathLike, time_limit_s: float) -> list[Grade]:
    name = os.fspath(path)
    limits = sandbox.Limits(seconds=time_limit_s)
    if not Path(path).is_file():
        return [Grade(name, "", "error", f"notebook {name} does not exist; give the path of an .ipynb file", 0.0)]
    with notebooks.working_copy(path) as folder:
        job = one.Job(name, name, Path(path).stem, str(folder), str(folder), secret=secrets.randbits(64), limits=limits)
        found, _ = one.grade_one(job)
    if not found.exercises:
        return [Grade(name, "", "error", found.problem, found.seconds)]
    return [Grade(name, each.exercise, each.verdict, each.message, found.seconds) for each in found.exercises]


def _harmless(cell: str) -> str:
    # Spreadsheets run cells that begin like formulas, and a student's error message can begin with anything.
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
