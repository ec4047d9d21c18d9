"""The gammatone filterbank: a sound as the bands of a cochlea, and masked bands as a sound again.

The impulse response of a band is g(t) = t^3 exp(-2 pi 1.019 ERB(f_c) t) cos(2 pi f_c t): a tone at the band's centre
f_c with an envelope that rises quickly and decays slowly, the more slowly the narrower the band. ERB is the equivalent
rectangular bandwidth, which grows with frequency as that of the ear does. The envelope of a narrow band is delayed; all
bands are advanced by their delay, so that simultaneous events are in one column.

Convolution is by FFT. For resynthesis every band passes its filter once more, reversed in time, which cancels the phase
of the first pass. The sum over the bands of both passes is nearly flat; the remaining ripple is divided out, so that a
mask of ones returns the part of the sound that lies within the range of the bands.

Contents: erb_hz, erb_number, centres_hz; gammatones, analyse, resynthesise.
Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike

from .. import checks
from ..refusals import RefusedValue

ORDER = 4
WIDTH = 1.019
BANDS = 64
LOWEST_HZ = 80.0
HIGHEST_HZ = 5_000.0

# The envelope of order 4 at the time x in units of its decay is x^3 exp(-x): at 18 it is 80 dB below its peak at 3.
TAIL = 18.0

# At the ends of the range, where the sum of both passes falls below this fraction of its median, the resynthesised
# sound is quieter: dividing by less would amplify the part of masked sound that lies outside the range.
LEAST_RESPONSE = 0.25


def erb_hz(frequency_hz: ArrayLike) -> Any:
    """Equivalent rectangular bandwidth of the ear's filter at a frequency, 24.7 (4.37 f / 1000 + 1) Hz.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Glasberg and Moore, Hearing Research 1990.

    Examples
    --------
    >>> round(float(erb_hz(1000)), 1)
    132.6
    """
    return (24.7 * (4.37e-3 * np.asarray(frequency_hz, float) + 1))[()]


def erb_number(frequency_hz: ArrayLike) -> Any:
    """The number of equivalent bandwidths below a frequency, 21.4 log10(1 + 0.00437 f)."""
    return (21.4 * np.log10(1 + 4.37e-3 * np.asarray(frequency_hz, float)))[()]


def centres_hz(bands: int = BANDS, lowest_hz: float = LOWEST_HZ, highest_hz: float = HIGHEST_HZ) -> np.ndarray:
    """Centre frequencies with a constant distance in equivalent bandwidths.

    Parameters
    ----------
    bands : int >= 1
    lowest_hz, highest_hz : float > 0, Hz
        The centres of the first and the last band.

    Returns
    -------
    float64 (bands,), Hz, ascending

    Raises
    ------
    TypeError, ValueError
        If the range is empty or a number is out of bounds.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Glasberg and Moore, Hearing Research 1990.

    Examples
    --------
    >>> np.round(centres_hz(3, 100.0, 4000.0))
    array([ 100.,  950., 4000.])
    """
    bands = checks.check_number("bands", bands, at_least=1, whole=True)
    checks.check_number("lowest_hz", lowest_hz, above=0, unit="Hz")
    checks.check_number("highest_hz", highest_hz, above=lowest_hz, unit="Hz", hint="it must lie above lowest_hz")
    numbers = np.linspace(erb_number(lowest_hz), erb_number(highest_hz), bands)
    return (10 ** (numbers / 21.4) - 1) / 4.37e-3


def gammatones(centres_hz: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """Impulse responses of the bands, each with a gain of 1 at its centre, and the delays of their envelopes' peaks.

    Parameters
    ----------
    centres_hz : float (bands,), Hz
        Below half the sample rate.
    sample_rate_hz : int

    Returns
    -------
    responses : float64 (bands, taps)
        Long enough for the narrowest band to decay to 80 dB below its peak.
    delays_samples : int (bands,)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the centres are not frequencies between 0 and half the sample rate.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Patterson et al., APU report 2341, 1988.

    Examples
    --------
    >>> responses, delays_samples = gammatones(np.array([250.0, 1000.0]), 8000)
    >>> len(responses), bool(delays_samples[0] > delays_samples[1])  # low bands are slower
    (2, True)
    """
    centres_hz, sample_rate_hz = _checked_centres(centres_hz, sample_rate_hz)
    decays = 2 * np.pi * WIDTH * erb_hz(centres_hz)
    taps = max(1, round(TAIL / decays.min() * sample_rate_hz))
    times_s = np.arange(taps) / sample_rate_hz
    # Every envelope is computed with its peak at 1, so that none underflows.
    x = decays[:, np.newaxis] * times_s / (ORDER - 1)
    envelopes = (x * np.exp(1 - x)) ** (ORDER - 1)
    carriers = np.exp(2j * np.pi * centres_hz[:, np.newaxis] * times_s)
    responses = envelopes * carriers.real
    gains = np.abs(np.sum(responses * carriers.conj(), axis=1))
    responses /= np.where(gains > 0, gains, 1)[:, np.newaxis]
    return responses, np.rint((ORDER - 1) / decays * sample_rate_hz).astype(int)


def analyse(waveform: np.ndarray, sample_rate_hz: int, centres_hz: np.ndarray) -> np.ndarray:
    """Pass a waveform through the filterbank.

    Parameters
    ----------
    waveform : float (channels, samples)
    sample_rate_hz : int
    centres_hz : float (bands,), Hz
        Below half the sample rate.

    Returns
    -------
    float32 (channels, bands, samples)
        Advanced by each band's delay: the envelopes of a click have their peaks at the click.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the waveform is not one, or the centres do not lie between 0 and half the sample rate.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Patterson et al., APU report 2341, 1988.
    Difference: the bands are aligned in time.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000)[np.newaxis]
    >>> bands = analyse(tone, 8000, np.array([250.0, 1000.0]))
    >>> np.round(np.abs(bands[0, :, 1000:3000]).max(axis=1), 1)
    array([0., 1.], dtype=float32)
    """
    waveform = checks.check_waveform("waveform", waveform).astype(np.float32)
    filters, taps = _filters(centres_hz, sample_rate_hz, waveform.shape[1])
    spectrum = _spectrum(waveform, taps, filters)
    bands = np.empty((len(waveform), len(filters), waveform.shape[1]), np.float32)
    size = scipy.fft.next_fast_len(waveform.shape[1] + 2 * taps, real=True)
    for band in range(len(filters)):
        bands[:, band] = scipy.fft.irfft(spectrum * filters[band], size)[:, taps : taps + waveform.shape[1]]
    return bands


def resynthesise(
    waveform: np.ndarray, mask: np.ndarray, sample_rate_hz: int, centres_hz: np.ndarray, *, hop_s: float = 0.01
) -> np.ndarray:
    """Filter a waveform by masks over bands and frames: split into bands, masked, and added up again.

    Parameters
    ----------
    waveform : float (channels, samples)
    mask : real (streams, bands, frames)
        Gains, the same for every channel. Frame n is centred on n * hop_s. Between the centres of two frames gains are
        interpolated linearly; after the last they are constant.
    sample_rate_hz : int
    centres_hz : float (bands,), Hz
    hop_s : float > 0, seconds

    Returns
    -------
    float32 (streams, channels, samples)
        For a mask of ones, the part of the waveform within the range of the bands. The result is linear in the mask.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mask does not fit the bands, or as for `analyse`.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Brown and Cooke, Computer Speech and Language
    1994. Difference: the ripple of the filterbank is divided out.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000)[np.newaxis]
    >>> masks = np.stack([np.ones((32, 51)), np.zeros((32, 51))])
    >>> whole, silent = resynthesise(tone, masks, 8000, centres_hz(32, 80.0, 3500.0))
    >>> round(float(np.corrcoef(whole, tone)[0, 1]), 2), bool(silent.any())
    (1.0, False)
    """
    waveform = checks.check_waveform("waveform", waveform).astype(np.float32)
    mask = checks.check_finite("mask", checks.check_axes("mask", mask, "streams bands frames")).astype(np.float32)
    checks.check_number("hop_s", hop_s, above=0, unit="seconds")
    samples = waveform.shape[1]
    filters, taps = _filters(centres_hz, sample_rate_hz, samples)
    if mask.shape[1] != len(filters) or mask.shape[2] == 0:
        raise checks.ShapeError(
            f"mask must be (streams, {len(filters)} bands, at least one frame), got shape {mask.shape}; "
            "make both with one set of centres_hz"
        )
    size = scipy.fft.next_fast_len(samples + 2 * taps, real=True)
    spectrum = _spectrum(waveform, taps, filters)
    total = np.zeros((len(mask), *spectrum.shape), np.complex64)
    # Before the first frame and after the last, gains are constant.
    positions = (np.arange(size) - taps) / (hop_s * checks.check_sample_rate(sample_rate_hz))
    frames = np.arange(mask.shape[2])
    response = np.zeros(spectrum.shape[1])
    for band, filter_response in enumerate(filters):
        response += np.abs(filter_response) ** 2
        sound = scipy.fft.irfft(spectrum * filter_response, size)
        for stream in range(len(mask)):
            if mask[stream, band].any():
                gains = np.interp(positions, frames, mask[stream, band]).astype(np.float32)
                total[stream] += scipy.fft.rfft(sound * gains) * filter_response.conj()
    total /= _flattened(response, centres_hz, sample_rate_hz)
    result: np.ndarray = scipy.fft.irfft(total, size)[..., taps : taps + samples]
    return result


def _flattened(response: np.ndarray, centres_hz: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    frequencies_hz = np.linspace(0, sample_rate_hz / 2, len(response))
    inside = (frequencies_hz >= np.min(centres_hz)) & (frequencies_hz <= np.max(centres_hz))
    median = np.median(response[inside]) if inside.any() else response.max()
    result: np.ndarray = np.maximum(response, LEAST_RESPONSE * median).astype(np.float32)
    return result


def _checked_centres(centres_hz: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, int]:
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    centres_hz = checks.check_finite("centres_hz", checks.check_axes("centres_hz", centres_hz, "bands")).astype(float)
    if not len(centres_hz) or centres_hz.min() <= 0 or centres_hz.max() >= sample_rate_hz / 2:
        raise RefusedValue(
            f"centres_hz must be frequencies above 0 and below half the sample rate, {sample_rate_hz / 2:g} Hz, got "
            f"{centres_hz.min(initial=np.inf):g} to {centres_hz.max(initial=-np.inf):g} Hz; choose a lower highest_hz"
        )
    return centres_hz, sample_rate_hz


def _filters(centres_hz: np.ndarray, sample_rate_hz: int, samples: int) -> tuple[np.ndarray, int]:
    """Frequency responses of the advanced filters, complex64 (bands, freq), for FFTs with `taps` zeros at both ends."""
    responses, delays = gammatones(centres_hz, sample_rate_hz)
    taps = responses.shape[1]
    size = scipy.fft.next_fast_len(samples + 2 * taps, real=True)
    turns = np.arange(size // 2 + 1) / size
    filters = np.empty((len(responses), len(turns)), np.complex64)
    for band, (response, delay) in enumerate(zip(responses, delays, strict=True)):
        filters[band] = scipy.fft.rfft(response, size) * np.exp(2j * np.pi * turns * delay)
    return filters, taps


def _spectrum(waveform: np.ndarray, taps: int, filters: np.ndarray) -> np.ndarray:
    size = scipy.fft.next_fast_len(waveform.shape[1] + 2 * taps, real=True)
    padded = np.zeros((len(waveform), size), np.float32)
    padded[:, taps : taps + waveform.shape[1]] = waveform
    result: np.ndarray = scipy.fft.rfft(padded)
    return result
