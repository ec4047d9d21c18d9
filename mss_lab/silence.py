"""Silence before the first sound and after the last is no part of the music: methods that decide begin at it.

A transform cuts a recording into frames, counted from its first sample. With another amount of silence in front, the
same music falls into other frames, and every number changes a little. Where a method only weighs each frame, so does
its result. Where it decides (which pitch a frame has, which of two streams goes on, how many peaks a histogram has, at
which model a random start ends), a small change may tip the decision, and the rest of the recording follows from it.
Such methods are decorated by `between_silences`, so that their frames are counted from the first sound.

Only samples that are exactly 0 in all channels count as silence. What a quiet room or a noisy converter adds before the
music is heard like everything else.

Contents: sounding, between_silences. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import checks, memory
from .score import notes
from .score.notes import Score

# So many samples of a channel are looked at together.
BLOCK = 1 << 16

Estimates = dict[str, np.ndarray]


def sounding(waveform: np.ndarray) -> tuple[int, int]:
    """From which sample to which a recording sounds: the first that is not 0, and the one after the last.

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
        If it is no waveform.
    """
    waveform = checks.check_waveform("waveform", waveform)
    samples = waveform.shape[1]
    leading = _zeros(waveform)
    return (leading, samples - _zeros(waveform[:, ::-1])) if leading < samples else (0, 0)


def between_silences(separate: Callable[..., Estimates]) -> Callable[..., Estimates]:
    """Decorate a separator: it is given what lies between the silences at both ends, and its estimates are put back.

    So silence added at either end changes no estimate, but moves it. The score's times are counted from the first
    sound, too. A recording without a sound is passed on as it is, as is one whose score has all its notes in silence,
    for the separator to say what is wrong.

    Parameters
    ----------
    separate : function
        Called as `separate(mixture, sample_rate_hz, score, **options)`, options without absolute times.
    """

    @functools.wraps(separate)
    def from_first_sound(mixture: np.ndarray, sample_rate_hz: int, score: Any = None, **options: Any) -> Estimates:
        mixture = checks.check_waveform("mixture", mixture)
        sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
        start, stop = sounding(mixture)
        if isinstance(score, Score):
            moved = notes.shift(score, -start / sample_rate_hz)
            if not any(note.onset_s < (stop - start) / sample_rate_hz for note in moved.notes):
                start, stop = 0, mixture.shape[1]
        if start == 0 and stop in (0, mixture.shape[1]):
            return separate(mixture, sample_rate_hz, score, **options)
        score = moved if isinstance(score, Score) else score
        estimates = separate(mixture[:, start:stop], sample_rate_hz, score, **options)
        whole = memory.zeros_for(tuple(estimates), mixture.shape)
        for name, estimate in whole.items():
            estimate[:, start:stop] = estimates.pop(name)
        return whole

    return from_first_sound


def _zeros(waveform: np.ndarray) -> int:
    """How many samples at the beginning are 0 in all channels."""
    for start in range(0, waveform.shape[1], BLOCK):
        heard = np.any(waveform[:, start : start + BLOCK] != 0, axis=0)
        if heard.any():
            return start + int(heard.argmax())
    return waveform.shape[1]
