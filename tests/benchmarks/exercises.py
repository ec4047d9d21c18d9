"""A table of all exercises: their kind, and whether something from the lesson answers them without a thought.

    python -m tests.benchmarks.exercises [--lessons 00 05] [--small]

The columns:

kind       sound, construct, formula or number, as `mss_lab.lessons.exercise.KINDS` explains them.
pasted     What a cell above the exercise holds that is a right answer: a variable, a function under any name, or what
           the exercise hands out. Words, truth values and whole numbers up to 20 do not count, since a variable holds
           them by chance.
alike      Which share of the solution's code also stands in the cells above, whatever the names of its variables.
package    A function of the package that does what the task requires, and whether it is accepted as the answer, itself
           or in a function that only calls it. Those are tried that the lesson's text or code names.
own        Whether each reader has other numbers or inputs.
mistakes   How many typical mistakes the check is tested with.

Below each lesson stands whether it keeps the rules: 3 to 5 exercises, at most one formula or number, at least one
that works on a recording (sound), at least one that nothing from above solves and whose solution has less than 80 % of
its code from there. `--small` looks at one lesson alone.
"""

import argparse
import contextlib
import dataclasses
import importlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mss_lab import lessons
from mss_lab.lessons import links, notebooks, progress
from mss_lab.lessons.exercise import Exercise, answer_of
from mss_lab.lessons.plain_values import plain
from tests.benchmarks.code_overlap import share_of
from tests.paths import NOTEBOOKS

SMALL_LESSON = "04"
# A function from a cell that takes longer was not written for the task.
TIME_LIMIT_S = 3.0
BY_CHANCE = 20
MOST_PARTS = 100
# A solution with so much of its code from the cells above is pasted together.
MOSTLY = 0.8


@dataclasses.dataclass(frozen=True)
class Row:
    """One exercise's line."""

    exercise: str
    kind: str
    pasted: str
    alike: float
    package: str
    own: bool
    mistakes: int


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A value that may be an answer, and where it comes from."""

    value: Any
    origin: str


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lessons", nargs="+", default=list(lessons.numbers()), help="such as 00 05")
    parser.add_argument("--small", action="store_true", help=f"lesson {SMALL_LESSON} alone")
    options = parser.parse_args(arguments)
    os.environ.setdefault("MPLBACKEND", "Agg")
    kept = 0
    numbers = [SMALL_LESSON] if options.small else options.lessons
    print(f"{'exercise':<10}{'kind':<11}{'own':<5}{'mistakes':<10}{'alike':<7}{'pasted':<40}package")
    for number in numbers:
        rows, problems, seconds = rows_of(number)
        for row in rows:
            own = "yes" if row.own else "-"
            print(
                f"{row.exercise:<10}{row.kind or '-':<11}{own:<5}{row.mistakes:<10}{row.alike:<7.0%}{row.pasted:<40}"
                f"{row.package}"
            )
        broken = broken_rules(rows)
        kept += not broken
        for problem in problems:
            print(f"    {problem}")
        print(f"  lesson {number}: {'; '.join(broken) or 'keeps the rules'} ({seconds:.1f} s)", flush=True)
    print(f"{kept} of {len(numbers)} lessons keep the rules")
    return 0


def broken_rules(rows: list[Row]) -> list[str]:
    """Which of the rules for the exercises of a lesson are broken, in words."""
    rules = {
        "all are solved by pasting": any(row.pasted == "-" and row.alike < MOSTLY for row in rows),
        "a function of the package is accepted": all("accepted" not in row.package for row in rows),
    }
    return [*broken_kinds([row.kind for row in rows]), *(words for words, holds in rules.items() if not holds)]


def broken_kinds(kinds: list[str]) -> list[str]:
    """Which of the rules that concern the kinds of a lesson's exercises are broken, in words."""
    calculated = kinds.count("formula") + kinds.count("number")
    rules = {
        f"{len(kinds)} exercises, expected 3 to 5": 3 <= len(kinds) <= 5,
        f"{kinds.count('')} without a kind": "" not in kinds,
        f"{calculated} formulas or numbers, expected at most 1": calculated <= 1,
        "none works on a recording": "sound" in kinds,
    }
    return [words for words, holds in rules.items() if not holds]


def rows_of(number: str) -> tuple[list[Row], list[str], float]:
    """The lines of a lesson's exercises, what went wrong in its cells, and how many seconds it took."""
    started = time.monotonic()
    notebook = notebooks.read(next(NOTEBOOKS.glob(f"{number}_*.ipynb")))
    rows, problems = rows_of_notebook(notebook, lessons.exercises_of(number))
    return rows, problems, time.monotonic() - started


def rows_of_notebook(notebook: Any, exercises: Sequence[Exercise]) -> tuple[list[Row], list[str]]:
    """Run a lesson's cells in one namespace; before the cell that checks an exercise, try all that the cells made."""
    functions = package_functions(notebook)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    held, sources, rows, problems = dict[int, Candidate](), list[str](), list[Row](), list[str]()
    with own_progress():
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            checked = [exercise for exercise in exercises if f'lab.check("{exercise.number}"' in cell.source]
            rows += [row_of(exercise, list(held.values()), sources, functions) for exercise in checked]
            sources.append(cell.source)
            problems += run_cell(cell.source, namespace, index)
            collect(namespace, f"cell {index}", held)
    return rows, problems


@contextlib.contextmanager
def own_progress() -> Iterator[None]:
    """While this context lasts, progress is kept in a folder that is removed afterwards."""
    before = os.environ.get(progress.PLACE)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[progress.PLACE] = str(Path(folder) / "progress.json")
        try:
            yield
        finally:
            del os.environ[progress.PLACE]
            if before is not None:
                os.environ[progress.PLACE] = before


def run_cell(source: str, namespace: dict[str, Any], index: int) -> list[str]:
    """Run a cell without what it prints; returns why it stopped, in a list that is empty where it did not."""
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet), contextlib.chdir(NOTEBOOKS):
        try:
            exec(compile(source, f"<cell {index}>", "exec"), namespace)
        except Exception as error:
            return [f"cell {index} stops with {type(error).__name__}: {error}"]
        finally:
            if "matplotlib.pyplot" in sys.modules:
                sys.modules["matplotlib.pyplot"].close("all")
    return []


def collect(namespace: dict[str, Any], origin: str, held: dict[int, Candidate]) -> None:
    """Add the values and functions of a namespace that are not held yet; those that a later cell replaced stay."""
    for name, value in namespace.items():
        if not name.startswith("__") and not isinstance(value, type(os)):
            for candidate in with_parts(value, name, origin):
                held.setdefault(id(candidate.value), candidate)


def with_parts(value: Any, name: str, origin: str) -> Iterator[Candidate]:
    """A value, and the values that it holds where it is a short dict, list or tuple."""
    yield Candidate(value, f"{name}, {origin}")
    if isinstance(value, dict | list | tuple) and len(value) <= MOST_PARTS:
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        yield from (Candidate(part, f"{name}[{key!r}], {origin}") for key, part in parts)


def row_of(exercise: Exercise, held: list[Candidate], sources: list[str], functions: dict[str, Any]) -> Row:
    """What of a lesson answers an exercise."""
    if exercise.given is not None:
        held = [*held, *with_parts(exercise.handed_out(), "given", "lab")]
    return Row(
        exercise.number,
        exercise.kind or "",
        solved_by(exercise, held),
        share_of(exercise.solution, sources),
        accepted_of_package(exercise, functions),
        exercise.drawn is not None,
        len(exercise.mistakes),
    )


def solved_by(exercise: Exercise, held: list[Candidate]) -> str:
    """Where the first right answer comes from, or "-"."""
    exercise = dataclasses.replace(exercise, time_limit_s=min(exercise.time_limit_s, TIME_LIMIT_S))
    solution = answer_of(exercise.solution, exercise)
    for candidate in held:
        if kind_of(candidate.value) == kind_of(solution) and not by_chance(candidate.value):
            # A function of a cell may print, here for each input of the check.
            with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                if exercise.judge_unseen(candidate.value, 1).right:
                    return candidate.origin
    return "-"


def kind_of(value: Any) -> tuple[Any, ...]:
    """What an answer must have in common with the right one to be worth a try; a check takes seconds for some."""
    if callable(value):
        return ("function",)
    if isinstance(value, dict):
        return ("dict", *sorted(map(str, value)))
    value = plain(value)
    if isinstance(value, list | tuple | int | float | complex | np.number | np.ndarray):
        with contextlib.suppress(ValueError):
            array = np.asarray(value)
            return ("numbers", array.ndim if array.size > 1 else 0) if array.dtype.kind in "biufc" else ("other",)
    return (type(value).__name__,)


def by_chance(value: Any) -> bool:
    """Whether a variable may well hold such a value without a relation to the task."""
    return isinstance(value, bool | str) or (isinstance(value, int) and abs(value) <= BY_CHANCE)


def package_functions(notebook: Any) -> dict[str, Any]:
    """The package's functions that a lesson's text or code names, by their full name."""
    functions = {}
    for name in dict.fromkeys([*links.named_in(notebook), *links.used_in(notebook)]):
        module, _, attribute = name.rpartition(".")
        try:
            value = getattr(importlib.import_module(module), attribute, None)
        except ImportError:
            continue
        if callable(value) and not isinstance(value, type):
            functions[name] = value
    return functions


def accepted_of_package(exercise: Exercise, functions: dict[str, Any]) -> str:
    """Which function of the package does the task, and whether it is refused as an answer; "-" where none does."""
    if not callable(answer_of(exercise.solution, exercise)):
        return "-"
    limit_s = min(exercise.time_limit_s, TIME_LIMIT_S)
    any_function = dataclasses.replace(exercise, own_function=False, time_limit_s=limit_s)
    for name, function in functions.items():
        with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
            if not any_function.judge_unseen(function, 1).right:
                continue
            is_accepted = any(exercise.judge(answer).right for answer in (function, passing_on_to(function)))
        if is_accepted:
            return f"accepted: {name}" if exercise.own_function else f"meant to be used: {name}"
        return f"refused: {name}"
    return "-"


def passing_on_to(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a reader writes who only calls the package's function."""
    return lambda *arguments, **options: function(*arguments, **options)


if __name__ == "__main__":
    sys.exit(main())
