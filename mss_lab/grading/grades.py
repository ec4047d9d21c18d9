"""Grades, as they are kept and shown: of one exercise, and of one notebook.

Contents: ExerciseGrade, NotebookGrade, VERDICTS, from_json.
"""

import dataclasses
import json
from typing import Any

from ..lessons.exercise import STATES
from ..refusals import RefusedValue

VERDICTS = (*STATES, "memory limit")


@dataclasses.dataclass(frozen=True)
class ExerciseGrade:
    """The grade of one exercise.

    Attributes
    ----------
    exercise : str
        Its number, such as "3.2".
    verdict : str
        One of `VERDICTS`: "right" where any of its checks was right, otherwise what the last one said.
    message : str
    tries : int
        Answers that were checked, blanks left out.
    hints : int
    solution_seen : bool
        Whether the notebook showed the solution.
    same_as_solution : bool
        Whether a function in the notebook is the shipped solution, except for its names.
    """

    exercise: str
    verdict: str
    message: str
    tries: int = 0
    hints: int = 0
    solution_seen: bool = False
    same_as_solution: bool = False

    @property
    def points(self) -> int:
        """1 for a right answer, else 0."""
        return int(self.verdict == "right")


@dataclasses.dataclass(frozen=True)
class NotebookGrade:
    """The grades of one notebook.

    Attributes
    ----------
    notebook : str
        Its path, as given.
    student : str
        The name that the notebook gives, or else its file's.
    lessons : tuple of str
        Those it opens, such as ("03",).
    exercises : tuple of ExerciseGrade
        Of all exercises of these lessons, in order.
    problem : str
        Why there is no grade, or not a whole one; empty where there is none.
    seconds : float
        How long the notebook ran.
    notes : tuple of str
        What else a teacher should know.
    """

    notebook: str
    student: str
    lessons: tuple[str, ...] = ()
    exercises: tuple[ExerciseGrade, ...] = ()
    problem: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As text; `from_json` reads it."""
        return json.dumps(dataclasses.asdict(self), indent=1)


def from_json(text: str) -> NotebookGrade:
    """The grade of a notebook from its text.

    Raises
    ------
    ValueError
        If it is not what `NotebookGrade.to_json` writes.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        exercises = tuple(ExerciseGrade(**one) for one in fields.pop("exercises"))
        grade = NotebookGrade(
            **fields | {"lessons": tuple(fields["lessons"]), "notes": tuple(fields["notes"])}, exercises=exercises
        )
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise RefusedValue(f"this is not the grade of a notebook ({error})") from error
    if not all(one.verdict in VERDICTS for one in grade.exercises):
        raise RefusedValue(f"this is not the grade of a notebook: a verdict is none of {', '.join(VERDICTS)}")
    return grade
