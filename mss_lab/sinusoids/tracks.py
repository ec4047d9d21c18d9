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
    """The number of the track of every peak.

    A peak continues the track with the nearest last frequency, if it is also the nearest peak to that track and not
    more than a jump away. Tracks without a peak are kept for a few frames, then end; peaks without a track begin one.

    Parameters
    ----------
    peaks : Peaks
    jump_cents : float > 0, cents
        The largest step from one peak to the next.
    gap_frames : int >= 0
        The number of frames that a track may miss.
    least_frames : int >= 1
        Tracks with fewer peaks are removed.

    Returns
    -------
    int (peaks,)
        0, 1, ... in order of the tracks' first peaks; -1 for peaks without a track.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: McAulay and Quatieri, IEEE TASSP 1986. Difference:
    steps are measured in cents, and tracks may miss frames.

    Examples
    --------
    >>> frequency_hz = np.array([200.0, 441, 201, 442, 900, 202, 443])  # two partials, and one peak of no partial
    >>> track(Peaks(np.array([0, 0, 1, 1, 1, 2, 2]), frequency_hz, np.ones(7), np.zeros(7), frames=3))
    array([ 0,  1,  0,  1, -1,  0,  1])
    """
    checks.check_number("jump_cents", jump_cents, above=0, unit="cents")
    gap_frames = checks.check_number("gap_frames", gap_frames, at_least=0, whole=True)
    least_frames = checks.check_number("least_frames", least_frames, at_least=1, whole=True)
    labels = np.full(len(peaks.frame), -1)
    cents = 1200 * np.log2(np.maximum(peaks.frequency_hz, 1e-6))
    bounds = np.searchsorted(peaks.frame, np.arange(peaks.frames + 1))
    # For the open tracks, in order of frequency: their last frequency, its frame, and their number.
    last_cents, last_frame, number = np.zeros(0), np.zeros(0, int), np.zeros(0, int)
    count: int = 0
    for frame in range(peaks.frames):
        current = np.arange(bounds[frame], bounds[frame + 1])
        is_open = last_frame >= frame - 1 - gap_frames
        last_cents, last_frame, number = last_cents[is_open], last_frame[is_open], number[is_open]
        tracks, matched = _pairs(last_cents, cents[current], jump_cents)
        labels[current[matched]] = number[tracks]
        is_new = labels[current] < 0
        labels[current[is_new]] = count + np.arange(np.count_nonzero(is_new))
        count += int(np.count_nonzero(is_new))
        is_unmatched = np.ones(len(last_cents), bool)
        is_unmatched[tracks] = False
        last_cents = np.concatenate([last_cents[is_unmatched], cents[current]])
        order = np.argsort(last_cents, kind="stable")
        last_cents = last_cents[order]
        last_frame = np.concatenate([last_frame[is_unmatched], np.full(len(current), frame)])[order]
        number = np.concatenate([number[is_unmatched], labels[current]])[order]
    counts = np.bincount(labels, minlength=count)
    kept = np.full(count, -1)
    kept[counts >= least_frames] = np.arange(np.count_nonzero(counts >= least_frames))
    return kept[labels] if count else labels


def _pairs(one: np.ndarray, other: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices into two sorted arrays of the values that are mutually nearest, and not more than `most` apart."""
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
