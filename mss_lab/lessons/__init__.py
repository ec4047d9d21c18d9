"""Lessons: what a notebook opens, the exercises that are checked on the spot, and the graders' tools.

In a notebook::

    from mss_lab import lessons
    lab = lessons.open("03")
    lab.check("3.2", answer)

With a name, ``lessons.open("03", student="Ada Lovelace")``, some exercises have numbers of the reader's own.

This package holds what all lessons share. What each lesson asks, checks and answers is in `mss_lab.content`; a lesson
is loaded from there when it is opened.

Contents: open, numbers, exercises_of; Exercise, Verdict, Lab. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

from . import answers
from .exercise import Exercise, Verdict
from .lab import Lab, open
from .lesson_files import exercises_of, numbers

__all__ = ["Exercise", "Lab", "Verdict", "answers", "exercises_of", "numbers", "open"]
