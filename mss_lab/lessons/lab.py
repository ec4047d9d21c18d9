"""The lab: the object that a notebook opens. It has the recording, its sources and its score, and checks exercises.

Contents: Lab, open, solutions_withheld; SOLUTIONS.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..score.notes import Score
from . import explaining, glossary, judged, lesson_files, needs, notation, recording, skipping
from . import progress as kept
from .cards import Card, code_html, table_html, table_text
from .exercise import STATES, Exercise
from .progress import Mark

# Set to "withheld", it takes solutions away from a class.
SOLUTIONS = "MSS_LAB_SOLUTIONS"


def open(number: str | int, student: str = "") -> "Lab":
    """Open a lesson.

    Parameters
    ----------
    number : str or int
        "03", "3" or 3.
    student : str
        The reader's name. Some exercises draw their numbers from it, so that two students have different ones;
        `Lab.task` shows them. Without a name the numbers are those of the notebook's text.

    Returns
    -------
    Lab

    Raises
    ------
    LookupError
        If there is no such lesson; the message lists those there are.
    TypeError
        If `student` is not a str.
    """
    number = lesson_files.two_digits(number)
    return Lab(number, lesson_files.exercises_of(number), lesson_files.piece_of(number), student)


def solutions_withheld() -> bool:
    """Whether an instructor withholds solutions: the environment variable MSS_LAB_SOLUTIONS is "withheld".

    This hides what `Lab.solution` would show. It does not protect the texts: they are files of the package, in
    `mss_lab/content/lesson_NN/solutions`, beside the checks, which compute the right results anyway; and a reader can
    also unset the variable.
    """
    return os.environ.get(SOLUTIONS, "").strip().casefold() == "withheld"


class Lab:
    """A lesson that is open: its recording, and the checks of its exercises.

    Attributes
    ----------
    number : str
        The lesson's, such as "03".
    student : str
        The reader's name; empty if the lesson was opened without one.
    title : str
        The recording's.
    mixture : float32 (channels, samples)
    sources : dict of str -> float32 (channels, samples)
        The true stems; they add up to the mixture. Empty for the reader's own recording, unless stems were given.
    score : Score or None
        None for the reader's own recording, unless a score was given.
    sample_rate_hz : int
    """

    title: str
    mixture: np.ndarray
    sources: Mapping[str, np.ndarray]
    score: Score | None
    sample_rate_hz: int

    def __init__(self, number: str, exercises: tuple[Exercise, ...], piece: str, student: str = ""):
        self.number = number
        self.exercises = {exercise.number: exercise.for_student(student) for exercise in exercises}
        self.student = " ".join(student.split())
        self._piece = piece
        self._hints_shown = dict.fromkeys(self.exercises, 0)
        self._wrong_tries = dict.fromkeys(self.exercises, 0)
        judged.tell("opened", lesson=number, student=student)
        self.use(None)

    def use(
        self,
        mixture: recording.FilePath | None,
        score: Score | recording.FilePath | None = None,
        stems: recording.FilePath | None = None,
        *,
        start_s: float = 0.0,
        length_s: float | None = recording.LENGTH_S,
    ) -> "Lab":
        """Take a recording of your own instead of the lesson's; None alone goes back to the lesson's.

        In a notebook, cells that need what it lacks (stems, a score, a second channel) are not run from now on; each
        shows in a line what it needs and what the lesson's recording shows there. See `mss_lab.lessons.needs`.

        Parameters
        ----------
        mixture : path or None
            A WAV, FLAC, OGG or MP3 file, mono or stereo. None with `stems` takes their sum.
        score : Score or path, optional
            Its notes, or the MIDI, MusicXML or CSV file with its notes; needed for steps that use a score. Its parts
            get the names of the stems: by their names where these agree, the others in order.
        stems : path, optional
            A folder with one audio file for each source, under any names.
        start_s : float >= 0, seconds
        length_s : float >= 1, seconds, or None
            The section that is taken. Lessons compute everything in class, so it should be short.

        Returns
        -------
        Lab
            This lab, so that a cell shows what it listens to now.

        Raises
        ------
        FileNotFoundError, ValueError
            If a file is missing or cannot be read, or if the files do not belong together; the lab then keeps the
            recording that it had.
        """
        if mixture is None and stems is None:
            if score is not None:
                raise RefusedValue(
                    "a score goes with a recording of your own; give its path first: lab.use(path, score)"
                )
            self._listen_to(recording.of_piece(self._piece))
        else:
            self._listen_to(recording.own(mixture, score, stems, start_s=start_s, length_s=length_s))
        return self

    def excerpt(self, start_s: float, length_s: float) -> slice:
        """The samples of a section, as a slice; it is moved and shortened so that it lies inside the recording.

        Parameters
        ----------
        start_s, length_s : float >= 0, seconds

        Returns
        -------
        slice
            At least one sample. ``lab.mixture[:, lab.excerpt(2, 3)]`` are the 3 s from 2 s on.
        """
        checks.check_number("start_s", start_s, at_least=0, unit="seconds")
        checks.check_number("length_s", length_s, above=0, unit="seconds")
        samples = self.mixture.shape[1]
        length = min(max(1, round(length_s * self.sample_rate_hz)), samples)
        start = min(round(start_s * self.sample_rate_hz), samples - length)
        return slice(start, start + length)

    def _listen_to(self, new: recording.Recording) -> None:
        self.title, self.sample_rate_hz, self.score = new.title, new.sample_rate_hz, new.score
        self.mixture, self.sources, self._recording = new.mixture, new.sources, new
        if new.is_own:
            channels, samples = new.mixture.shape
            length_s = samples / new.sample_rate_hz
            skipping.start(self, needs.Has(len(new.sources), new.score is not None, channels, length_s))
        else:
            skipping.stop()

    def task(self, number: str) -> Card:
        """The task of an exercise, with the reader's own numbers where the lesson was opened with a name."""
        exercise = self._exercise(number)
        # While a notebook is graded, only the grader knows how the numbers are drawn.
        lines = [judged.tell("task", exercise=exercise.number) or exercise.task]
        if exercise.drawn and self.student:
            lines.append(f"These numbers are drawn from the name {self.student}.")
        elif exercise.drawn:
            lines.append(f'For numbers of your own: `lessons.open("{self.number}", student="your name")`.')
        return Card(f"Exercise {exercise.number}", "\n".join(lines), self._mark(exercise.number).right)

    def given(self, number: str) -> Any:
        """The inputs of an exercise, such as a mixture to work on.

        They are the same at every call. Where the exercise draws its numbers from the reader's name, so are its inputs.

        Returns
        -------
        array, number, text, or a dict of them
            As the exercise's task says; arrays are read-only.

        Raises
        ------
        LookupError
            If this lesson has no such exercise.
        ValueError
            If the exercise hands out nothing.
        """
        exercise = self._exercise(number)
        # While a notebook is graded, only the grader knows how the inputs are drawn.
        return judged.inputs_of(exercise.number) if judged.is_graded() else exercise.handed_out()

    def check(self, number: str, answer: Any = None) -> Card:
        """Check an answer to an exercise, and keep the result in the reader's progress.

        A wrong answer receives what is wrong with it. After a hint, or after two wrong answers, it also receives where
        to look.

        Raises
        ------
        LookupError
            If this lesson has no such exercise.
        """
        exercise = self._exercise(number)
        mark = self._mark(exercise.number)
        explained = explaining.applies(
            max(mark.hints, self._hints_shown[exercise.number]), max(mark.tries, self._wrong_tries[exercise.number])
        )
        if judged.is_graded():
            verdict = judged.verdict_on(exercise.number, answer)
        else:
            verdict = exercise.judge(answer, explained=explained)
        lines = [verdict.message]
        if verdict.state != "not attempted":
            self._wrong_tries[exercise.number] += not verdict.right
            lines.append(self._keep(exercise.number, lambda mark: mark.after_try(verdict.right)))
        if verdict.state == "wrong" and not explained:
            lines.append(f'`lab.hint("{exercise.number}")` says where to look.')
        words = "\n".join(line for line in lines if line)
        return Card(f"{exercise.number} {verdict.state}", words, verdict.right, verdict.state)

    def hint(self, number: str) -> Card:
        """The hints of an exercise so far, and one more at each call."""
        exercise = self._exercise(number)
        count = min(self._hints_shown[exercise.number] + 1, len(exercise.hints))
        last = self._hints_shown[exercise.number] >= len(exercise.hints)
        self._hints_shown[exercise.number] = count
        judged.tell("hint", exercise=exercise.number)
        notice = self._keep(exercise.number, lambda mark: dataclasses.replace(mark, hints=max(mark.hints, count)))
        lines = [f"{index}. {hint}" for index, hint in enumerate(exercise.hints[:count], start=1)]
        if last:
            shows = f'; `lab.solution("{exercise.number}")` shows one way to do it'
            lines.append(f"That is all of them{'' if solutions_withheld() else shows}.")
        lines += [notice] if notice else []
        heading = f"Hint {count} of {len(exercise.hints)} for {exercise.number}"
        return Card(heading, "\n".join(lines), self._mark(exercise.number).right)

    def solution(self, number: str) -> Card:
        """One right solution of an exercise, as code, unless the instructor withholds it."""
        exercise = self._exercise(number)
        judged.tell("solution", exercise=exercise.number)
        if solutions_withheld():
            words = f'Your instructor withholds solutions. `lab.hint("{exercise.number}")` gives hints.'
            return Card(f"No solution of {exercise.number}", words, self._mark(exercise.number).right)
        mark = self._mark(exercise.number)
        notice = self._keep(
            exercise.number, lambda mark: mark if mark.right else dataclasses.replace(mark, solution_seen=True)
        )
        message = "One way to do it; yours may be another."
        if not mark.tries:
            message = f'One way to do it. A try of your own first teaches more; `lab.hint("{exercise.number}")` helps.'
        source = exercise.solution.strip()
        return Card(
            f"A solution of {exercise.number}",
            f"{message}\n{notice}" if notice else message,
            mark.right,
            body_text=source,
            body_html=code_html(source),
        )

    def notation(self) -> Card:
        """Every symbol of the equations, those of this lesson first: its meaning, unit or shape, and first lesson."""
        return notation.card(notation.of_lesson(self.number))

    def glossary(self, term: str = "") -> Card:
        """What a term means, and which lesson teaches it; all terms where none is named."""
        return glossary.card(term)

    def progress(self) -> Card:
        """What has been solved of this lesson, exercise by exercise."""
        notice = ""
        try:
            marks = kept.read(kept.default_path())
        except (ValueError, OSError) as error:
            marks, notice = {}, f"{error}; the next check sets it aside."
        rows = []
        for number, exercise in self.exercises.items():
            mark = marks.get(number, Mark())
            state = "right" if mark.right else "wrong" if mark.tries else "not attempted"
            word = {"right": "right", "wrong": "not yet right"}.get(state, state)
            rows.append((number, f"{STATES[state]} {word}", str(mark.tries), f"{mark.hints} of {len(exercise.hints)}"))
        solved = sum(marks.get(number, Mark()).right for number in self.exercises)
        heading = f"Lesson {self.number}: {solved} of {len(self.exercises)} exercises solved"
        columns = ("Exercise", "State", "Tries", "Hints seen")
        return Card(
            heading,
            notice,
            right=solved == len(self.exercises),
            body_text=table_text(columns, rows),
            body_html=table_html("Your progress", columns, rows),
        )

    def _exercise(self, number: str) -> Exercise:
        if str(number) not in self.exercises:
            raise LookupError(
                f"lesson {self.number} has no exercise {number!r}; it has {', '.join(self.exercises) or 'none'}"
            )
        return self.exercises[str(number)]

    def _mark(self, number: str) -> Mark:
        try:
            return kept.read(kept.default_path()).get(number, Mark())
        except (ValueError, OSError):
            return Mark()

    def _keep(self, number: str, change: Callable[[Mark], Mark]) -> str:
        # A reader whose disk is full or read-only still gets the verdict, and is informed that it was not saved.
        try:
            return kept.record(kept.default_path(), number, change)[1]
        except OSError as error:
            return f"Your progress could not be saved ({error})."

    def _card(self) -> Card:
        channels, samples = self.mixture.shape
        layout = {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")
        parts = [
            f'Listening to "{self.title}": {layout}, {samples / self.sample_rate_hz:.1f} s, {self.sample_rate_hz} Hz.'
        ]
        if self.sources:
            parts.append(f"Sources: {', '.join(self.sources)}.")
        parts.append(f"Score: {len(self.score.notes)} notes." if self.score else "No score.")
        parts += self._recording.remarks
        if self._recording.is_own:
            parts.append("Your own recording: cells that need what it lacks are not run, and say so.")
        parts.append(f"Exercises: {', '.join(self.exercises) or 'none'}.")
        if self.student:
            parts.append(f"Student: {self.student}.{self._own_numbers()}")
        return Card(f"Lesson {self.number}", "\n".join(parts))

    def _own_numbers(self) -> str:
        drawn = [number for number, exercise in self.exercises.items() if exercise.drawn]
        if not drawn:
            return ""
        return f' Numbers of your own in {", ".join(drawn)}: `lab.task("{drawn[0]}")` shows them.'

    def __repr__(self) -> str:
        return repr(self._card())

    def _repr_html_(self) -> str:
        return self._card()._repr_html_()
