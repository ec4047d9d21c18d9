"""Lessons: what a notebook opens, the exercises that are checked on the spot, and the graders' tools.

In a notebook::

    from mss_lab import lessons
    lab = lessons.open("03")
    lab.check("3.2", answer)

With a name, ``lessons.open("03", student="Ada Lovelace")``, some exercises have numbers of the reader's own.

The exercises of lesson NN live in `lesson_NN.py`, which names its PIECE (a piece of `mss_lab.datasets.pieces`) and
its EXERCISES (a tuple of `Exercise`).

Contents: open, numbers, exercises_of; Exercise, Verdict, Lab. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

from . import answers
from .exercise import Exercise, Verdict
from .lab import Lab, exercises_of, numbers, open

__all__ = ["Exercise", "Lab", "Verdict", "answers", "exercises_of", "numbers", "open"]
