"""Deliberate misalignment: a score whose times are wrong by a known amount, to measure its effect.

A performance whose tempo differs from that of its score is a time map: here a piecewise linear one, whose anchors are
moved by random amounts. Unlike `notes.jitter`, which moves every note separately, neighbouring notes move together, as
they do when an alignment fails.

Contents: TimeMap, misalign, with_random_tempo, apply_map. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import dataclasses
import math

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from .notes import Score

# The smallest remaining fraction of the distance between two anchors, so that time always advances.
LEAST_SHARE = 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class TimeMap:
    """A piecewise linear map of times; beyond the ends, the shift is that of the last point.

    Attributes
    ----------
    from_s, to_s : float64 (points,)
        Both strictly increasing.
    """

    from_s: np.ndarray
    to_s: np.ndarray

    def __post_init__(self) -> None:
        for name in ("from_s", "to_s"):
            times_s = checks.check_finite(name, checks.check_axes(name, getattr(self, name), "points"))
            if not len(times_s) or np.any(np.diff(times_s) <= 0):
                raise RefusedValue(
                    f"{name} must be times, each later than the one before, got {times_s}; leave out the others"
                )
        checks.check_same_shape("from_s", self.from_s, "to_s", self.to_s)

    def __call__(self, time_s: np.ndarray | float) -> np.ndarray:
        """The mapped time of a time."""
        time_s = np.asarray(time_s, float)
        # Shifts are interpolated, not times: where no point moves, a time stays the same to its last digit.
        result: np.ndarray = time_s + np.interp(time_s, self.from_s, np.subtract(self.to_s, self.from_s))
        return result


def misalign(
    score: Score, within_s: float, *, rng: np.random.Generator, anchor_every_s: float = 2.0
) -> tuple[Score, TimeMap]:
    """Warp the time of a score: equally spaced anchors are moved by at most `within_s` in either direction.

    Parameters
    ----------
    score : Score
    within_s : float >= 0, seconds
        The largest shift; 0.2 is the tolerance that Miron et al. assume.
    rng : np.random.Generator
        Draws one uniform shift for each anchor.
    anchor_every_s : float > 0, seconds
        Distance of the anchors. If two neighbours would come so close that time almost stops, both are corrected by the
        same amount.

    Returns
    -------
    Score
        The same notes in the same order, none before 0.
    TimeMap
        From the times of the given score to those of the returned one.

    Raises
    ------
    TypeError, ValueError
        If `within_s` or `anchor_every_s` is out of range, or `rng` is not a generator.

    Lesson: notebooks/07_scores_and_alignment.ipynb

    Examples
    --------
    >>> from mss_lab.score.notes import Note
    >>> score = Score((Note("flute", 69, 1.0, 2.0), Note("flute", 71, 5.0, 6.0)))
    >>> moved, time_map = misalign(score, 0.2, rng=np.random.default_rng(0))
    >>> [abs(new.onset_s - old.onset_s) <= 0.2 for new, old in zip(moved.notes, score.notes, strict=True)]
    [True, True]
    """
    checks.check_number("within_s", within_s, at_least=0, unit="seconds")
    checks.check_number("anchor_every_s", anchor_every_s, above=0, unit="seconds")
    checks.check_generator("rng", rng)
    last = max(1, math.ceil(score.duration_s / anchor_every_s))
    anchors_s = anchor_every_s * np.arange(last + 1)
    moves_s = rng.uniform(-within_s, within_s, len(anchors_s))
    # Time starts at 0: a note there cannot be moved to an earlier time.
    moves_s[0] = abs(moves_s[0])
    time_map = TimeMap(anchors_s, anchors_s + _keeping_order(moves_s, (1 - LEAST_SHARE) * anchor_every_s))
    return apply_map(score, time_map), time_map


def with_random_tempo(
    score: Score,
    *,
    rng: np.random.Generator,
    slowest: float = 0.7,
    fastest: float = 1.4,
    anchor_every_s: float = 4.0,
) -> tuple[Score, TimeMap]:
    """Play a score at a tempo that changes every few seconds, drawn between two bounds.

    Parameters
    ----------
    score : Score
    rng : np.random.Generator
        Draws the logarithm of each section's tempo, uniformly.
    slowest, fastest : float > 0
        Tempo relative to that of the given score.
    anchor_every_s : float > 0, seconds
        Length of a section in the given score.

    Returns
    -------
    Score, TimeMap
        As for `misalign`.

    Lesson: notebooks/07_scores_and_alignment.ipynb

    Examples
    --------
    >>> from mss_lab.score.notes import Note
    >>> score = Score((Note("flute", 69, 0.0, 4.0),))
    >>> played, _ = with_random_tempo(score, rng=np.random.default_rng(0))
    >>> 4.0 / 1.4 <= played.notes[0].offset_s <= 4.0 / 0.7
    True
    """
    checks.check_number("slowest", slowest, above=0)
    checks.check_number("fastest", fastest, at_least=slowest)
    checks.check_number("anchor_every_s", anchor_every_s, above=0, unit="seconds")
    checks.check_generator("rng", rng)
    sections = max(1, math.ceil(score.duration_s / anchor_every_s))
    tempi = np.exp(rng.uniform(math.log(slowest), math.log(fastest), sections))
    to_s = np.concatenate([[0.0], np.cumsum(anchor_every_s / tempi)])
    time_map = TimeMap(anchor_every_s * np.arange(sections + 1.0), to_s)
    return apply_map(score, time_map), time_map


def apply_map(score: Score, time_map: TimeMap) -> Score:
    """The score with every time mapped; ValueError if a note would start before 0."""
    notes = tuple(
        dataclasses.replace(note, onset_s=float(time_map(note.onset_s)), offset_s=float(time_map(note.offset_s)))
        for note in score.notes
    )
    return dataclasses.replace(score, notes=notes)


def _keeping_order(moves_s: np.ndarray, most_s: float) -> np.ndarray:
    """Change shifts so that none is more than `most_s` less than the one before it, within their original range.

    Two anchors that would cross meet in the middle; this can make others cross, so it is repeated until none do.
    """
    moves_s = moves_s.copy()
    while True:
        excess_s = moves_s[:-1] - moves_s[1:] - most_s
        worst = int(np.argmax(excess_s))
        if excess_s[worst] <= 1e-9:
            return moves_s
        # The first anchor is not changed: it might come before 0.
        share = 0.5 if worst else 0.0
        moves_s[worst] -= share * excess_s[worst]
        moves_s[worst + 1] += (1 - share) * excess_s[worst]
