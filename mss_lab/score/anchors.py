"""Anchors: moments of a score whose times in the recording are known; between them, time is stretched.

Where an alignment is wrong, a reader names a moment of the score and its time in the recording. All notes between this
anchor and its neighbours follow, by a piecewise linear map of time.

Contents: check_anchors, warped. Lesson: notebooks/10_edit_the_notes.ipynb
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue, ShapeError
from .guards import check_score
from .misalign import TimeMap, apply_map
from .notes import Score


def warped(score: Score, anchors: Iterable[Sequence[float]], end_s: float | None = None) -> Score:
    """The score with its times stretched between anchors.

    The start (0) and the end stay where they are, as if they were anchors that are not moved; an anchor that stands at
    the start or at the end, before or after, takes their place. So a note moves only if it begins or ends between the
    two neighbours of an anchor that is moved.

    Parameters
    ----------
    score : Score
    anchors : pairs of float, seconds
        For each anchor its time in the score and its time in the recording, in order of time.
    end_s : float > 0, seconds, optional
        What lies after it does not move. Default: the end of the score. The editor of the piano roll uses the end of
        the recording, or of the score if that is later.

    Returns
    -------
    Score
        The same notes with other times, in the same order of onsets.

    Raises
    ------
    TypeError, ValueError
        If the anchors are not pairs of numbers, cross or coincide, or lie outside of 0 to `end_s`; if an anchor that
        takes the place of the start moves a note to a time before 0.

    Lesson: notebooks/10_edit_the_notes.ipynb

    Examples
    --------
    >>> from mss_lab.score.notes import Note
    >>> score = Score((Note("oboe", 69, 1.0, 2.0), Note("oboe", 71, 3.0, 4.0)))
    >>> [(note.onset_s, note.offset_s) for note in warped(score, [(2.0, 3.0)]).notes]
    [(1.5, 3.0), (3.5, 4.0)]
    """
    check_score(score)
    end_s = score.duration_s if end_s is None else float(checks.check_number("end_s", end_s, above=0, unit="seconds"))
    pairs_s = check_anchors(anchors)
    if not len(pairs_s):
        return score
    if pairs_s.max() > end_s:
        raise RefusedValue(
            f"anchors must lie between 0 and {end_s:g} s, got {pairs_s.max():g} s; "
            "pass the length of the recording as end_s, or leave out the anchors after it"
        )
    if pairs_s[0].min() > 0:
        pairs_s = np.concatenate([[[0.0, 0.0]], pairs_s])
    if pairs_s[-1].max() < end_s:
        pairs_s = np.concatenate([pairs_s, [[end_s, end_s]]])
    return apply_map(score, TimeMap(*pairs_s.T))


def check_anchors(anchors: Any) -> np.ndarray:
    """Return anchors as float64 (anchors, 2), or raise TypeError or ValueError.

    Parameters
    ----------
    anchors : pairs of float >= 0, seconds
        For each anchor its time in the score and its time in the recording; both increase from anchor to anchor.
    """
    rows = list(anchors) if isinstance(anchors, Iterable) else anchors
    if isinstance(rows, list) and not rows:
        return np.zeros((0, 2))
    pairs_s = checks.check_finite("anchors", checks.check_axes("anchors", rows, "anchors times")).astype(float)
    if pairs_s.shape[1] != 2:
        raise ShapeError(
            f"each anchor must be two times, in the score and in the recording, got {pairs_s.shape[1]}; "
            "write [(3.2, 3.35)]"
        )
    if pairs_s.min() < 0:
        raise RefusedValue(f"anchors must be at 0 s or later, got {pairs_s.min():g} s; leave out the others")
    crossing = np.flatnonzero((np.diff(pairs_s, axis=0) <= 0).any(axis=1))
    if len(crossing):
        one, other = (tuple(pairs_s[index].tolist()) for index in (crossing[0], crossing[0] + 1))
        raise RefusedValue(
            f"each anchor must be later than the one before it, in the score and in the recording, got {one} and then "
            f"{other}; sort them, and leave out one of two that cross"
        )
    return pairs_s
