"""What the auditory nerve fires, and how regularly: the hair cell and the correlogram.

A hair cell answers to one half of every oscillation, more to the soft than to the loud, and too slowly to follow
oscillations much faster than 1 kHz: of those the envelope is left. The correlogram compares what each band fires with
itself some milliseconds later. A band that carries one harmonic of a note, or several that beat, fires with a period
that fits into the note's, so that all bands of one note agree at one lag.

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

# A variance below this part of the squared mean is taken for none.
EVEN = 1e-9

# The hair cell's low-pass is this long, in periods of its cutoff; above 2.5 times the cutoff nothing is left.
LOW_PASS_PERIODS = 2.5

# Nerves are looked at this often, if the sample rate allows: ten times the cutoff of the hair cell.
NERVE_RATE_HZ = 10_000


@dataclasses.dataclass(frozen=True)
class Correlogram:
    """How alike each band is to itself some time later, in each frame.

    Attributes
    ----------
    values : float32 (bands, frames, lags)
        1 where the band repeats itself exactly, 0 where it is unlike itself, about -1 where it is opposite; lag 0 is
        1 wherever something is fired unevenly, and all lags are 0 where nothing is.
    fired : float32 (bands, frames)
        Mean of what the nerve fired within the window: how loud the unit is.
    energy : float32 (bands, frames)
        Variance of what it fired: how much of that comes in pulses.
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
        Of `filterbank.analyse`.
    sample_rate_hz : int
    exponent : float in (0, 1]
        Of the compression: at 0.3, what is 60 dB louder fires 8 times as much.
    cutoff_hz : float > 0, Hz
        Of the low-pass, which has no delay. Where it is not below half the sample rate, there is no low-pass.

    Returns
    -------
    float32 >= 0 (channels, bands, samples)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the bands are none, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: Brown and Cooke, Computer Speech and Language 1994.
    Differs: a power takes the place of their model of the hair cell's chemistry, so that the answer to a louder sound
    has the same shape.
    """
    bands = checks.check_finite("bands", checks.check_axes("bands", bands, "channels bands samples"))
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("exponent", exponent, above=0, at_most=1)
    checks.check_number("cutoff_hz", cutoff_hz, above=0, unit="Hz")
    fired = np.maximum(bands, 0, dtype=np.float32)
    for channel in fired:
        for band in channel:
            np.power(band, np.float32(exponent), out=band)
            if 2 * cutoff_hz < sample_rate_hz and len(band):
                # Rounding may reach below zero; firing cannot.
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
    """Autocorrelation of what every band fires, in windows of 25 ms.

    Parameters
    ----------
    nerve : float (channels, bands, samples)
        Of `hair_cell`. Channels are correlated each with itself and then added, so that what is opposite in two
        channels does not cancel.
    sample_rate_hz : int
        Above 20 kHz only every so-manyth sample is looked at: what the hair cell fires has nothing above 2.5 kHz.
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
        If the nerve is none, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: Brown and Cooke, Computer Speech and Language 1994.
    Differs: the mean within the window is taken away, for what fires evenly is not regular; divided by the overlap of
    the window with itself.
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
    overlap = scipy.fft.irfft(np.abs(scipy.fft.rfft(window, size)) ** 2)[:lags]
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
            cut = np.lib.stride_tricks.sliding_window_view(padded, len(window))[starts]
            mean = cut @ window / window.sum()
            fired[band] += mean
            cut = (cut - mean[:, np.newaxis]) * window
            power += np.abs(scipy.fft.rfft(cut, size)) ** 2
        correlation = scipy.fft.irfft(power, size)[:, :lags]
        energy[band] = correlation[:, 0] / overlap[0]
        # What is left of a nerve that fires evenly is rounding, which is not regular.
        energy[band, energy[band] <= EVEN * fired[band] ** 2] = 0
        heard = energy[band, :, np.newaxis] > 0
        values[band] = np.where(heard, correlation / np.where(heard, correlation[:, :1], 1), 0) * (overlap[0] / overlap)
    return Correlogram(values, fired, energy, np.arange(lags) / rate_hz, hop_s)


def summary(correlogram: Correlogram, units: np.ndarray | None = None) -> np.ndarray:
    """All bands of a correlogram together, weighted by what they fire: (frames, lags), 1 at lag 0, 0 for silence.

    Parameters
    ----------
    correlogram : Correlogram
    units : bool or real >= 0 (bands, frames), optional
        Weights, to look at some of the units only. A unit is one band in one frame.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: Meddis and Hewitt, JASA 1991.
    """
    weights = correlogram.energy if units is None else correlogram.energy * units
    total = weights.sum(axis=0)
    shares = weights / np.where(total > 0, total, 1)
    return np.einsum("bn,bnl->nl", shares, correlogram.values)


def _low_pass(cutoff_hz: float, sample_rate_hz: int) -> np.ndarray:
    taps = 2 * round(LOW_PASS_PERIODS / 2 / cutoff_hz * sample_rate_hz) + 1
    return scipy.signal.firwin(taps, cutoff_hz, fs=sample_rate_hz).astype(np.float32)
