"""One internal sample rate for methods that decide, so that the same music comes out alike at every higher rate.

At another sample rate the same music falls into slightly other frames and bins, and rounding differs. Where a method
only weighs each bin, its result changes as little, which is inaudible. Where it decides (which pitch a frame has, which
frames are most alike, at which model a random start ends), a small change may tip a decision, and the rest of the
recording follows from it. Such methods are decorated by `at_common_rate`: a recording at more than 44.1 kHz is
resampled to that rate, separated there, and its estimates are resampled back. What lies above 22 kHz, and what
resampling removes, is divided evenly among the estimates, so that they add up to the mixture as before.

Contents: COMMON_RATE_HZ, at_common_rate.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import audio, checks

COMMON_RATE_HZ = 44_100

Estimates = dict[str, np.ndarray]


def at_common_rate(separate: Callable[..., Estimates]) -> Callable[..., Estimates]:
    """Decorate a separator whose estimates add up to the mixture: above 44.1 kHz it works at 44.1 kHz.

    Parameters
    ----------
    separate : function
        Called as `separate(mixture, sample_rate_hz, score, **options)`, options without counts of samples.
    """

    @functools.wraps(separate)
    def resampled(mixture: np.ndarray, sample_rate_hz: int, score: Any = None, **options: Any) -> Estimates:
        mixture = checks.check_waveform("mixture", mixture)
        sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
        if sample_rate_hz <= COMMON_RATE_HZ:
            return separate(mixture, sample_rate_hz, score, **options)
        mixture = mixture.astype(np.float32, copy=False)
        slower = audio.resample(mixture, sample_rate_hz, COMMON_RATE_HZ)
        estimates = separate(slower, COMMON_RATE_HZ, score, **options)
        for name, estimate in estimates.items():
            estimates[name] = _of_length(audio.resample(estimate, COMMON_RATE_HZ, sample_rate_hz), mixture.shape[1])
        missing = mixture - np.sum(list(estimates.values()), axis=0)
        share = (missing / max(1, len(estimates))).astype(np.float32)
        return {name: estimate + share for name, estimate in estimates.items()}

    return resampled


def _of_length(waveform: np.ndarray, samples: int) -> np.ndarray:
    """The waveform cut, or followed by silence, to a number of samples."""
    waveform = waveform[:, :samples]
    return np.pad(waveform, ((0, 0), (0, samples - waveform.shape[1]))).astype(np.float32, copy=False)
