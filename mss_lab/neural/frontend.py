"""The short-time transforms in torch: batched, differentiable, and the same as those of `mss_lab.transforms`.

Frame n is centred on sample n * hop_samples, with zeros before and after the recording; the inverses are weighted
overlap-add, divided by the sum of the squared windows. Signals in half precision are transformed in float32.

Contents: make_window, frame_count, stft, istft, stdct, istdct. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import functools
import math

import torch

from .. import checks
from ..refusals import RefusedType, RefusedValue, ShapeError

# Amplitudes of the cosines whose sum is the window; the sine window is not such a sum.
COSINES = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman-harris": (0.35875, 0.48829, 0.14128, 0.01168),
}
WINDOWS = (*COSINES, "sine")

# Where the squared windows add up to less, a sample counts as under no window; the limit of torch's own inverse.
LEAST_SQUARES = 1e-11


def frame_count(samples: int, window_samples: int, hop_samples: int) -> int:
    """Number of frames of a recording: 1 + samples // hop; where the hop is above a quarter window, rounded up."""
    return 1 + (samples // hop_samples if 4 * hop_samples <= window_samples else -(-samples // hop_samples))


def stft(waveform: torch.Tensor, window_samples: int, hop_samples: int, window: str = "hann") -> torch.Tensor:
    """Short-time Fourier transform; see `mss_lab.transforms.stft`.

    Parameters
    ----------
    waveform : float (..., samples)
        Half precision is transformed in float32, other types in their own precision.
    window_samples, hop_samples : int >= 1
    window : {"hann", "hamming", "blackman-harris", "sine"}

    Returns
    -------
    complex (..., freq, frames)
        freq = window_samples // 2 + 1, frames as `frame_count`.

    Raises
    ------
    ValueError
        If there is no such window, no sample, or no positive hop.

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Griffin and Lim, IEEE TASSP 1984.

    Examples
    --------
    >>> stft(torch.zeros(2, 44_100), 4096, 1024).shape
    torch.Size([2, 2049, 44])
    """
    padded = _padded(waveform, window_samples, hop_samples)
    taper = make_window(window, window_samples, padded.dtype, padded.device)
    flat = padded.reshape(-1, padded.shape[-1])
    transform = torch.stft(flat, window_samples, hop_samples, window=taper, center=False, return_complex=True)
    return transform.reshape(*padded.shape[:-1], *transform.shape[-2:])


def istft(
    transform: torch.Tensor, window_samples: int, hop_samples: int, window: str = "hann", *, length: int
) -> torch.Tensor:
    """Inverse of `stft`; see `mss_lab.transforms.istft`.

    Parameters
    ----------
    transform : complex (..., freq, frames)
    window_samples, hop_samples, window
        Those of the forward transform.
    length : int >= 1
        Samples of the recording.

    Returns
    -------
    float (..., length)

    Raises
    ------
    ShapeError
        If the bins or frames are not those of a recording of this length.
    TypeError
        If the transform is not complex.

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Griffin and Lim, IEEE TASSP 1984.

    Examples
    --------
    >>> waveform = torch.sin(torch.arange(5000.0))
    >>> transform = stft(waveform, 512, 128)
    >>> bool(torch.allclose(istft(transform, 512, 128, length=5000), waveform, atol=1e-5))
    True
    """
    _check_lengths(window_samples, hop_samples)
    if not transform.is_complex():
        raise RefusedType(
            f"transform must be complex, got {transform.dtype}; multiply a magnitude by the mixture's phase first"
        )
    *leading, bins, count = transform.shape
    _check_shape(transform, window_samples // 2 + 1, length, window_samples, hop_samples)
    taper = make_window(window, window_samples, transform.real.dtype, transform.device)
    frames = transform.reshape(-1, bins, count)
    try:
        waveform = torch.istft(frames, window_samples, hop_samples, window=taper, length=length)
    except RuntimeError as error:
        if "window overlap add min" not in str(error):
            raise
        raise _no_window(window, window_samples, hop_samples) from error
    return waveform.reshape(*leading, length)


def stdct(waveform: torch.Tensor, window_samples: int, hop_samples: int, window: str = "hann") -> torch.Tensor:
    """Short-time discrete cosine transform; see `mss_lab.transforms.stdct`.

    Parameters
    ----------
    waveform, window_samples, hop_samples, window
        As for `stft`.

    Returns
    -------
    float (..., freq, frames)
        freq = window_samples, frames as `frame_count`.

    Raises
    ------
    ValueError
        As for `stft`.

    Examples
    --------
    >>> stdct(torch.zeros(2, 44_100), 2048, 512).shape
    torch.Size([2, 2048, 87])
    """
    padded = _padded(waveform, window_samples, hop_samples)
    frames = padded.unfold(-1, window_samples, hop_samples)
    return _dct(frames * make_window(window, window_samples, padded.dtype, padded.device)).mT


def istdct(
    transform: torch.Tensor, window_samples: int, hop_samples: int, window: str = "hann", *, length: int
) -> torch.Tensor:
    """Inverse of `stdct`; see `mss_lab.transforms.istdct`.

    Parameters
    ----------
    transform : float (..., freq, frames)
    window_samples, hop_samples, window
        Those of the forward transform.
    length : int >= 1
        Samples of the recording.

    Returns
    -------
    float (..., length)

    Raises
    ------
    ShapeError
        If the coefficients or frames are not those of a recording of this length.
    TypeError
        If the transform is complex.
    ValueError
        If the hop leaves samples under no window.

    Examples
    --------
    >>> waveform = torch.sin(torch.arange(5000.0))
    >>> transform = stdct(waveform, 512, 128)
    >>> bool(torch.allclose(istdct(transform, 512, 128, length=5000), waveform, atol=1e-5))
    True
    """
    _check_lengths(window_samples, hop_samples)
    if not transform.is_floating_point():
        raise RefusedType(f"transform must be real, got {transform.dtype}; an STFT is inverted by istft")
    *leading, bins, count = transform.shape
    _check_shape(transform, window_samples, length, window_samples, hop_samples)
    transform = _wide(transform)
    taper = make_window(window, window_samples, transform.dtype, transform.device)
    frames = _inverse_dct(transform.reshape(-1, bins, count).mT) * taper
    first = window_samples // 2
    squares = _added(taper.square().expand(1, count, -1), hop_samples)[:, first : first + length]
    if squares.min() < LEAST_SQUARES:
        raise _no_window(window, window_samples, hop_samples)
    waveform = _added(frames, hop_samples)[:, first : first + length] / squares
    return waveform.reshape(*leading, length)


def make_window(
    window: str, window_samples: int, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """A window function, periodic, with peak 1, (window_samples,); the same as `mss_lab.transforms.make_window`."""
    checks.check_choice("window", window, WINDOWS)
    return _window(window, window_samples, dtype, torch.device(device))


@functools.lru_cache(maxsize=64)
def _window(window: str, window_samples: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    # Outside inference mode: the cache would otherwise keep a window with which a network cannot be trained.
    with torch.inference_mode(False):
        times = torch.arange(window_samples, dtype=torch.float64)
        if window_samples == 1:
            values = torch.ones(1, dtype=torch.float64)
        elif window == "sine":
            values = torch.sin(math.pi * (times + 0.5) / window_samples)
        else:
            angle = 2 * math.pi * times / window_samples
            terms = (
                (-1) ** order * amplitude * torch.cos(order * angle) for order, amplitude in enumerate(COSINES[window])
            )
            values = torch.stack(list(terms)).sum(dim=0)
        return values.to(device=device, dtype=dtype)


def _wide(waveform: torch.Tensor) -> torch.Tensor:
    if not waveform.is_floating_point():
        raise RefusedType(f"waveform must hold floating-point samples, got {waveform.dtype}")
    return waveform.float() if waveform.dtype in (torch.float16, torch.bfloat16) else waveform


def _check_lengths(window_samples: int, hop_samples: int) -> None:
    checks.check_number("window_samples", window_samples, at_least=1, whole=True)
    checks.check_number("hop_samples", hop_samples, at_least=1, whole=True)


def _padded(waveform: torch.Tensor, window_samples: int, hop_samples: int) -> torch.Tensor:
    """A waveform (..., samples) with the zeros around it that its frames reach into."""
    _check_lengths(window_samples, hop_samples)
    samples = waveform.shape[-1]
    if not samples:
        raise RefusedValue(f"waveform must hold at least one sample, got shape {tuple(waveform.shape)}")
    before = window_samples // 2
    whole = (frame_count(samples, window_samples, hop_samples) - 1) * hop_samples + window_samples
    padded = torch.nn.functional.pad(_wide(waveform), (before, max(0, whole - before - samples)))
    # Where the hop does not divide the length, the padding may be long enough for additional frames.
    return padded[..., :whole]


def _check_shape(transform: torch.Tensor, bins: int, length: int, window_samples: int, hop_samples: int) -> None:
    expected = (bins, frame_count(length, window_samples, hop_samples))
    if transform.shape[-2:] != expected:
        raise ShapeError(
            f"transform must be (..., {expected[0]} freq, {expected[1]} frames) for {length} samples at "
            f"window {window_samples}, hop {hop_samples}, got {tuple(transform.shape)}; use those it was made with"
        )


def _no_window(window: str, window_samples: int, hop_samples: int) -> RefusedValue:
    return RefusedValue(
        f"hop_samples must let a {window} window of {window_samples} samples reconstruct, got {hop_samples}, "
        f"which leaves samples under no window; choose at most {max(1, window_samples // 2)}"
    )


def _added(frames: torch.Tensor, hop_samples: int) -> torch.Tensor:
    """Add frames (batch, frames, window), hop_samples apart: (batch, samples)."""
    count, window_samples = frames.shape[1:]
    whole = (count - 1) * hop_samples + window_samples
    added = torch.nn.functional.fold(frames.mT, (1, whole), (1, window_samples), stride=(1, hop_samples))
    return added[:, 0, 0]


def _dct(frames: torch.Tensor) -> torch.Tensor:
    """Orthonormal DCT-II along the last axis, by one Fourier transform of the same length."""
    count = frames.shape[-1]
    # The even samples, then the odd ones backwards: with a turn, coefficient k is the real part of bin k, and
    # coefficient N - k its negative imaginary part.
    mixed = torch.cat([frames[..., ::2], frames[..., 1::2].flip(-1)], dim=-1)
    turned = torch.fft.rfft(mixed) * _turns(count, frames)
    upper = turned.imag[..., 1 : (count + 1) // 2].flip(-1)
    coefficients = torch.cat([turned.real, -upper], dim=-1) * math.sqrt(2 / count)
    return coefficients * _first_scaled(count, 0.5**0.5, frames)


def _inverse_dct(coefficients: torch.Tensor) -> torch.Tensor:
    """The inverse of `_dct`."""
    count = coefficients.shape[-1]
    scaled = coefficients * _first_scaled(count, 2**0.5, coefficients) * math.sqrt(count / 2)
    mirrored = torch.cat([torch.zeros_like(scaled[..., :1]), -scaled[..., 1:].flip(-1)], dim=-1)
    bins = count // 2 + 1
    turned = torch.complex(scaled[..., :bins], mirrored[..., :bins])
    mixed = torch.fft.irfft(turned * _turns(count, coefficients).conj(), n=count)
    half = (count + 1) // 2
    frames = coefficients.new_zeros(coefficients.shape)
    frames[..., ::2], frames[..., 1::2] = mixed[..., :half], mixed[..., half:].flip(-1)
    return frames


def _turns(count: int, like: torch.Tensor) -> torch.Tensor:
    """exp(-i pi k / 2N) for the bins of a real transform of N samples."""
    angles = torch.arange(count // 2 + 1, dtype=torch.float64, device=like.device) * (-math.pi / (2 * count))
    turns: torch.Tensor = torch.polar(torch.ones_like(angles), angles).to(like.dtype.to_complex())
    return turns


def _first_scaled(count: int, scale: float, like: torch.Tensor) -> torch.Tensor:
    """Ones, and at first the scale."""
    scales = like.new_ones(count)
    scales[0] = scale
    return scales
