"""Which lessons there are, and what their files hold: the exercises, and the piece that is listened to.

The course's lessons are folders `lesson_NN` of `mss_lab.content`, each with a file `exercises.py`. The environment
variable MSS_LAB_LESSONS names a folder of further lessons, which may also be single files `lesson_NN.py`. A lesson is
imported only when it is opened.

Contents: OWN_LESSONS, CONTENT; numbers, exercises_of, piece_of, two_digits.
"""

import importlib
import importlib.util
import os
import re
from pathlib import Path
from types import ModuleType

from ..refusals import RefusedValue
from .exercise import Exercise

OWN_LESSONS = "MSS_LAB_LESSONS"
# Found by its name only: while a notebook is graded, this folder is empty.
CONTENT = "mss_lab.content"
CONTENT_FOLDER = Path(__file__).resolve().parents[1] / "content"


def numbers() -> tuple[str, ...]:
    """Numbers of the lessons that there are, such as ("00", "01"), in order.

    Teachers add their own: the environment variable MSS_LAB_LESSONS names a folder of further lessons, each a folder
    `lesson_NN` like those of `mss_lab.content`, or a single file `lesson_NN.py`.
    """
    return tuple(sorted(_files()))


def exercises_of(number: str | int) -> tuple[Exercise, ...]:
    """The exercises of a lesson, in order.

    Raises
    ------
    LookupError
        If there is no such lesson.
    ValueError
        If an exercise bears another lesson's number, or two bear one.
    """
    number = two_digits(number)
    exercises = tuple(_module_of(number).EXERCISES)
    expected = [f"{int(number)}.{index}" for index in range(1, len(exercises) + 1)]
    actual = [exercise.number for exercise in exercises]
    if actual != expected:
        raise RefusedValue(
            f"the exercises of lesson {number} must be numbered {', '.join(expected)}, got {', '.join(actual)}"
        )
    return exercises


def piece_of(number: str | int) -> str:
    """The name of the piece that a lesson listens to, or the path of its folder.

    Raises
    ------
    LookupError
        If there is no such lesson.
    """
    return str(_module_of(two_digits(number)).PIECE)


def two_digits(number: str | int) -> str:
    """A lesson's number as two digits: "03" for "03", "3" or 3.

    Raises
    ------
    LookupError
        If this is no number of a lesson.
    """
    words = str(number).strip()
    if isinstance(number, bool) or not re.fullmatch(r"\d{1,2}", words):
        raise LookupError(f'a lesson is named by its number, such as "03", got {number!r}; {_there_are()}')
    return f"{int(words):02}"


def _module_of(number: str) -> ModuleType:
    path = _files().get(number)
    if path is None:
        raise LookupError(f"there is no lesson {number}; {_there_are()}")
    if path.is_relative_to(CONTENT_FOLDER):
        return importlib.import_module(f"{CONTENT}.{path.parent.name}.{path.stem}")
    specification = importlib.util.spec_from_file_location(f"mss_lab_own_lesson_{number}", path)
    if specification is None or specification.loader is None:
        raise LookupError(f"lesson file {path} cannot be loaded; it must be a Python file")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _files() -> dict[str, Path]:
    own = os.environ.get(OWN_LESSONS)
    # A lesson of one's own stands in for the course's lesson of the same number.
    return _files_in(CONTENT_FOLDER) | (_files_in(Path(own)) if own else {})


def _files_in(folder: Path) -> dict[str, Path]:
    paths = {path.stem: path for path in folder.glob("lesson_*.py")}
    paths |= {path.parent.name: path for path in folder.glob("lesson_*/exercises.py")}
    return {name[-2:]: path for name, path in paths.items() if re.fullmatch(r"lesson_\d\d", name)}


def _there_are() -> str:
    return f"there are {', '.join(numbers())}" if numbers() else "there are none yet"
