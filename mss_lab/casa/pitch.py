"""The periods in a correlogram: the pitch of the loudest source, then of the remaining units, and so on.

A unit is one band in one frame. It agrees with a pitch if its correlation at the pitch's period is nearly as high as
its maximum. Once the first pitch of a frame is estimated, the units that agree with it are removed, and the next pitch
is estimated from the others.

Contents: first_peaks, agreement, pitches. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import numpy as np

from .. import checks
from .correlogram import Correlogram, summary

SHORTEST_S = 0.00125
NEAR_PEAK = 0.9
LEAST_PEAK = 0.3
AGREES = 0.85

# How often the pitches are estimated again, each from the units that agree with it best.
ROUNDS = 2

# Units that fire less than this fraction of the recording's maximum are inaudible. At an exponent of 0.3 this is 60 dB.
AUDIBLE = 10 ** (-60 / 20 * 0.3)


def first_peaks(
    correlation: np.ndarray,
    lags_s: np.ndarray,
    *,
    shortest_s: float = SHORTEST_S,
    near_peak: float = NEAR_PEAK,
    least_peak: float = LEAST_PEAK,
) -> np.ndarray:
    """The period in each frame of a summary correlogram: the first peak that is nearly as high as the highest.

    Every multiple of a period is a period too, so that the highest peak may be any of them.

    Parameters
    ----------
    correlation : float (frames, lags)
        As returned by `correlogram.summary`.
    lags_s : float (lags,), seconds
        Evenly spaced from 0.
    shortest_s : float > 0, seconds
        The shortest period.
    near_peak : float in (0, 1]
        The smallest height of a peak, relative to the highest.
    least_peak : float
        Frames whose highest peak is lower than this have no pitch; the correlation of a sound with itself is 1.

    Returns
    -------
    float64 (frames,), seconds
        Interpolated between the lags by a parabola through the peak; nan where there is no pitch.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the axes do not fit each other, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Meddis and Hewitt, JASA 1991.

    Examples
    --------
    >>> lags_s = np.arange(101) / 8000
    >>> np.round(first_peaks(np.cos(2 * np.pi * 250 * lags_s)[np.newaxis], lags_s), 6)  # 250 Hz; 8 ms is a period too
    array([0.004])
    """
    correlation = checks.check_finite("correlation", checks.check_axes("correlation", correlation, "frames lags"))
    lags_s = checks.check_axes("lags_s", lags_s, "lags")
    if len(lags_s) != correlation.shape[1]:
        raise checks.ShapeError(
            f"lags_s must have one lag for each of the {correlation.shape[1]} of correlation, got {len(lags_s)}; "
            "give those of the same correlogram"
        )
    checks.check_number("shortest_s", shortest_s, above=0, unit="seconds")
    checks.check_number("near_peak", near_peak, above=0, at_most=1)
    checks.check_number("least_peak", least_peak)
    periods_s = np.full(len(correlation), np.nan)
    if correlation.shape[1] < 3:
        return periods_s
    before, here, after = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    peak = (here > before) & (here >= after) & (lags_s[1:-1] >= shortest_s)
    highest = np.max(np.where(peak, here, -np.inf), axis=1)
    has_pitch = (highest >= least_peak) & (highest > 0)
    lag = np.argmax(peak & (here >= near_peak * highest[:, np.newaxis]), axis=1)[has_pitch]
    a, b, c = (side[has_pitch, lag] for side in (before, here, after))
    periods_s[has_pitch] = lags_s[1 + lag] + 0.5 * (a - c) / (a - 2 * b + c) * lags_s[1]
    return periods_s


def agreement(correlogram: Correlogram, periods_s: np.ndarray, *, shortest_s: float = SHORTEST_S) -> np.ndarray:
    """How well each unit fits a pitch: its correlation at the period, divided by its highest at any lag of a pitch.

    Parameters
    ----------
    correlogram : Correlogram
    periods_s : float (frames,), seconds
        Periods of a pitch; nan where there is none.
    shortest_s : float > 0, seconds
        The shortest of the lags of which the highest correlation is taken.

    Returns
    -------
    float32 (bands, frames)
        At most 1, and 0 where there is no pitch or the unit has no periodicity.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the periods do not fit the frames.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Hu and Wang, IEEE Transactions on Neural Networks
    2004.

    Examples
    --------
    >>> lags_s = np.arange(101) / 8000
    >>> values = np.tile(np.cos(2 * np.pi * 250 * lags_s), (1, 2, 1))
    >>> unit = Correlogram(values, np.ones((1, 2)), np.ones((1, 2)), lags_s, 0.01)
    >>> np.round(agreement(unit, np.array([0.004, 0.006])), 3)
    array([[1., 0.]], dtype=float32)
    """
    values, lags_s = correlogram.values, correlogram.lags_s
    periods_s = checks.check_axes("periods_s", periods_s, "frames")
    if len(periods_s) != values.shape[1]:
        raise checks.ShapeError(
            f"periods_s must have one period for each of {values.shape[1]} frames, got {len(periods_s)}; "
            "estimate them from the same correlogram"
        )
    if len(lags_s) < 2:
        return np.zeros(values.shape[:2], np.float32)
    pitched = np.isfinite(periods_s)
    position = np.clip(np.where(pitched, periods_s, 0) / lags_s[1], 0, len(lags_s) - 1.000001)
    low = np.minimum(position.astype(int), len(lags_s) - 2)
    share = (position - low).astype(np.float32)
    frames = np.arange(values.shape[1])
    at_period = (1 - share) * values[:, frames, low] + share * values[:, frames, low + 1]
    highest = values[:, :, lags_s >= shortest_s].max(axis=2, initial=0)
    fits = pitched & (highest > 0)
    return np.where(fits, np.clip(at_period / np.where(fits, highest, 1), 0, 1), 0).astype(np.float32)


def pitches(
    correlogram: Correlogram,
    count: int = 2,
    *,
    shortest_s: float = SHORTEST_S,
    near_peak: float = NEAR_PEAK,
    least_peak: float = LEAST_PEAK,
    agrees: float = AGREES,
    least_fired: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Several pitches in each frame, estimated one after the other, and how well each unit fits each of them.

    Parameters
    ----------
    correlogram : Correlogram
    count : int >= 1
        The number of pitches in each frame.
    shortest_s, near_peak, least_peak
        Passed to `first_peaks`.
    agrees : float in [0, 1]
        Units with at least this agreement are removed before the next pitch is estimated.
    least_fired : float >= 0, optional
        Units that fire less are ignored. Default: a small fraction of the largest firing of any unit.

    Returns
    -------
    periods_s : float64 (count, frames), seconds
        nan where there is no such pitch.
    fits : float32 (count, bands, frames)
        As returned by `agreement`; 0 for units that are ignored.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Brown and Cooke, Computer Speech and Language 1994
    (agreement with a period); removing units follows de Cheveigné, JASA 1993.

    Examples
    --------
    >>> lags_s = np.arange(51) / 8000
    >>> values = np.cos(2 * np.pi * np.array([[[250.0]], [[400.0]]]) * lags_s)  # two bands with different pitches
    >>> units = Correlogram(values, np.ones((2, 1)), np.array([[9.0], [1.0]]), lags_s, 0.01)
    >>> np.round(1 / pitches(units)[0].ravel())
    array([250., 400.])
    """
    count = checks.check_number("count", count, at_least=1, whole=True)
    checks.check_number("agrees", agrees, at_least=0, at_most=1)
    if least_fired is None:
        least_fired = AUDIBLE * float(correlogram.fired.max(initial=0))
    checks.check_number("least_fired", least_fired, at_least=0)
    audible = correlogram.fired > least_fired
    remaining = audible.copy()
    periods_s = np.full((count, remaining.shape[1]), np.nan)
    fits = np.zeros((count, *remaining.shape), np.float32)
    options = {"shortest_s": shortest_s, "near_peak": near_peak, "least_peak": least_peak}
    for turn in range(count):
        periods_s[turn] = first_peaks(summary(correlogram, remaining), correlogram.lags_s, **options)
        fits[turn] = audible * agreement(correlogram, periods_s[turn], shortest_s=shortest_s)
        remaining &= fits[turn] < agrees
    # A peak is shifted by units of other pitches that agree with it by chance. Now that all pitches are known, each
    # unit counts only for the one that it fits best.
    for _ in range(ROUNDS):
        best = fits.argmax(axis=0)
        for turn in range(count):
            assigned = (best == turn) & (fits[turn] >= agrees)
            periods_s[turn] = _nearest_peak(summary(correlogram, assigned), correlogram.lags_s, periods_s[turn])
            fits[turn] = audible * agreement(correlogram, periods_s[turn], shortest_s=shortest_s)
    return periods_s, fits


def _nearest_peak(correlation: np.ndarray, lags_s: np.ndarray, periods_s: np.ndarray) -> np.ndarray:
    """The highest lag within a semitone of each period, by a parabola; the period itself where that is no peak."""
    refined_s = periods_s.copy()
    if len(lags_s) < 3:
        return refined_s
    distance = np.abs(np.log2(np.maximum(lags_s[1:-1], lags_s[1] / 2) / periods_s[:, np.newaxis]))
    near = np.where(distance <= 1 / 12, correlation[:, 1:-1], -np.inf)
    lag = 1 + near.argmax(axis=1)
    frames = np.arange(len(refined_s))
    a, b, c = (correlation[frames, lag + side] for side in (-1, 0, 1))
    peak = np.isfinite(near.max(axis=1)) & (b > a) & (b >= c)
    curvature = np.where(peak, a - 2 * b + c, -1)
    refined_s[peak] = (lags_s[lag] + 0.5 * (a - c) / curvature * lags_s[1])[peak]
    return refined_s
