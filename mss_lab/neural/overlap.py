"""Segments of frames that fade into each other: cut a spectrogram, and join the segments again.

Contents: segment_count, cut, fades, overlap_add. Lesson: notebooks/19_score_filtered_cnn.ipynb
"""

from collections.abc import Iterable

import numpy as np
import torch

from .. import checks
from ..refusals import RefusedValue


def segment_count(frames: int, length: int, step: int) -> int:
    """Number of segments of `length` frames, `step` apart, that cover all frames; the last may be longer than these."""
    return 1 + max(0, -(-(frames - length) // step))


def cut(spectrograms: torch.Tensor, length: int, step: int) -> torch.Tensor:
    """Cut spectrograms into segments; zeros follow after the end.

    Parameters
    ----------
    spectrograms : (batch, channels, frames, freq)
    length, step : int
        In frames, 1 <= step <= length.

    Returns
    -------
    (batch, segments, channels, length, freq)
        A view, which must not be written into.

    Lesson: notebooks/19_score_filtered_cnn.ipynb

    Examples
    --------
    >>> spectrogram = torch.arange(5).reshape(1, 1, 5, 1)
    >>> cut(spectrogram, length=3, step=2).squeeze().tolist()
    [[0, 1, 2], [2, 3, 4]]
    """
    length = checks.check_number("length", length, at_least=1, whole=True, unit="frames")
    step = checks.check_number("step", step, at_least=1, at_most=length, whole=True, unit="frames")
    frames = spectrograms.shape[2]
    padding = length + (segment_count(frames, length, step) - 1) * step - frames
    if padding > 0:
        spectrograms = torch.nn.functional.pad(spectrograms, (0, 0, 0, padding))
    # unfold puts the frames of a segment last.
    return spectrograms.unfold(2, length, step).permute(0, 2, 1, 4, 3)


def fades(count: int, length: int, step: int) -> np.ndarray:
    """The weight of each segment in each of its frames.

    Segments are added one after the other. Over the frames that a segment shares with the sum of those before it, it
    fades in linearly from 0 to 1 while that sum fades out.

    Returns
    -------
    float64 (segments, length)
        The weights of all segments in one frame add up to 1.

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Reference: Miron et al. 2017: segments of 30 frames, 25 of them
    shared.

    Examples
    --------
    >>> fades(2, length=4, step=2)
    array([[1., 1., 1., 0.],
           [0., 1., 1., 1.]])
    """
    overlap = length - step
    rise = np.ones(length)
    rise[:overlap] = np.linspace(0, 1, overlap) if overlap > 1 else 0.5
    gains = np.ones((count, length))
    gains[1:] = rise
    # Each segment fades out where later ones fade in, up to the first that shares no frame with it.
    for later in range(1, min(count, -(-length // step))):
        gains[:-later, later * step :] *= 1 - rise[: length - later * step]
    return gains


def overlap_add(segments: Iterable[torch.Tensor], frames: int, step: int) -> torch.Tensor:
    """Join segments again, the inverse of `cut`; one at a time, so that they need not all be in memory at once.

    Parameters
    ----------
    segments : iterable of (batch, channels, length, freq)
        In order; their number is that of `segment_count`.
    frames : int
        Length of the result.
    step : int

    Returns
    -------
    (batch, channels, frames, freq)

    Lesson: notebooks/19_score_filtered_cnn.ipynb

    Examples
    --------
    >>> spectrogram = torch.arange(5.0).reshape(1, 1, 5, 1)
    >>> segments = cut(spectrogram, length=3, step=2).unbind(dim=1)
    >>> overlap_add(segments, frames=5, step=2).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    whole: torch.Tensor | None = None
    for index, segment in enumerate(segments):
        batch, channels, length, freq = segment.shape
        if whole is None:
            count = segment_count(frames, length, step)
            whole = segment.new_zeros(batch, channels, length + (count - 1) * step, freq)
            gains = torch.as_tensor(fades(count, length, step), dtype=segment.dtype, device=segment.device)
        start = index * step
        whole[:, :, start : start + length] += segment * gains[index, :, None]
    if whole is None:
        raise RefusedValue("there must be at least one segment, got none; cut the spectrogram first")
    return whole[:, :, :frames]
