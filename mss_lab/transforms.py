"""Transforms: a waveform is cut into overlapping windows, transformed to frequencies, and reconstructed exactly.

Frame n is centred on sample n * hop_samples; before and after the recording there are zeros. Both inverses are
weighted overlap-add: every frame is windowed a second time, the frames are added at their positions, and the sum is
divided by the sum of the squared windows. Because of this division any window and hop that cover all samples can
reconstruct the signal. A transform that has not been changed returns the original signal: for a signal of peak 1 within
1e-12 in float64, 1e-6 in float32. Both are computed in float64; only the result is rounded.

Symbols: x[t] signal, w[t] window of N samples, H hop, X[f, n] transform.

Contents: make_window, frame_count, window_samples_for, settings_for; stft, istft; stdct, istdct; common_magnitude;
stft_frequencies_hz, stdct_frequencies_hz, frame_times_s.
Lessons: notebooks/01_sound_into_matrices.ipynb, notebooks/02_a_transform_without_phase.ipynb
"""

import math
from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
import scipy.fft
import scipy.signal

from . import checks, units
from .refusals import RefusedType, RefusedValue

WINDOWS = ("hann", "hamming", "blackman-harris", "sine")

# Where the squared windows add up to a small fraction of their maximum, dividing by them amplifies the rounding of the
# transform, by one over the root of that fraction. Below these fractions the error would exceed the promised 1e-12 and
# 1e-6, so such a hop is refused.
LEAST_COVERAGE = {"float64": 1e-6, "float32": 0.02}

# Windows that are given by their duration are multiples of this many samples.
SMALLEST_WINDOW = 8

# Frames are transformed in blocks of about this many samples, which stay in the processor's cache.
BLOCK_SAMPLES = 1 << 17


def make_window(window: str, window_samples: int) -> np.ndarray:
    """A window function, periodic, with peak 1.

    Parameters
    ----------
    window : {"hann", "hamming", "blackman-harris", "sine"}
    window_samples : int >= 1

    Returns
    -------
    float64 (window_samples,)
    """
    checks.check_choice("window", window, WINDOWS)
    window_samples = checks.check_number("window_samples", window_samples, at_least=1, whole=True)
    if window == "sine":
        return np.sin(np.pi * (np.arange(window_samples) + 0.5) / window_samples)
    result: np.ndarray = scipy.signal.get_window(window.replace("-", ""), window_samples, fftbins=True)
    return result


def window_samples_for(sample_rate_hz: float, window_s: float = 4096 / 44_100) -> int:
    """The window length nearest to a duration that suits the fast Fourier transform, at any sample rate.

    Parameters
    ----------
    sample_rate_hz : float >= 1000, Hz
    window_s : float > 0, seconds

    Returns
    -------
    int
        A multiple of 8, so that a half, a quarter and an eighth of it are whole hops, with no prime factor above 11.
        For 93 ms, 4096 at 44.1 kHz, 4480 at 48 kHz and 1512 at 16 kHz. From 1024 samples on it is within 2.5 % of the
        requested length, from 256 within 5.5 %; it is never shorter than 8.

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range.

    Examples
    --------
    >>> window_samples_for(44_100), window_samples_for(48_000), window_samples_for(16_000)
    (4096, 4480, 1512)
    """
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("window_s", window_s, above=0, unit="seconds")
    target = max(1.0, window_s * sample_rate_hz / SMALLEST_WINDOW)
    below = scipy.fft.prev_fast_len(math.floor(target), real=False)
    above = scipy.fft.next_fast_len(math.ceil(target), real=False)
    return int(SMALLEST_WINDOW * (below if target - below <= above - target else above))


class StftSettings(TypedDict):
    """The two lengths that a transform and its inverse must share, passed as `**settings`."""

    window_samples: int
    hop_samples: int


def settings_for(sample_rate_hz: float, window_s: float = 4096 / 44_100) -> StftSettings:
    """A window of `window_samples_for` and a hop of a quarter of it: the settings of the package's own separators.

    Examples
    --------
    >>> settings_for(44_100)
    {'window_samples': 4096, 'hop_samples': 1024}
    """
    window_samples = window_samples_for(sample_rate_hz, window_s)
    return {"window_samples": window_samples, "hop_samples": window_samples // 4}


def frame_count(samples: int, window_samples: int, hop_samples: int) -> int:
    """Number of frames of a recording.

    1 + samples // hop, as in librosa and torch, if the hop is at most a quarter of the window. With longer hops the
    last samples would lie under the faint end of only one window, so the count is rounded up: the last frame is centred
    on or after the last sample.

    Examples
    --------
    >>> frame_count(44_100, window_samples=4096, hop_samples=1024)
    44
    """
    samples = checks.check_number("samples", samples, at_least=1, whole=True)
    window_samples = checks.check_number("window_samples", window_samples, at_least=1, whole=True)
    hop_samples = checks.check_number("hop_samples", hop_samples, at_least=1, whole=True)
    if 4 * hop_samples <= window_samples:
        return 1 + samples // hop_samples
    return 1 + math.ceil(samples / hop_samples)


def stft(
    signal: np.ndarray, *, window_samples: int = 4096, hop_samples: int = 1024, window: str = "hann"
) -> np.ndarray:
    """Short-time Fourier transform, X[f, n] = sum over t = 0 ... N-1 of w[t] x[t + nH - N//2] exp(-2 pi i f t / N).

    Parameters
    ----------
    signal : float (channels, samples)
        Waveform of any length of at least one sample; float32 gives complex64, float64 gives complex128.
    window_samples : int >= 1
        N. The transform has N // 2 + 1 bins.
    hop_samples : int >= 1
        H. Refused if this window and hop leave samples uncovered, or covered too faintly for the type.
    window : {"hann", "hamming", "blackman-harris", "sine"}

    Returns
    -------
    complex (channels, freq, frames)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the signal is not a waveform, or the window and hop cannot reconstruct it.

    Lesson: notebooks/01_sound_into_matrices.ipynb. Reference: Griffin and Lim, IEEE TASSP 1984.

    Examples
    --------
    >>> one_second = np.zeros((2, 44_100), np.float32)
    >>> stft(one_second).shape
    (2, 2049, 44)
    """
    signal = checks.check_waveform("signal", signal)
    taper, hop_samples = _checked_window(window, window_samples, hop_samples, signal.dtype)
    frames = _analyse(signal, taper, hop_samples, scipy.fft.rfft, len(taper) // 2 + 1, np.result_type(signal, 1j))
    return frames.swapaxes(-1, -2)


def istft(
    transform: np.ndarray,
    samples: int,
    *,
    window_samples: int = 4096,
    hop_samples: int = 1024,
    window: str = "hann",
) -> np.ndarray:
    """Inverse of `stft`: the waveform whose transform is nearest to the given one, in the least-squares sense.

    Parameters
    ----------
    transform : complex (..., freq, frames)
        Made with the same window_samples, hop_samples and window; leading axes (sources, channels) are kept.
    samples : int >= 1
        Length of the recording, which the transform itself does not determine.

    Returns
    -------
    float (..., samples)
        float32 from complex64, float64 from complex128.

    Raises
    ------
    ShapeError
        If the numbers of bins or frames are not those of a recording of this length.
    TypeError
        If the transform is not complex: a magnitude has no phase.
    ValueError
        If it holds a NaN or an infinity, or the window and hop cannot reconstruct.

    Lesson: notebooks/01_sound_into_matrices.ipynb. Reference: Griffin and Lim, IEEE TASSP 1984.

    Examples
    --------
    >>> signal = np.random.default_rng(0).uniform(-1, 1, (1, 5000))
    >>> bool(np.allclose(istft(stft(signal), 5000), signal, atol=1e-12))
    True
    """
    transform = np.asarray(transform)
    if not np.iscomplexobj(transform):
        raise RefusedType(
            f"transform must be complex, got {transform.dtype}; "
            "give a magnitude the phase of the mixture first: magnitude * np.exp(1j * np.angle(mixture_stft))"
        )
    taper, hop_samples = _checked_window(window, window_samples, hop_samples, transform.real.dtype)
    _check_transform(transform, samples, len(taper) // 2 + 1, len(taper), hop_samples)

    def inverse(frames: np.ndarray, axis: int) -> np.ndarray:
        result: np.ndarray = scipy.fft.irfft(frames, n=len(taper), axis=axis)
        return result

    return _synthesise(transform, int(samples), taper, hop_samples, inverse)


def stdct(
    signal: np.ndarray, *, window_samples: int = 2048, hop_samples: int = 512, window: str = "hann"
) -> np.ndarray:
    """Short-time discrete cosine transform: real, with as many coefficients as a frame has samples.

    F[k, n] = sqrt(2/N) b_k sum over t = 0 ... N-1 of w[t] x[t + nH - N//2] cos(pi k (2t + 1) / 2N), with
    b_0 = 1/sqrt(2) and b_k = 1 otherwise (orthonormal DCT-II).

    Parameters
    ----------
    signal : float (channels, samples)
    window_samples, hop_samples, window
        As for `stft`.

    Returns
    -------
    float (channels, freq, frames)
        N coefficients a frame, positive and negative; coefficient k has the frequency k * sample_rate / 2N Hz.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `stft`.

    Lesson: notebooks/02_a_transform_without_phase.ipynb. Reference: the STDCT of Attentive MultiResUNet, which adds
    windowed frames without dividing by the sum of squared windows; this one divides, and so reconstructs exactly.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)[np.newaxis]
    >>> coefficients = stdct(tone)
    >>> coefficients.shape, coefficients.dtype
    ((1, 2048, 87), dtype('float64'))
    >>> k = int(np.abs(coefficients).mean(axis=-1).argmax())
    >>> round(k * 44_100 / 4096)  # Hz, near 440
    441
    """
    signal = checks.check_waveform("signal", signal)
    taper, hop_samples = _checked_window(window, window_samples, hop_samples, signal.dtype)

    def forward(frames: np.ndarray, axis: int) -> np.ndarray:
        result: np.ndarray = scipy.fft.dct(frames, type=2, norm="ortho", axis=axis)
        return result

    return _analyse(signal, taper, hop_samples, forward, len(taper), signal.dtype).swapaxes(-1, -2)


def istdct(
    transform: np.ndarray,
    samples: int,
    *,
    window_samples: int = 2048,
    hop_samples: int = 512,
    window: str = "hann",
) -> np.ndarray:
    """Inverse of `stdct`; parameters, result and exceptions as for `istft`, except that the transform must be real.

    Lesson: notebooks/02_a_transform_without_phase.ipynb.

    Examples
    --------
    >>> signal = np.random.default_rng(0).uniform(-1, 1, (1, 5000))
    >>> bool(np.allclose(istdct(stdct(signal), 5000), signal, atol=1e-12))
    True
    """
    transform = np.asarray(transform)
    if np.iscomplexobj(transform):
        raise RefusedType(f"transform must be real, got {transform.dtype}; an STFT is inverted by istft")
    if not np.issubdtype(transform.dtype, np.floating):
        raise RefusedType(f"transform must hold floating-point numbers, got {transform.dtype}; use stdct to make it")
    taper, hop_samples = _checked_window(window, window_samples, hop_samples, transform.dtype)
    _check_transform(transform, samples, len(taper), len(taper), hop_samples)

    def inverse(frames: np.ndarray, axis: int) -> np.ndarray:
        result: np.ndarray = scipy.fft.idct(frames, type=2, norm="ortho", axis=axis)
        return result

    return _synthesise(transform, int(samples), taper, hop_samples, inverse)


def common_magnitude(stft: np.ndarray) -> np.ndarray:
    """One magnitude for all channels, the root of their mean power: (channels, freq, frames) to (freq, frames).

    Examples
    --------
    >>> common_magnitude(np.array([[[3j]], [[4.0]]]))
    array([[3.53553391]])
    """
    result: np.ndarray = np.sqrt(np.mean(np.abs(stft) ** 2, axis=0))
    return result


def stft_frequencies_hz(window_samples: int, sample_rate_hz: float) -> np.ndarray:
    """Centre frequency in Hz of each STFT bin, (freq,)."""
    window_samples = checks.check_number("window_samples", window_samples, at_least=1, whole=True)
    result: np.ndarray = units.bins_to_hz(np.arange(window_samples // 2 + 1), window_samples, sample_rate_hz)
    return result


def stdct_frequencies_hz(window_samples: int, sample_rate_hz: float) -> np.ndarray:
    """Frequency in Hz of each STDCT coefficient, (freq,)."""
    window_samples = checks.check_number("window_samples", window_samples, at_least=1, whole=True)
    result: np.ndarray = units.bins_to_hz(np.arange(window_samples), 2 * window_samples, sample_rate_hz)
    return result


def frame_times_s(frames: int, hop_samples: int, sample_rate_hz: float) -> np.ndarray:
    """Time in seconds of the centre of each frame, (frames,)."""
    frames = checks.check_number("frames", frames, at_least=0, whole=True)
    result: np.ndarray = units.frames_to_seconds(np.arange(frames), hop_samples, sample_rate_hz)
    return result


def _checked_window(window: str, window_samples: int, hop_samples: int, dtype: np.dtype) -> tuple[np.ndarray, int]:
    taper = make_window(window, window_samples)
    window_samples = len(taper)
    hop_samples = checks.check_number("hop_samples", hop_samples, at_least=1, whole=True)
    # In the middle of a long recording the sum of squared windows repeats every hop: fold one window to compute it.
    folded = np.zeros(-(-window_samples // hop_samples) * hop_samples)
    folded[:window_samples] = taper**2
    coverage = folded.reshape(-1, hop_samples).sum(axis=0)
    precision = "float32" if dtype == np.float32 else "float64"
    if coverage.min() < LEAST_COVERAGE[precision] * coverage.max():
        raise RefusedValue(
            f"hop_samples must let a {window} window of {window_samples} samples reconstruct {precision} signals, "
            f"got {hop_samples}, which leaves samples under (nearly) no window; "
            f"choose at most {max(1, window_samples // 2)}"
        )
    return taper, hop_samples


def _check_transform(transform: np.ndarray, samples: int, bins: int, window_samples: int, hop_samples: int) -> None:
    frames = frame_count(samples, window_samples, hop_samples)
    if transform.ndim < 2 or transform.shape[-2:] != (bins, frames):
        raise checks.ShapeError(
            f"transform must be (..., {bins} freq, {frames} frames) for {samples} samples at window {window_samples}, "
            f"hop {hop_samples}, got shape {transform.shape}; use the settings that it was made with"
        )
    checks.check_finite("transform", transform)


def _analyse(
    signal: np.ndarray, taper: np.ndarray, hop_samples: int, forward: Callable[..., Any], bins: int, dtype: np.dtype
) -> np.ndarray:
    channels, samples = signal.shape
    window_samples = len(taper)
    count = frame_count(samples, window_samples, hop_samples)
    lead = window_samples // 2
    padded = np.zeros((channels, max((count - 1) * hop_samples + window_samples, lead + samples)), signal.dtype)
    padded[:, lead : lead + samples] = signal
    # float32 samples times the float64 window give float64 frames.
    views = np.lib.stride_tricks.sliding_window_view(padded, window_samples, axis=-1)[:, ::hop_samples]
    # Stored as frames by bins, so that each block is contiguous; callers see the axes swapped.
    result = np.empty((channels, count, bins), dtype)
    block = max(1, BLOCK_SAMPLES // window_samples)
    for channel in range(channels):
        for start in range(0, count, block):
            stop = min(start + block, count)
            result[channel, start:stop] = forward(views[channel, start:stop] * taper, axis=-1)
    return result


def _synthesise(
    transform: np.ndarray, samples: int, taper: np.ndarray, hop_samples: int, inverse: Callable[..., Any]
) -> np.ndarray:
    window_samples = len(taper)
    *leading, bins, count = transform.shape
    stacked = transform.reshape(-1, bins, count)
    overlaps = -(-window_samples // hop_samples)
    block = max(1, BLOCK_SAMPLES // window_samples)
    real = np.float32 if transform.dtype in (np.complex64, np.float32) else np.float64
    dtype = np.result_type(transform, np.float64)
    lead = window_samples // 2
    rows = max(count - 1 + overlaps, -(-(lead + samples) // hop_samples))

    def overlap_add(total: np.ndarray, start: int, frames: np.ndarray) -> None:
        # A frame is cut into pieces of one hop; piece r of all frames of the block is added r rows further down.
        pieces = np.zeros((len(frames), overlaps * hop_samples), total.dtype)
        pieces[:, :window_samples] = frames
        pieces = pieces.reshape(len(frames), overlaps, hop_samples)
        for r in range(overlaps):
            total[start + r : start + r + len(frames)] += pieces[:, r]

    coverage = np.zeros((rows, hop_samples))
    for start in range(0, count, block):
        overlap_add(coverage, start, np.broadcast_to(taper**2, (min(block, count - start), window_samples)))
    # Beyond the recording's ends coverage may vanish; those samples are cut off below.
    divisor = np.where(coverage > 0, coverage, 1)

    result = np.empty((len(stacked), samples), real)
    for index, item in enumerate(stacked):
        total = np.zeros((rows, hop_samples))
        for start in range(0, count, block):
            frames = inverse(item[:, start : start + block].T.astype(dtype), axis=-1)
            overlap_add(total, start, frames * taper)
        total /= divisor
        result[index] = total.ravel()[lead : lead + samples]
    return result.reshape(*leading, samples)
