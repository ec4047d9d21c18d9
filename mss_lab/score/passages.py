"""Passages of a score that are the same music.

Contents: Section, similarity, is_repetition, boundaries_s, notes_cut, first_pass_kept.
Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import itertools
from typing import NamedTuple

import numpy as np

from . import features
from .notes import Score

# Onsets this near to each other are one boundary of the score.
TOGETHER_S = 0.03
# Two passages are the same music if this fraction of their notes is equal, with onsets that differ by at most this
# time. This many seconds of each are compared.
SAME_FRACTION, SAME_WITHIN_S, COMPARED_S = 0.9, 0.05, 2.0


class Section(NamedTuple):
    """A section of a score in seconds of its own time: the notes that begin at `start_s` or later, before `end_s`."""

    start_s: float
    end_s: float


def similarity(score: Score, section: Section, other_start_s: float) -> float:
    """The fraction of notes that a section has in common with the equally long one from another time on, 0 to 1."""

    def notes_from(start_s: float) -> list[tuple[str, float, float]]:
        end_s = start_s + section.end_s - section.start_s
        return [
            (note.source, note.midi, note.onset_s - start_s)
            for note in score.notes
            if start_s - SAME_WITHIN_S / 2 <= note.onset_s < end_s - SAME_WITHIN_S / 2
        ]

    notes_here, notes_there = notes_from(section.start_s), notes_from(other_start_s)
    if not notes_here or not notes_there:
        return 0.0
    matched, unmatched = 0, list(notes_there)
    for source, midi, onset_s in notes_here:
        same = [note for note in unmatched if note[:2] == (source, midi) and abs(note[2] - onset_s) <= SAME_WITHIN_S]
        if same:
            unmatched.remove(min(same, key=lambda note: abs(note[2] - onset_s)))
            matched += 1
    return matched / max(len(notes_here), len(notes_there))


def is_repetition(score: Score, section: Section) -> bool:
    """Whether the notes of a section equal those of the equally long one just before it."""
    length_s = section.end_s - section.start_s
    return similarity(score, section, section.start_s - length_s) >= SAME_FRACTION


def boundaries_s(score: Score) -> np.ndarray:
    """The times at which a score can be left and entered: its onsets, those of a chord once, and its end."""
    start_s, end_s = features.extent_s(score)
    onsets_s = np.unique([note.onset_s for note in score.notes])
    onsets_s = onsets_s[(onsets_s >= start_s) & (onsets_s < end_s - TOGETHER_S)]
    return np.append(onsets_s[np.diff(onsets_s, prepend=-1.0) > TOGETHER_S], end_s)


def notes_cut(score: Score, times_s: np.ndarray) -> np.ndarray:
    """The number of notes that each time cuts: they begin before it and end after it. int (times,)."""
    onsets_s, offsets_s = (np.array([getattr(note, end) for note in score.notes]) for end in ("onset_s", "offset_s"))
    times_s = np.asarray(times_s)[:, np.newaxis]
    result: np.ndarray = ((onsets_s < times_s - TOGETHER_S) & (offsets_s > times_s + TOGETHER_S)).sum(axis=1)
    return result


def first_pass_kept(
    score: Score, boundaries: np.ndarray, leave_s: float, enter_s: float, until_s: float
) -> tuple[float, float]:
    """The same jump over a repetition, shifted so that the first pass is kept as a whole and the second left out.

    A path may jump at any moment of a pass to the same moment of the next, and the same music sounds; players expect
    the jump at the end of the pass. A jump over other music is not changed.

    Parameters
    ----------
    boundaries : float (boundaries,)
        As returned by `boundaries_s`.
    leave_s, enter_s : float
        Times of the score between which nothing is played.
    until_s : float
        Time until which the score is played after the jump: the score is entered before it.
    """
    leave, enter = (int(np.argmin(np.abs(boundaries - time_s))) for time_s in (leave_s, enter_s))
    best, pair = 0.0, (leave, enter)
    for i, j in itertools.product(_around(leave, len(boundaries)), _around(enter, len(boundaries))):
        if i < j:
            around = (
                Section(boundaries[i] - COMPARED_S, boundaries[i]),
                Section(boundaries[i], boundaries[i] + COMPARED_S),
            )
            fraction = max(similarity(score, part, part.start_s + boundaries[j] - boundaries[i]) for part in around)
            if fraction > best:
                best, pair = fraction, (i, j)
    if best < SAME_FRACTION:
        return leave_s, enter_s
    chords = _chords(score, boundaries)
    i, j = pair
    while j < len(boundaries) - 1 and boundaries[j] < until_s - 1e-6 and chords[i] == chords[j]:
        steps_s = boundaries[i + 1] - boundaries[i], boundaries[j + 1] - boundaries[j]
        if j + 1 < len(boundaries) - 1 and abs(steps_s[0] - steps_s[1]) > SAME_WITHIN_S:
            break
        i, j = i + 1, j + 1
    return float(boundaries[i]), float(boundaries[j])


def _around(index: int, count: int) -> range:
    return range(max(0, index - 2), min(count, index + 3))


def _chords(score: Score, boundaries: np.ndarray) -> list[frozenset[tuple[str, float]]]:
    """For each boundary, the sources and pitches that begin there."""
    chords: list[set[tuple[str, float]]] = [set() for _ in boundaries]
    for note in score.notes:
        index = int(np.searchsorted(boundaries, note.onset_s + 1e-9)) - 1
        chords[max(index, 0)].add((note.source, note.midi))
    return [frozenset(chord) for chord in chords]
