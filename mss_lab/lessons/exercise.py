"""Exercises: a task, a check that knows the answer, hints, a solution, and the mistakes that it must refuse.

Contents: Exercise, Verdict, STATES, KINDS, answer_of, normal_name. What checks share is in `answers.py`.
"""

import dataclasses
import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..refusals import RefusedType, RefusedValue
from . import answer_files, answers, library_functions
from .calling import LAST_RESULT, frozen
from .explaining import explaining
from .plain_values import plain
from .time_limit import within

# Every outcome of a check, with the sign that stands before its word: never colour alone.
STATES = {
    "right": "\N{CHECK MARK}",
    "wrong": "\N{BALLOT X}",
    "not attempted": "\N{WHITE CIRCLE}",
    "error": "\N{WARNING SIGN}",
    "time limit": "\N{ALARM CLOCK}",
}
# What an exercise requires.
KINDS = {
    "sound": "to work on a recording: to hear something in it, or to reach a result with it",
    "construct": "to write something that no cell above it holds",
    "formula": "to write a program for an equation of the lesson",
    "number": "to calculate a number",
}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Attributes
    ----------
    exercise : str
        Its number, such as "3.2".
    state : {"right", "wrong", "not attempted", "error", "time limit"}
    message : str
        For the reader: that the answer is right, or what is wrong and where to look.
    """

    exercise: str
    state: str
    message: str

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.state == "right"


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    Attributes
    ----------
    number : str
        Lesson and place, such as "3.2".
    task : str
        What to do, in a sentence or two; shown again where the answer is still open.
    check : callable answer -> None or str
        Returns None when the answer is right, else a sentence that says what is wrong. See `mss_lab.lessons.answers`.
    hints : tuple of str
        Shown one after the other.
    solution : str
        Source code that defines `answer`, rightly.
    mistakes : tuple of str
        At least two source codes that define `answer` wrongly, in typical ways. The first line of each may state the
        words by which it is refused; see `answer_files`.
    praise : str
        A sentence that a right answer receives, which adds something to the task.
    time_limit_s : float
        How long the check may take, the student's function included.
    drawn : callable rng -> Exercise, optional
        For exercises whose answer is a number: makes the same exercise with other numbers. `for_student` seeds the
        generator from the student's name.
    kind : {"sound", "construct", "formula", "number"}, optional
        What the exercise requires; see `KINDS`.
    given : callable -> array, number, text, or a dict, list or tuple of them, optional
        Makes the inputs that `Lab.given` hands out, without arguments. It draws them from `answers.rng`, like a check,
        and the check calls the same function for the inputs that it judges with. An answer that is a function is then
        judged again on inputs that no student has seen. An answer that is a value belongs to the inputs that were
        handed out, and is judged with these alone. The function must not keep what it made for a later call. An
        exercise from `drawn` has inputs of its own.
    own_function : bool
        Whether an answer that is a function must be the reader's own: functions of the package and of libraries are
        refused. False where the task is to use one.
    """

    number: str
    task: str
    check: Callable[[Any], str | None]
    hints: tuple[str, ...]
    solution: str
    mistakes: tuple[str, ...]
    praise: str = ""
    time_limit_s: float = 10.0
    drawn: Callable[[np.random.Generator], "Exercise"] | None = None
    kind: str | None = None
    given: Callable[[], Any] | None = None
    own_function: bool = True

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+\.\d+", self.number):
            raise RefusedValue(f'number must be lesson and place, such as "3.2", got {self.number!r}')
        if not self.task.strip():
            raise RefusedValue(f"exercise {self.number} has no task; say in a sentence what to do")
        if not callable(self.check):
            raise RefusedType(f"check of exercise {self.number} must be a function, got {self.check!r}")
        if self.given is not None and not callable(self.given):
            raise RefusedType(
                f"given of exercise {self.number} must be a function without arguments that makes the inputs, "
                f"got {answers.describe(self.given)}"
            )
        if self.kind is not None and self.kind not in KINDS:
            raise RefusedValue(f"kind of exercise {self.number} must be one of {', '.join(KINDS)}, got {self.kind!r}")
        for field in ("hints", "mistakes"):
            texts = getattr(self, field)
            if isinstance(texts, str) or not all(isinstance(words, str) and words.strip() for words in texts):
                raise RefusedType(f"{field} of exercise {self.number} must be a tuple of texts, got {texts!r}")
            object.__setattr__(self, field, tuple(texts))
        if not self.hints:
            raise RefusedValue(f"exercise {self.number} has no hint; give at least one")
        if len(self.mistakes) < 2:
            raise RefusedValue(f"exercise {self.number} needs two typical mistakes, got {len(self.mistakes)}")

    @classmethod
    def from_files(
        cls,
        lesson_file: str | os.PathLike[str],
        *,
        number: str,
        values: Mapping[str, float | str] | None = None,
        **others: Any,
    ) -> "Exercise":
        """An exercise whose solution and mistakes are files beside its lesson's file; see `answer_files`.

        Parameters
        ----------
        lesson_file : path
            The lesson's `exercises.py`; pass ``__file__``.
        number : str
        values : dict of str -> number, optional
            Numbers that take the place of those at the top of both files, under the same names.
        **others
            All other attributes of the exercise.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        ValueError
            If the solution does not assign a name of `values`.
        """
        solution = answer_files.solution(lesson_file, number, values)
        mistakes = answer_files.mistakes(lesson_file, number, values)
        return cls(number=number, solution=solution, mistakes=mistakes, **others)

    def for_student(self, name: str) -> "Exercise":
        """The exercise with the numbers of one student; the exercise itself where it draws none, or the name is empty.

        The numbers follow from the name and the exercise's number alone, on every computer with the same version of
        NumPy (NumPy does not promise that other versions draw the same). Upper and lower case, spaces at the ends, how
        many spaces stand between words, and how accents are encoded make no difference.

        Raises
        ------
        TypeError
            If the name is not a str.
        """
        if not isinstance(name, str):
            raise RefusedType(f"a student's name must be a text, such as 'Ada Lovelace', got {name!r}")
        if self.drawn is None or not normal_name(name):
            return self
        digest = hashlib.sha256(f"{normal_name(name)}\n{self.number}".encode()).digest()
        own = self.drawn(np.random.default_rng(int.from_bytes(digest)))
        if own.number != self.number:
            raise RefusedValue(f"exercise {self.number} with other numbers must bear its number, got {own.number}")
        return own

    def handed_out(self) -> Any:
        """What `given` makes, with read-only arrays.

        Raises
        ------
        ValueError
            If the exercise hands out nothing.
        TypeError
            If `given` makes anything else than arrays of numbers, numbers, texts, and dicts, lists and tuples of them.
        """
        if self.given is None:
            raise RefusedValue(f"exercise {self.number} hands out nothing; its task is: {self.task}")
        inputs = self.given()
        if not _is_plain(inputs):
            raise RefusedType(
                f"exercise {self.number} must hand out arrays of numbers, numbers, texts, or a dict of them, "
                f"got {answers.describe(inputs)}"
            )
        return frozen(inputs)

    def judge_unseen(self, answer: Any, secret: int, library: str | None = None, *, explained: bool = False) -> Verdict:
        """Judge an answer as in class and, if it is right, again on inputs that follow from a secret.

        A function that only knows the results for the inputs of the class is refused here. The words say on which
        inputs it failed, in general terms. A value that was made from `given` is judged as in class alone.

        Parameters
        ----------
        answer : anything
        secret : int >= 0
            See `answers.unseen_inputs`.
        library, explained
            As for `judge`.
        """
        usual = self.judge(answer, library, explained=explained)
        if not usual.right or (self.given is not None and not callable(answer)):
            return usual
        with answers.unseen_inputs(secret):
            unseen = self.judge(answer, library, explained=explained)
        if unseen.right:
            return usual
        state = unseen.state if unseen.state in ("error", "time limit") else "wrong"
        return self._verdict(
            state, f"This is right for the inputs that every check uses, but not for others. {unseen.message}"
        )

    def judge(self, answer: Any, library: str | None = None, *, explained: bool = False) -> Verdict:
        """Check an answer. Errors and endless loops of a student's function become sentences, never a traceback.

        Parameters
        ----------
        answer : anything
            None, ``...`` and NotImplemented count as not attempted.
        library : str, optional
            What `library_functions.words_on` says of the answer, for an answer whose functions are in another process.
        explained : bool
            Whether a refusal also says where to look; see `explaining`.
        """
        try:
            if answers.is_blank(answer):
                raise answers.Blank
            if self.own_function and (words := library_functions.words_on(answer) if library is None else library):
                raise answers.Refused(f"{words}; the task is to write it.")
            with explaining(explained):
                wrong = within(self.time_limit_s, self._checked, plain(answer))
        except answers.Blank as blank:
            reason = f"{blank} " if str(blank) else ""
            return self._verdict("not attempted", f"{reason}Not answered yet. The task: {self.task}")
        except answers.Raised as error:
            return self._verdict("error", str(error))
        except answers.Refused as refused:
            return self._verdict("wrong", str(refused))
        except TimeoutError:
            return self._verdict(
                "time limit",
                f"This ran for more than {self.time_limit_s:g} s and was stopped. Does a loop never end, "
                "or is there a loop over samples where one array operation would do?",
            )
        if wrong is None:
            return self._verdict("right", self.praise or "That is it.")
        return self._verdict("wrong", str(wrong))

    def _checked(self, answer: Any) -> str | None:
        try:
            return self.check(answer)
        except (answers.Refused, TimeoutError):
            raise
        except Exception as error:
            # The check computes with what the answer holds; its kind or shape was one that the check does not expect.
            what = f"Your function returned {answers.describe(LAST_RESULT.get())}"
            if not callable(answer):
                what = f"The answer is {answers.describe(answer)}"
            raise answers.Raised(
                f"{what}, which cannot be compared with what the task requires: look at its kind, its shape and how "
                f"many values it holds. The task: {self.task}"
            ) from error

    def _verdict(self, state: str, message: str) -> Verdict:
        return Verdict(self.number, state, message)


def normal_name(name: str) -> str:
    """A student's name in a form that is the same for all its spellings: case, spaces and accents are normalised."""
    return unicodedata.normalize("NFC", " ".join(unicodedata.normalize("NFC", name).casefold().split()))


def answer_of(source: str, exercise: Exercise | None = None) -> Any:
    """Run the source code of a solution or a mistake, and return the `answer` it defines.

    Parameters
    ----------
    source : str
    exercise : Exercise, optional
        Whose inputs `lab.given` returns in the code. Without it the code has no `lab`.

    Raises
    ------
    ValueError
        If the code defines no `answer`.
    """
    # This runs code, which is always one of the lessons' own texts.
    namespace: dict[str, Any] = {"__name__": "answer"}
    if exercise is not None:
        namespace["lab"] = _LabOfOne(exercise)
    exec(compile(source, "<answer>", "exec"), namespace)
    if "answer" not in namespace:
        names = sorted(name for name in namespace if not name.startswith("__") and name != "lab")
        raise RefusedValue(f"this code must define answer, got only {names}: {source}")
    return namespace["answer"]


class _LabOfOne:
    """Stands for the lab in a solution or a mistake: it hands out the inputs of one exercise."""

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise

    def given(self, number: str) -> Any:
        if number != self._exercise.number:
            raise RefusedValue(f"an answer to {self._exercise.number} must use its own inputs, not those of {number}")
        return self._exercise.handed_out()


def _is_plain(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biufc"
    if isinstance(value, Mapping):
        return all(isinstance(key, str | int) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return isinstance(value, bool | int | float | complex | str | np.number | np.bool_)
