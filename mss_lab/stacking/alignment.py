"""Alignment of estimates before they are combined: one length, one position in time, one level.

Waveforms that are shifted against one another do not add up, they cancel: at 1 kHz, half a millisecond is enough. Some
networks return fewer samples than they got, or the same signal a little later, or at another level.

Symbols: x reference, y waveform. The cross-correlation r[l] = sum over t of x[t] y[t + l] has its peak at the lag l by
which y is late.

Contents: of_length, lag_samples, shifted, align, Aligned.
"""

import dataclasses

import numpy as np
import scipy.signal

from .. import checks

# The longest delay that is searched, by default: the window of most transforms.
MOST_SAMPLES = 4096


@dataclasses.dataclass(frozen=True)
class Aligned:
    """A waveform that was aligned, and what was changed.

    Attributes
    ----------
    waveform : float (channels, samples)
        Of the shape of the reference.
    lag_samples : int
        By how much it was late; negative if it was early.
    gain : float
        The factor by which it was multiplied.
    """

    waveform: np.ndarray
    lag_samples: int
    gain: float


def of_length(waveform: np.ndarray, samples: int) -> np.ndarray:
    """A waveform with a number of samples: cut at its end, or continued by zeros.

    Examples
    --------
    >>> of_length(np.ones((1, 2)), 3)
    array([[1., 1., 0.]])
    """
    waveform = checks.check_waveform("waveform", waveform)
    samples = checks.check_number("samples", samples, at_least=1, whole=True)
    kept = waveform[:, :samples]
    return np.pad(kept, ((0, 0), (0, samples - kept.shape[1])))


def lag_samples(reference: np.ndarray, waveform: np.ndarray, *, most_samples: int = MOST_SAMPLES) -> int:
    """By how many samples a waveform is late: the lag at which the cross-correlation is largest in size.

    Parameters
    ----------
    reference, waveform : float (channels, samples)
        Of as many channels each; the correlation is that of all channels together.
    most_samples : int >= 0
        Lags up to this are compared.

    Returns
    -------
    int
        Negative if the waveform is early; 0 if one of the two is silent, or lags are equally good.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If one is not a waveform, the channels differ, or the number is out of its range.

    Examples
    --------
    >>> reference = np.array([[0.0, 1, 2, 0, 0, 0]])
    >>> lag_samples(reference, np.roll(reference, 3))
    3
    """
    reference = checks.check_waveform("reference", reference).astype(np.float64)
    waveform = checks.check_waveform("waveform", waveform).astype(np.float64)
    if len(reference) != len(waveform):
        raise checks.ShapeError(
            f"reference and waveform must have as many channels each, got {len(reference)} and {len(waveform)}; "
            "mix one of them down first"
        )
    most_samples = checks.check_number("most_samples", most_samples, at_least=0, whole=True)
    if not reference.any() or not waveform.any():
        return 0
    correlation = np.sum(
        [scipy.signal.correlate(y, x, method="fft") for x, y in zip(reference, waveform, strict=True)], axis=0
    )
    lags = scipy.signal.correlation_lags(waveform.shape[1], reference.shape[1])
    inside = np.abs(lags) <= most_samples
    lags, sizes = lags[inside], np.abs(correlation[inside])
    # Equal up to the rounding of the transform: then the smallest lag.
    peaks = lags[sizes >= sizes.max() * (1 - 1e-9)]
    return int(peaks[np.argmin(np.abs(peaks))])


def shifted(waveform: np.ndarray, earlier_samples: int) -> np.ndarray:
    """A waveform moved to earlier samples, or to later ones if the number is negative; zeros fill the gap.

    Examples
    --------
    >>> shifted(np.array([[0.0, 1, 2]]), 1), shifted(np.array([[0.0, 1, 2]]), -1)
    (array([[1., 2., 0.]]), array([[0., 0., 1.]]))
    """
    waveform = checks.check_waveform("waveform", waveform)
    earlier = checks.check_number("earlier_samples", earlier_samples, whole=True)
    moved = np.zeros_like(waveform)
    samples = waveform.shape[1]
    if abs(earlier) < samples:
        moved[:, max(0, -earlier) : samples - max(0, earlier)] = waveform[
            :, max(0, earlier) : samples - max(0, -earlier)
        ]
    return moved


def align(
    reference: np.ndarray, waveform: np.ndarray, *, most_samples: int = MOST_SAMPLES, match_gain: bool = True
) -> Aligned:
    """Give a waveform the length of a reference, its position in time and its level.

    Parameters
    ----------
    reference : float (channels, samples)
        A true source, or the estimate of the member whose position shall count.
    waveform : float (channels, any number of samples)
    most_samples : int >= 0
        The longest delay that is searched.
    match_gain : bool
        Whether the waveform gets the gain with the least squared error, which may be negative; otherwise 1.

    Returns
    -------
    Aligned
        Aligned again, it has lag 0 and gain 1, as far as no sounding sample was moved over an end.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `lag_samples`.
    """
    checks.check_switch("match_gain", match_gain)
    lag = lag_samples(reference, waveform, most_samples=most_samples)
    reference = np.asarray(reference)
    samples = reference.shape[1]
    # Moved before it is cut, so that nothing is lost that belongs to the reference.
    longest = max(samples, np.shape(waveform)[1])
    moved = of_length(shifted(of_length(waveform, longest), lag), samples)
    power = float(np.vdot(moved.astype(np.float64), moved))
    gain = float(np.vdot(moved.astype(np.float64), reference)) / power if match_gain and power > 0 else 1.0
    return Aligned((gain * moved).astype(moved.dtype), lag, gain)
