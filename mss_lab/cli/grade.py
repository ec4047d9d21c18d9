"""`mss-lab grade`: run the notebooks of a class, and report on every exercise."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .. import checks, files
from ..grading import class_run, results, sandbox, submissions, tables
from ..grading.grades import NotebookGrade
from ..grading.plain import plain
from ..lessons import beside, lesson_files
from ..lessons.exercise import STATES
from ..refusals import RefusedValue
from ..temporary import undisturbed
from .plain import counted

# Below this, not even the workbook's own packages can be loaded.
LEAST_MEMORY_GB = 0.5
LEAST_PROCESSES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab grade` to a parser."""
    limits = sandbox.Limits()
    add = parser.add_argument
    add("notebooks", nargs="+", metavar="NOTEBOOK", help="a student's notebook (.ipynb), or a folder of them")
    add("--out", metavar="FOLDER", help="keep results, tables and pages here; a second call goes on where one stopped")
    add("--again", action="store_true", help="grade again what FOLDER already holds")
    add("--csv", metavar="FILE", help="write the table of all exercises here")
    add("--force", action="store_true", help="replace FILE if it exists, and use a FOLDER that holds other files")
    add("--lesson", metavar="NN", help="grade this lesson only")
    add("--with", dest="with_files", metavar="FILE", action="append", default=[], help="a file that goes with every "
        "notebook; may be given several times")  # fmt: skip
    add("--jobs", metavar="N", type=int, default=1, help="notebooks at one time (default: %(default)s)")
    add("--time-limit", metavar="S", type=float, default=limits.seconds, help="seconds for each whole notebook "
        "(default: %(default)g)")  # fmt: skip
    add("--memory", metavar="GB", type=float, default=limits.memory_bytes / 1e9, help="gigabytes for each notebook "
        "(default: %(default)g)")  # fmt: skip
    add("--processes", metavar="N", type=int, default=limits.processes, help="processes and threads of each notebook "
        "(default: %(default)s)")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Grade as the parsed options say; the exit code is 1 if a notebook could not be graded, else 0.

    Raises
    ------
    RefusedValue, OSError
        If an option cannot be followed, before anything is run.
    """
    if sys.platform == "win32":
        raise RefusedValue("grading needs Linux or macOS, got Windows; run it in the Windows Subsystem for Linux (WSL)")
    settings = _settings(options)
    found = submissions.find(options.notebooks)
    if options.csv:
        files.check_new_file(options.csv, force=options.force, inputs=[one.notebook for one in found])
    folder = results.open_folder(options.out, force=options.force) if options.out else None
    if sandbox.weakness():
        print(f"mss-lab: {sandbox.weakness()}", file=sys.stderr)
    graded: dict[int, class_run.Graded] = {}
    stopped: KeyboardInterrupt | None = None
    try:
        _grade(found, settings, folder, graded)
    except KeyboardInterrupt as stop:
        stopped = stop
    finally:
        in_order = [graded[place].grade for place in sorted(graded)]
        written = _write_tables(in_order, folder, options.csv, options.force)
    for line in _summary(list(graded.values()), folder, written):
        print(line, flush=True)
    if stopped is not None:
        more = "; call again with the same --out to go on" if folder is not None else ""
        print(f"mss-lab: stopped; {len(graded)} of {len(found)} notebooks were graded{more}", file=sys.stderr)
        return 128 + (stopped.args[0] if stopped.args else 2)
    return int(any(not grade.exercises for grade in in_order))


def lines_of(grade: NotebookGrade, *, reused: bool = False) -> list[str]:
    """What the terminal shows of a notebook: a line for it, and one for each exercise; no character of it acts."""
    right = sum(one.points for one in grade.exercises)
    outcome = f"{right} of {len(grade.exercises)} right, {grade.seconds:.1f} s"
    if not grade.exercises:
        outcome = "could not be graded"
    lines = [f"{plain(grade.notebook)}: {outcome}{' (graded before)' if reused else ''}"]
    if grade.problem:
        lines.append(f"  {STATES['error']} {plain(grade.problem)}")
    for one in grade.exercises:
        lines.append(
            f"  {STATES.get(one.verdict, STATES['error'])} {one.exercise}  {one.verdict}: {plain(one.message)}"
        )
    return lines + [f"  note: {plain(note)}" for note in grade.notes]


def _settings(options: argparse.Namespace) -> class_run.Settings:
    checks.check_number("--jobs", options.jobs, at_least=1, whole=True)
    checks.check_number("--time-limit", options.time_limit, above=0, unit="seconds")
    checks.check_number("--memory", options.memory, at_least=LEAST_MEMORY_GB, unit="gigabytes")
    checks.check_number("--processes", options.processes, at_least=LEAST_PROCESSES, whole=True)
    limits = sandbox.Limits(
        seconds=options.time_limit, memory_bytes=round(options.memory * 1e9), processes=options.processes
    )
    outputs = [Path(path).resolve() for path in (options.out, options.csv) if path]
    return class_run.Settings(
        limits=limits,
        jobs=options.jobs,
        lesson=_lesson(options.lesson),
        for_all=_for_all(options.with_files),
        leave_out=tuple(outputs),
        again=options.again,
    )


def _lesson(given: str | None) -> str:
    if given is None:
        return ""
    try:
        lesson_files.exercises_of(given)
    except LookupError as error:
        raise RefusedValue(f"--lesson: {error.args[0]}") from error
    return f"{int(given):02}"


def _for_all(paths: Sequence[str]) -> tuple[str, ...]:
    names: dict[str, str] = {}
    for path in paths:
        name = Path(path).name
        files.existing_file(path, "--with file", "give a file that goes with every notebook")
        if beside.is_notebook(name):
            raise RefusedValue(f"--with must be a file for the notebooks, got the notebook {path}; leave it out")
        if name in names:
            raise RefusedValue(f"--with got two files named {name}, {names[name]} and {path}; rename one")
        beside.read_file(Path(path).resolve(), most_bytes=beside.LARGEST_COPY_BYTES)
        names[name] = path
    return tuple(paths)


def _grade(
    found: Sequence[submissions.Submission],
    settings: class_run.Settings,
    folder: Path | None,
    graded: dict[int, class_run.Graded],
) -> None:
    from tqdm import tqdm

    with (
        tqdm(total=len(found), desc="grading", unit="notebook", disable=not sys.stderr.isatty()) as bar,
        contextlib.closing(class_run.grade_class(found, settings, folder)) as coming,
    ):
        for one in coming:
            graded[one.index] = one
            with tqdm.external_write_mode(file=sys.stdout):
                for line in lines_of(one.grade, reused=one.reused):
                    print(line, flush=True)
            bar.update()


def _write_tables(
    grades: Sequence[NotebookGrade], folder: Path | None, csv: str | os.PathLike[str] | None, force: bool
) -> list[str]:
    written = []
    with undisturbed():
        if folder is not None:
            tables.write_grades(folder / results.GRADES, grades)
            tables.write_students(folder / results.STUDENTS, grades)
            written += [str(folder / results.GRADES), str(folder / results.STUDENTS)]
        if csv:
            tables.write_grades(csv, grades, force=force)
            written.append(os.fspath(csv))
    return written


def _summary(graded: Sequence[class_run.Graded], folder: Path | None, written: Iterable[str]) -> list[str]:
    grades = [one.grade for one in graded]
    exercises = [one for grade in grades for one in grade.exercises]
    right = sum(one.points for one in exercises)
    reused = sum(one.reused for one in graded)
    problems = sum(bool(grade.problem) for grade in grades)
    words = f"{counted(len(grades), 'notebook')}, {right} of {counted(len(exercises), 'exercise')} right"
    words += f"; {reused} graded before" if reused else ""
    words += f"; {problems} with a problem" if problems else ""
    lines = [words]
    lines += [plain(f"tables: {', '.join(written)}", 4000)] if written else []
    lines += [plain(f"pages: {folder / results.PAGES}", 4000)] if folder is not None else []
    return lines
