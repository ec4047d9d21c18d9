"""Exercises as the parameters of a test: those that work on recordings take seconds, and are marked as slow.

Contents: marked.
"""

from collections.abc import Iterable

import pytest

from mss_lab.lessons.exercise import Exercise

SECONDS = 5


def marked(exercises: Iterable[Exercise]) -> list:
    """A parameter for each exercise, named by its number."""
    slow = pytest.mark.slow(SECONDS)
    return [
        pytest.param(exercise, id=exercise.number, marks=slow if exercise.kind == "sound" else ())
        for exercise in exercises
    ]
