"""Solutions and typical mistakes of exercises, read from the files that lie beside a lesson's `exercises.py`.

Exercise 3.2 has two files::

    lesson_03/solutions/3_2.py    defines `answer`, rightly
    lesson_03/mistakes/3_2.py     defines `answer` wrongly, several times

A line such as ``# %% The exponent changes nothing`` begins each mistake; its words must occur in the message by which
the check refuses that mistake. Editors show such lines as the borders of cells, and run the cells one by one. What
stands above the first mistake, such as imports, belongs to every mistake.

Where an exercise draws numbers for each student, both files begin with the numbers of the class, each in a line of its
own, such as ``window = 4096``. These lines, and nothing else, are rewritten for a student.

Contents: solution, mistakes, expected_words, with_values.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ..refusals import RefusedValue

MISTAKE = re.compile(r"(?m)^# %%(?: |$)")
# From here on, whole numbers are written with underscores, as in 44_100.
GROUPED_FROM = 10_000


def solution(lesson_file: str | os.PathLike[str], number: str, values: Mapping[str, float | str] | None = None) -> str:
    """The source code of an exercise's solution.

    Parameters
    ----------
    lesson_file : path
        The lesson's `exercises.py`; pass ``__file__``.
    number : str
        The exercise's, such as "3.2".
    values : dict of str -> number, optional
        Numbers that stand at the top of the file under these names, to be replaced.

    Raises
    ------
    FileNotFoundError
        If the exercise has no such file.
    ValueError
        If a name of `values` is not assigned in the file.
    """
    source = _read(lesson_file, "solutions", number)
    missing = [name for name in values or {} if not _line_of(name).search(source)]
    if missing:
        raise RefusedValue(
            f"the solution of exercise {number} must assign {', '.join(missing)}, each in a line of its own such as "
            f"'{missing[0]} = 1'; add the line to solutions/{_file_name(number)}"
        )
    return with_values(source, values or {})


def mistakes(
    lesson_file: str | os.PathLike[str], number: str, values: Mapping[str, float | str] | None = None
) -> tuple[str, ...]:
    """The source codes of an exercise's typical mistakes, in the order of the file.

    Each begins with its line ``# %% WORDS``, followed by what stands above the first mistake.

    Parameters
    ----------
    lesson_file, number
        As for `solution`.
    values : dict of str -> number, optional
        As for `solution`; a name that the mistakes do not use may be missing.

    Raises
    ------
    FileNotFoundError
        If the exercise has no such file.
    """
    above, *cells = MISTAKE.split(_read(lesson_file, "mistakes", number))
    above = with_values(above, values or {})
    titles_and_codes = (cell.partition("\n")[::2] for cell in cells)
    return tuple(f"# %% {title}\n{above}{code.rstrip()}\n" for title, code in titles_and_codes)


def expected_words(mistake: str) -> str:
    """The words by which a check must refuse a mistake, from its first line; empty where that says nothing."""
    first = mistake.partition("\n")[0]
    return MISTAKE.sub("", first).strip() if MISTAKE.match(first) else ""


def with_values(source: str, values: Mapping[str, float | str]) -> str:
    """Source code in which the first line that assigns a name of `values` assigns its new value; others stay."""
    for name, value in values.items():
        if line := _line_of(name).search(source):
            source = f"{source[: line.start()]}{name} = {_written(value)}{source[line.end() :]}"
    return source


def _read(lesson_file: str | os.PathLike[str], folder: str, number: str) -> str:
    path = Path(lesson_file).with_name(folder) / _file_name(number)
    if not path.is_file():
        raise FileNotFoundError(f"exercise {number} has no {folder}: write them in {path}")
    return path.read_text(encoding="utf-8")


def _file_name(number: str) -> str:
    return f"{number.replace('.', '_')}.py"


def _line_of(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?m)^{re.escape(name)} = .*$")


def _written(value: float | str) -> str:
    return f"{value:_}" if isinstance(value, int) and value >= GROUPED_FROM else repr(value)
