"""Tracks: peaks of neighbouring frames that are near enough to be one partial.

Contents: track. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import numpy as np

from .. import checks
from .peaks import Peaks

JUMP_CENTS = 50.0
GAP_FRAMES = 2
LEAST_FRAMES = 3


def track(
    peaks: Peaks,
    *,
    jump_cents: float = JUMP_CENTS,
    gap_frames: int = GAP_FRAMES,
    least_frames: int = LEAST_FRAMES,
) -> np.ndarray:
    """Give every peak the number of its track.

    A peak continues the track whose last frequency is nearest to it, if it is nearest to that track, too, and not
    more than a jump away. Tracks that find no peak sleep for a few frames, then end; peaks that find none begin one.

    Parameters
    ----------
    peaks : Peaks
    jump_cents : float > 0, cents
        The largest step from one peak to the next.
    gap_frames : int >= 0
        How many frames a track may sleep.
    least_frames : int >= 1
        Tracks with fewer peaks are no tracks.

    Returns
    -------
    int (peaks,)
        0, 1, ... in order of the tracks' first peaks; -1 for peaks of no track.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: McAulay and Quatieri, IEEE TASSP 1986. Differs:
    steps are measured in cents, and tracks may sleep.
    """
    checks.check_number("jump_cents", jump_cents, above=0, unit="cents")
    gap_frames = checks.check_number("gap_frames", gap_frames, at_least=0, whole=True)
    least_frames = checks.check_number("least_frames", least_frames, at_least=1, whole=True)
    labels = np.full(len(peaks.frame), -1)
    cents = 1200 * np.log2(np.maximum(peaks.frequency_hz, 1e-6))
    bounds = np.searchsorted(peaks.frame, np.arange(peaks.frames + 1))
    # Of the tracks that live, in order of their frequency: where it was last, when, and its number.
    last, seen, number = np.zeros(0), np.zeros(0, int), np.zeros(0, int)
    begun: int = 0
    for frame in range(peaks.frames):
        here = np.arange(bounds[frame], bounds[frame + 1])
        awake = seen >= frame - 1 - gap_frames
        last, seen, number = last[awake], seen[awake], number[awake]
        tracks, found = _pairs(last, cents[here], jump_cents)
        labels[here[found]] = number[tracks]
        new = labels[here] < 0
        labels[here[new]] = begun + np.arange(np.count_nonzero(new))
        begun += int(np.count_nonzero(new))
        sleeps = np.ones(len(last), bool)
        sleeps[tracks] = False
        last = np.concatenate([last[sleeps], cents[here]])
        order = np.argsort(last, kind="stable")
        last = last[order]
        seen = np.concatenate([seen[sleeps], np.full(len(here), frame)])[order]
        number = np.concatenate([number[sleeps], labels[here]])[order]
    counts = np.bincount(labels, minlength=begun)
    kept = np.full(begun, -1)
    kept[counts >= least_frames] = np.arange(np.count_nonzero(counts >= least_frames))
    return kept[labels] if begun else labels


def _pairs(one: np.ndarray, other: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices into two sorted arrays of values that are each other's nearest, and not more than `most` apart."""
    if not len(one) or not len(other):
        return np.zeros(0, int), np.zeros(0, int)
    forth, back = _nearest(one, other), _nearest(other, one)
    mutual = (back[forth] == np.arange(len(one))) & (np.abs(other[forth] - one) <= most)
    return np.flatnonzero(mutual), forth[mutual]


def _nearest(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    right = np.clip(np.searchsorted(among, values), 1, max(1, len(among) - 1))
    left = right - 1
    right = np.minimum(right, len(among) - 1)
    return np.where(np.abs(values - among[left]) <= np.abs(among[right] - values), left, right)
