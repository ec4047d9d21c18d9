"""NMF with a score, each pitch of each player at one fixed frequency: plain updates, wide bells, a long window.

This is the method of `informed` without what it does to follow a pitch. Lesson 08 begins with it, since its updates are
the textbook's. The network of `refined-nmf` was trained on its models, so it is kept as it was then: what a network
sees must be what it has learnt from.

Contents: OPTIONS, fit, learn, separate. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import math
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..score.notes import Score
from . import following, informed, shapes

WINDOW_S = 8192 / 44_100
ITERATIONS = 12
FREE_ITERATIONS = 4
WIDTH_CENTS = 20.0
WIDTH_BINS = 1.4

# Of `informed.learn`.
OPTIONS: dict[str, Any] = {
    "width_cents": WIDTH_CENTS,
    "width_bins": WIDTH_BINS,
    "iterations": ITERATIONS,
    "free_iterations": FREE_ITERATIONS,
    "chunk_iterations": 6,
    "follow_pitch": False,
    "by_share": False,
    "lean": False,
}


def fit(
    magnitude: np.ndarray,
    allowed: np.ndarray,
    bells: np.ndarray,
    *,
    iterations: int = ITERATIONS,
    free_iterations: int = FREE_ITERATIONS,
    smoothing_frames: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Learn templates and activations under the constraints of a score, for the KL divergence.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
        V.
    allowed : bool, or 0 and 1 (keys, frames)
        Where each pitch may sound.
    bells : float (keys, harmonics, freq)
        Shapes of the harmonics of each pitch, as of `mss_lab.nmf.shapes.harmonic_shapes`.
    iterations : int >= 1
    free_iterations : int in [0, iterations]
        How many of them, the last, let every bin of a template move by itself.
    smoothing_frames : float >= 0
        Standard deviation of the bell by which activations are smoothed in every round but the last. Without it the
        divergence never rises.

    Returns
    -------
    templates : float32 (freq, keys)
        Each adds up to 1, and is zero wherever its shapes are.
    activations : float32 (keys, frames)
        Zero where not allowed.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other, or a number is out of its range.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Source: Ewert and Müller, ICASSP 2012 (constraints by a score);
    Lee and Seung, NIPS 2000 (updates); Raczyński et al., ISMIR 2007 (harmonic templates). Smoothing and the change
    from harmonics to bins are ours.
    """
    magnitude = checks.check_magnitude("magnitude", magnitude, "freq frames")
    allowed = checks.check_axes("allowed", allowed, "keys frames")
    bells = checks.check_magnitude("bells", bells, "keys harmonics freq")
    keys, harmonics, freq = bells.shape
    if allowed.shape != (keys, magnitude.shape[1]) or freq != len(magnitude):
        raise checks.ShapeError(
            f"magnitude (freq, frames), allowed (keys, frames) and bells (keys, harmonics, freq) must fit each other, "
            f"got {magnitude.shape}, {allowed.shape} and {bells.shape}; make all three with one transform and one score"
        )
    templates, activations = following.fit(
        magnitude,
        allowed,
        shapes.as_matrix(((0, key, one) for key, one in enumerate(bells)), 1, keys, harmonics, freq),
        iterations=iterations,
        free_iterations=free_iterations,
        smoothing_frames=smoothing_frames,
        by_share=False,
    )
    return templates[0].T, activations


def learn(
    mixture: np.ndarray, sample_rate_hz: int, score: Score | None = None, *, window_samples: int, **options: Any
) -> informed.Learnt:
    """What `mss_lab.nmf.informed.learn` learns with fixed pitches.

    Parameters
    ----------
    mixture, sample_rate_hz, score
        As for `mss_lab.nmf.informed.learn`.
    window_samples : int
        Of the STFT; the hop is an eighth of it.
    options
        tolerance_s and tuning_hz.

    Raises
    ------
    RefusedValue
        If the package's own transforms do not take so long a window: a multiple of 8 samples with small prime factors.

    Source: Ewert and Müller, ICASSP 2012.
    """
    learnt = informed.learn(
        mixture, sample_rate_hz, score, window_s=window_samples / sample_rate_hz, **OPTIONS, **options
    )
    if learnt.settings["window_samples"] != window_samples:
        raise RefusedValue(
            f"window_samples must be a length for which the Fourier transform is fast, got {window_samples}; "
            f"{learnt.settings['window_samples']} is the nearest"
        )
    return learnt


def separate(
    mixture: np.ndarray, sample_rate_hz: int, score: Score | None = None, **options: Any
) -> dict[str, np.ndarray]:
    """Separate a mixture by NMF with fixed pitches, as `mss_lab.nmf.informed.separate` does with moving ones.

    Parameters
    ----------
    mixture, sample_rate_hz, score
        As for `mss_lab.nmf.informed.separate`.
    options
        tolerance_s and tuning_hz. The window is the power of two nearest to 186 ms.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Source: Ewert and Müller, ICASSP 2012.
    """
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    window_s = 2 ** round(math.log2(WINDOW_S * sample_rate_hz)) / sample_rate_hz
    return informed.separate(mixture, sample_rate_hz, score, window_s=window_s, floor=0.0, **OPTIONS, **options)
