"""Exercises as the parameters of a test: those that work on recordings take seconds, and are marked as slow.

Contents: marked, is_function.
"""

import ast
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


def is_function(exercise: Exercise) -> bool:
    """Whether the answer is a function, from the solution's text alone: to run all solutions would take a minute."""
    functions, is_one = set(), False
    for node in ast.parse(exercise.solution).body:
        if isinstance(node, ast.FunctionDef):
            functions.add(node.name)
        elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "answer" for target in node.targets):
            value = node.value
            is_one = isinstance(value, ast.Lambda) or (isinstance(value, ast.Name) and value.id in functions)
    return is_one or "answer" in functions
