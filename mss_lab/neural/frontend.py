"""The short-time Fourier transform in torch: batched, differentiable, and the same as `mss_lab.transforms`.

Frame n is centred on sample n * hop_samples, with zeros before and after the recording; the inverse is weighted
overlap-add, divided by the sum of the squared windows. Signals in half precision are transformed in float32.

Contents: make_window, frame_count, stft, istft. Lesson: notebooks/16_learn_a_mask.ipynb
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
    _check_lengths(window_samples, hop_samples)
    *leading, samples = waveform.shape
    if not samples:
        raise RefusedValue(f"waveform must hold at least one sample, got shape {tuple(waveform.shape)}")
    waveform = _wide(waveform)
    taper = make_window(window, window_samples, waveform.dtype, waveform.device)
    count = frame_count(samples, window_samples, hop_samples)
    padding_before = window_samples // 2
    padding_after = max(0, (count - 1) * hop_samples + window_samples - padding_before - samples)
    padded = torch.nn.functional.pad(waveform.reshape(-1, samples), (padding_before, padding_after))
    # Where the hop does not divide the length, the padding may be long enough for additional frames.
    padded = padded[:, : (count - 1) * hop_samples + window_samples]
    transform = torch.stft(padded, window_samples, hop_samples, window=taper, center=False, return_complex=True)
    return transform.reshape(*leading, *transform.shape[-2:])


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
    expected = (window_samples // 2 + 1, frame_count(length, window_samples, hop_samples))
    if (bins, count) != expected:
        raise ShapeError(
            f"transform must be (..., {expected[0]} freq, {expected[1]} frames) for {length} samples at "
            f"window {window_samples}, hop {hop_samples}, got {tuple(transform.shape)}; use those it was made with"
        )
    taper = make_window(window, window_samples, transform.real.dtype, transform.device)
    frames = transform.reshape(-1, bins, count)
    try:
        waveform = torch.istft(frames, window_samples, hop_samples, window=taper, length=length)
    except RuntimeError as error:
        if "window overlap add min" not in str(error):
            raise
        raise RefusedValue(
            f"hop_samples must let a {window} window of {window_samples} samples reconstruct, got {hop_samples}, "
            f"which leaves samples under no window; choose at most {max(1, window_samples // 2)}"
        ) from error
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
