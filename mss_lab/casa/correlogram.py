"""The firing of the auditory nerve and its periodicity: the hair cell and the correlogram.

A hair cell responds to one half of every oscillation, with compression, and too slowly to follow oscillations much
faster than 1 kHz: of those only the envelope remains. The correlogram compares the firing of each band with itself some
milliseconds later. A band that contains one harmonic of a note, or several that beat, fires with a period that divides
the note's, so that all bands of one note agree at one lag.

Contents: hair_cell, Correlogram, correlogram, summary. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import dataclasses

import numpy as np
import scipy.fft
import scipy.signal

from .. import checks

EXPONENT = 0.3
CUTOFF_HZ = 1_000.0
WINDOW_S = 0.025
HOP_S = 0.01
LONGEST_S = 0.0125

# A variance below this fraction of the squared mean counts as 0.
EVEN = 1e-9

# Length of the hair cell's low-pass filter, in periods of its cutoff; above 2.5 times the cutoff nothing passes.
LOW_PASS_PERIODS = 2.5

# Approximate rate at which nerves are sampled, if the sample rate allows: ten times the cutoff of the hair cell.
NERVE_RATE_HZ = 10_000


@dataclasses.dataclass(frozen=True)
class Correlogram:
    """The similarity of each band to itself some time later, in each frame.

    Attributes
    ----------
    values : float32 (bands, frames, lags)
        1 if the band repeats exactly, 0 if it is unrelated to itself, about -1 if it is opposite. Lag 0 is 1 wherever
        the firing varies, and all lags are 0 where it does not.
    fired : float32 (bands, frames)
        Mean firing within the window: how loud the unit is.
    energy : float32 (bands, frames)
        Variance of the firing: how much of it comes in pulses.
    lags_s : float64 (lags,)
    hop_s : float
        Frame n is centred on n * hop_s.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """

    values: np.ndarray
    fired: np.ndarray
    energy: np.ndarray
    lags_s: np.ndarray
    hop_s: float


def hair_cell(
    bands: np.ndarray, sample_rate_hz: int, *, exponent: float = EXPONENT, cutoff_hz: float = CUTOFF_HZ
) -> np.ndarray:
    """Half-wave rectification, compression by a power, low-pass.

    Parameters
    ----------
    bands : float (channels, bands, samples)
        As returned by `filterbank.analyse`.
    sample_rate_hz : int
    exponent : float in (0, 1]
        Exponent of the compression: with 0.3, a sound 60 dB louder fires 8 times as much.
    cutoff_hz : float > 0, Hz
        Of the low-pass filter, which has no delay. If it is not below half the sample rate, there is no filter.

    Returns
    -------
    float32 >= 0 (channels, bands, samples)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the bands are not such an array, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Brown and Cooke, Computer Speech and Language
    1994. Difference: a power replaces their model of the hair cell's chemistry, so that the response to a louder sound
    has the same shape.

    Examples
    --------
    >>> np.round(hair_cell(np.array([[[-1.0, 0.0, 1.0, 1000.0]]]), 2000), 1)  # at 2 kHz there is no low-pass filter
    array([[[0. , 0. , 1. , 7.9]]], dtype=float32)
    """
    bands = checks.check_finite("bands", checks.check_axes("bands", bands, "channels bands samples"))
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("exponent", exponent, above=0, at_most=1)
    checks.check_number("cutoff_hz", cutoff_hz, above=0, unit="Hz")
    fired: np.ndarray = np.maximum(bands, 0, dtype=np.float32)
    for channel in fired:
        for band in channel:
            np.power(band, np.float32(exponent), out=band)
            if 2 * cutoff_hz < sample_rate_hz and len(band):
                # Rounding may make values negative; firing cannot be.
                smooth = scipy.signal.oaconvolve(band, _low_pass(cutoff_hz, sample_rate_hz), mode="same")
                band[:] = np.maximum(smooth, 0)
    return fired


def correlogram(
    nerve: np.ndarray,
    sample_rate_hz: int,
    *,
    window_s: float = WINDOW_S,
    hop_s: float = HOP_S,
    longest_s: float = LONGEST_S,
) -> Correlogram:
    """Autocorrelation of the firing of every band, in windows of 25 ms.

    Parameters
    ----------
    nerve : float (channels, bands, samples)
        As returned by `hair_cell`. Each channel is correlated with itself before channels are added, so that opposite
        channels do not cancel.
    sample_rate_hz : int
        Above 20 kHz samples are skipped: the firing has no frequencies above 2.5 kHz.
    window_s : float > longest_s, seconds
    hop_s : float > 0, seconds
    longest_s : float > 0, seconds
        The longest lag.

    Returns
    -------
    Correlogram
        1 + floor(duration / hop_s) frames.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the nerve is not such an array, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Brown and Cooke, Computer Speech and Language
    1994. Difference: the mean within the window is subtracted, because constant firing has no period; the result is
    divided by the overlap of the window with itself.

    Examples
    --------
    >>> pulses = np.tile([1.0] + 39 * [0.0], 20).reshape(1, 1, -1)  # one each 5 ms
    >>> result = correlogram(pulses, 8000)
    >>> round(float(result.lags_s[10:][result.values[0, 5, 10:60].argmax()]), 6)
    0.005
    """
    nerve = checks.check_finite("nerve", checks.check_axes("nerve", nerve, "channels bands samples"))
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("hop_s", hop_s, above=0, unit="seconds")
    checks.check_number("longest_s", longest_s, above=0, unit="seconds")
    checks.check_number("window_s", window_s, above=longest_s, unit="seconds", hint="a lag must fit into the window")
    step = max(1, sample_rate_hz // NERVE_RATE_HZ)
    rate_hz = sample_rate_hz / step
    frames = 1 + int(nerve.shape[2] / sample_rate_hz / hop_s + 1e-9)
    window = scipy.signal.get_window("hann", max(2, round(window_s * rate_hz)), fftbins=False).astype(np.float32)
    lags = min(len(window) - 1, round(longest_s * rate_hz)) + 1
    size = scipy.fft.next_fast_len(len(window) + lags, real=True)
    overlap = scipy.fft.irfft(np.abs(scipy.fft.rfft(window, size)) ** 2, size)[:lags]
    starts = np.rint(np.arange(frames) * hop_s * rate_hz).astype(int)
    half = len(window) // 2
    tail = starts[-1] + len(window)
    values = np.zeros((nerve.shape[1], frames, lags), np.float32)
    fired, energy = (np.zeros(values.shape[:2], np.float32) for _ in range(2))
    for band in range(len(values)):
        power = np.zeros((frames, size // 2 + 1), np.float32)
        for channel in nerve[:, band, ::step]:
            padded = np.zeros(max(tail, half + len(channel)), np.float32)
            padded[half : half + len(channel)] = channel
            segments = np.lib.stride_tricks.sliding_window_view(padded, len(window))[starts]
            mean = segments @ window / window.sum()
            fired[band] += mean
            segments = (segments - mean[:, np.newaxis]) * window
            power += np.abs(scipy.fft.rfft(segments, size)) ** 2
        correlation = scipy.fft.irfft(power, size)[:, :lags]
        energy[band] = correlation[:, 0] / overlap[0]
        # The variance of constant firing is only rounding error, which has no period.
        energy[band, energy[band] <= EVEN * fired[band] ** 2] = 0
        varies = energy[band, :, np.newaxis] > 0
        values[band] = np.where(varies, correlation / np.where(varies, correlation[:, :1], 1), 0) * (
            overlap[0] / overlap
        )
    return Correlogram(values, fired, energy, np.arange(lags) / rate_hz, hop_s)


def summary(correlogram: Correlogram, units: np.ndarray | None = None) -> np.ndarray:
    """All bands of a correlogram together, weighted by their energy: (frames, lags), 1 at lag 0, 0 for silence.

    Parameters
    ----------
    correlogram : Correlogram
    units : bool or real >= 0 (bands, frames), optional
        Weights, to select some of the units. A unit is one band in one frame.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Meddis and Hewitt, JASA 1991.

    Examples
    --------
    >>> values, energy = np.array([[[1.0, 0.0]], [[1.0, 1.0]]]), np.array([[3.0], [1.0]])
    >>> summary(Correlogram(values, np.ones((2, 1)), energy, np.array([0.0, 0.001]), 0.01))
    array([[1.  , 0.25]])
    """
    weights = correlogram.energy if units is None else correlogram.energy * units
    total = weights.sum(axis=0)
    shares = weights / np.where(total > 0, total, 1)
    result: np.ndarray = np.einsum("bn,bnl->nl", shares, correlogram.values)
    return result


def _low_pass(cutoff_hz: float, sample_rate_hz: int) -> np.ndarray:
    taps = 2 * round(LOW_PASS_PERIODS / 2 / cutoff_hz * sample_rate_hz) + 1
    result: np.ndarray = scipy.signal.firwin(taps, cutoff_hz, fs=sample_rate_hz).astype(np.float32)
    return result
