"""Silence before the first sound and after the last is not part of the music: methods that decide start at the sound.

A transform cuts a recording into frames, counted from its first sample. With another length of silence at the start,
the same music falls into other frames, and every number changes a little. If a method only weighs each frame, its
result changes as little. If it decides (which pitch a frame has, which of two streams continues, how many peaks a
histogram has, at which model a random start ends), a small change may reverse the decision and with it the rest of the
recording. Such methods are decorated by `between_silences`, so that their frames are counted from the first sound.

Only samples that are exactly 0 in all channels count as silence. The noise of a quiet room or of a converter before the
music is processed like everything else.

Contents: sounding, between_silences. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import checks, memory
from .score import notes
from .score.notes import Score

# This many samples of a channel are tested at a time.
BLOCK = 1 << 16

Estimates = dict[str, np.ndarray]


def sounding(waveform: np.ndarray) -> tuple[int, int]:
    """The range of samples in which a recording sounds: from the first that is not 0 to the one after the last.

    Parameters
    ----------
    waveform : float (channels, samples)

    Returns
    -------
    start, stop : int
        Both 0 if every sample is 0.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If it is not a waveform.

    Examples
    --------
    >>> sounding(np.array([[0.0, 0, 0.5, 0, -0.5, 0]]))
    (2, 5)
    """
    waveform = checks.check_waveform("waveform", waveform)
    samples = waveform.shape[1]
    leading = _zeros(waveform)
    return (leading, samples - _zeros(waveform[:, ::-1])) if leading < samples else (0, 0)


def between_silences(separate: Callable[..., Estimates]) -> Callable[..., Estimates]:
    """Decorate a separator: it gets only the samples between the silences at both ends, and its estimates are padded.

    So silence that is added at either end shifts the estimates but does not change them. The score's times are counted
    from the first sound, too. A recording without any sound is passed on unchanged, as is one whose score has all its
    notes in silence, so that the separator can report the problem.

    Parameters
    ----------
    separate : function
        Called as `separate(mixture, sample_rate_hz, score, **options)`; no option may be an absolute time.
    """

    @functools.wraps(separate)
    def from_first_sound(mixture: np.ndarray, sample_rate_hz: int, score: Any = None, **options: Any) -> Estimates:
        mixture = checks.check_waveform("mixture", mixture)
        sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
        start, stop = sounding(mixture)
        if isinstance(score, Score):
            shifted = notes.shift(score, -start / sample_rate_hz)
            if not any(note.onset_s < (stop - start) / sample_rate_hz for note in shifted.notes):
                start, stop = 0, mixture.shape[1]
        if start == 0 and stop in (0, mixture.shape[1]):
            return separate(mixture, sample_rate_hz, score, **options)
        score = shifted if isinstance(score, Score) else score
        estimates = separate(mixture[:, start:stop], sample_rate_hz, score, **options)
        padded = memory.zeros_for(tuple(estimates), mixture.shape)
        for name, estimate in padded.items():
            estimate[:, start:stop] = estimates.pop(name)
        return padded

    return from_first_sound


def _zeros(waveform: np.ndarray) -> int:
    """The number of samples at the beginning that are 0 in all channels."""
    for start in range(0, waveform.shape[1], BLOCK):
        nonzero = np.any(waveform[:, start : start + BLOCK] != 0, axis=0)
        if nonzero.any():
            return start + int(nonzero.argmax())
    return int(waveform.shape[1])
