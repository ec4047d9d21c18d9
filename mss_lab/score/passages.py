"""Which passages of a score are the same music.

Contents: Section, share_alike, is_repetition, places_s, notes_cut, first_pass_kept.
Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import itertools
from typing import NamedTuple

import numpy as np

from . import features
from .notes import Score

# Onsets this near to each other are one place of the score.
TOGETHER_S = 0.03
# Two passages are the same music if this share of their notes is the same, and at most so far from equally late. So
# much of each is compared.
ALIKE, ALIKE_WITHIN_S, COMPARED_S = 0.9, 0.05, 2.0


class Section(NamedTuple):
    """A stretch of a score in seconds of its own time: the notes that begin at `start_s` or later, before `end_s`."""

    start_s: float
    end_s: float


def share_alike(score: Score, section: Section, other_start_s: float) -> float:
    """The share of notes that a section has in common with the equally long one that begins at another time, 0 to 1."""

    def notes_from(start_s: float) -> list[tuple[str, float, float]]:
        end_s = start_s + section.end_s - section.start_s
        return [
            (note.source, note.midi, note.onset_s - start_s)
            for note in score.notes
            if start_s - ALIKE_WITHIN_S / 2 <= note.onset_s < end_s - ALIKE_WITHIN_S / 2
        ]

    ours, theirs = notes_from(section.start_s), notes_from(other_start_s)
    if not ours or not theirs:
        return 0.0
    matched, left = 0, list(theirs)
    for source, midi, onset_s in ours:
        same = [note for note in left if note[:2] == (source, midi) and abs(note[2] - onset_s) <= ALIKE_WITHIN_S]
        if same:
            left.remove(min(same, key=lambda note: abs(note[2] - onset_s)))
            matched += 1
    return matched / max(len(ours), len(theirs))


def is_repetition(score: Score, section: Section) -> bool:
    """Whether the notes of a section are those of the equally long one just before it."""
    length_s = section.end_s - section.start_s
    return share_alike(score, section, section.start_s - length_s) >= ALIKE


def places_s(score: Score) -> np.ndarray:
    """The places at which a score can be left and entered: its onsets, those of a chord once, and its end."""
    start_s, end_s = features.extent_s(score)
    onsets_s = np.unique([note.onset_s for note in score.notes])
    onsets_s = onsets_s[(onsets_s >= start_s) & (onsets_s < end_s - TOGETHER_S)]
    return np.append(onsets_s[np.diff(onsets_s, prepend=-1.0) > TOGETHER_S], end_s)


def notes_cut(score: Score, times_s: np.ndarray) -> np.ndarray:
    """How many notes sound on at each time: they begin before it and end after it. int (times,)."""
    onsets_s, offsets_s = (np.array([getattr(note, end) for note in score.notes]) for end in ("onset_s", "offset_s"))
    times_s = np.asarray(times_s)[:, np.newaxis]
    return ((onsets_s < times_s - TOGETHER_S) & (offsets_s > times_s + TOGETHER_S)).sum(axis=1)


def first_pass_kept(
    score: Score, places: np.ndarray, leave_s: float, enter_s: float, until_s: float
) -> tuple[float, float]:
    """The same jump over a repetition, moved so that the first pass is kept as a whole and the second left out.

    Wherever a path jumps from one pass to the same moment of the next, the same music is heard; a jump at the end of
    the pass is the one that a player understands. A jump over other music stays.

    Parameters
    ----------
    places : float (places,)
        As from `places_s`.
    leave_s, enter_s : float
        Times of the score between which nothing is played.
    until_s : float
        How far the score is played after the jump: no time after this is entered.
    """
    leave, enter = (int(np.argmin(np.abs(places - time_s))) for time_s in (leave_s, enter_s))
    best, pair = 0.0, (leave, enter)
    for i, j in itertools.product(_around(leave, len(places)), _around(enter, len(places))):
        if i < j:
            around = Section(places[i] - COMPARED_S, places[i]), Section(places[i], places[i] + COMPARED_S)
            share = max(share_alike(score, part, part.start_s + places[j] - places[i]) for part in around)
            if share > best:
                best, pair = share, (i, j)
    if best < ALIKE:
        return leave_s, enter_s
    chords = _chords(score, places)
    i, j = pair
    while j < len(places) - 1 and places[j] < until_s - 1e-6 and chords[i] == chords[j]:
        steps_s = places[i + 1] - places[i], places[j + 1] - places[j]
        if j + 1 < len(places) - 1 and abs(steps_s[0] - steps_s[1]) > ALIKE_WITHIN_S:
            break
        i, j = i + 1, j + 1
    return float(places[i]), float(places[j])


def _around(index: int, count: int) -> range:
    return range(max(0, index - 2), min(count, index + 3))


def _chords(score: Score, places: np.ndarray) -> list[frozenset[tuple[str, float]]]:
    """For each place, who begins which pitch there."""
    chords: list[set[tuple[str, float]]] = [set() for _ in places]
    for note in score.notes:
        place = int(np.searchsorted(places, note.onset_s + 1e-9)) - 1
        chords[max(place, 0)].add((note.source, note.midi))
    return [frozenset(chord) for chord in chords]
