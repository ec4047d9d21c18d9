"""Edits: a score with one of its notes changed, left out, or one more added.

Each returns a new score; sources, their order and which of them are unpitched stay.

Contents: changed, without, added. Lesson: notebooks/10_edit_the_notes.ipynb
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

from ..refusals import RefusedValue
from .guards import check_score
from .notes import Note, Score


def changed(score: Score, note: Note, **changes: Any) -> Score:
    """The score with one of its notes given other values: `source`, `midi`, `onset_s`, `offset_s` or `velocity`.

    Raises
    ------
    TypeError, ValueError
        If the score does not have the note, or the changed note is none, such as one that ends before it starts.

    Lesson: notebooks/10_edit_the_notes.ipynb

    Examples
    --------
    >>> note = Note("oboe", 69, 0.0, 1.0)
    >>> changed(Score((note,)), note, midi=70, offset_s=1.5).notes
    (Note(source='oboe', midi=70, onset_s=0.0, offset_s=1.5, velocity=80),)
    """
    index = _index(score, note)
    return _with_notes(score, (*score.notes[:index], dataclasses.replace(note, **changes), *score.notes[index + 1 :]))


def without(score: Score, note: Note) -> Score:
    """The score without one of its notes; ValueError if it does not have it.

    Lesson: notebooks/10_edit_the_notes.ipynb

    Examples
    --------
    >>> note = Note("oboe", 69, 0.0, 1.0)
    >>> without(Score((note,)), note)
    Score(notes=(), sources=('oboe',), unpitched=frozenset())
    """
    index = _index(score, note)
    return _with_notes(score, (*score.notes[:index], *score.notes[index + 1 :]))


def added(score: Score, *new_notes: Note) -> Score:
    """The score with further notes; ValueError if they belong to a source that it does not have.

    Lesson: notebooks/10_edit_the_notes.ipynb

    Examples
    --------
    >>> added(Score((), ("oboe",)), Note("oboe", 69, 0.0, 1.0)).notes
    (Note(source='oboe', midi=69, onset_s=0.0, offset_s=1.0, velocity=80),)
    """
    return _with_notes(check_score(score), (*score.notes, *new_notes))


def _index(score: Score, note: Note) -> int:
    if note not in check_score(score).notes:
        raise RefusedValue(f"note must be one of the score's {len(score.notes)} notes, got {note}; take it from there")
    return score.notes.index(note)


def _with_notes(score: Score, notes: Iterable[Note]) -> Score:
    return Score(tuple(notes), score.sources, score.unpitched)
