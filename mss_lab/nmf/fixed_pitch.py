"""NMF with a score, each pitch of each player at one fixed frequency: plain updates, wide bells, a long window.

This is the method of `informed` without its steps for following a pitch. Lesson 08 begins with it, since its updates
are those of the textbooks. The network of `refined-nmf` was trained on its models, so it must not change: a network
needs the kind of input that it was trained on.

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

# Options of `informed.learn`.
OPTIONS: dict[str, Any] = {
    "width_cents": WIDTH_CENTS,
    "width_bins": WIDTH_BINS,
    "iterations": ITERATIONS,
    "free_iterations": FREE_ITERATIONS,
    "chunk_iterations": 6,
    "follow_pitch": False,
    "by_share": False,
    "pool_pitches": False,
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
        The number of last iterations in which every bin of a template is free.
    smoothing_frames : float >= 0
        Standard deviation of the Gaussian by which activations are smoothed in every iteration but the last. With 0 the
        divergence never rises.

    Returns
    -------
    templates : float32 (freq, keys)
        Each adds up to 1, and is zero wherever its shapes are.
    activations : float32 (keys, frames)
        Zero where they are not allowed.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other, or a number is out of its range.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Ewert and Müller, ICASSP 2012 (constraints by a score);
    Lee and Seung, NIPS 2000 (updates); Raczyński et al., ISMIR 2007 (harmonic templates). Smoothing and the change
    from harmonics to bins are our own.

    Examples
    --------
    >>> bells = np.stack([shapes.harmonic_shapes(midi, 512, 8000, harmonics=3) for midi in (60, 69)])
    >>> magnitude = bells.sum(axis=1).T  # one frame of each pitch
    >>> templates, activations = fit(magnitude, np.eye(2), bells)
    >>> bool(np.allclose(templates @ activations, magnitude, atol=0.01))
    True
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
        shapes.as_matrix(
            ((0, key, shapes_of_key) for key, shapes_of_key in enumerate(bells)), 1, keys, harmonics, freq
        ),
        iterations=iterations,
        free_iterations=free_iterations,
        smoothing_frames=smoothing_frames,
        by_share=False,
    )
    return templates[0].T, activations


def learn(
    mixture: np.ndarray, sample_rate_hz: int, score: Score | None = None, *, window_samples: int, **options: Any
) -> informed.Learnt:
    """`mss_lab.nmf.informed.learn` with fixed pitches.

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
        If the window has no length for which the transform is fast: a multiple of 8 samples with small prime factors.

    Reference: Ewert and Müller, ICASSP 2012.
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
    """Separate a mixture by NMF with fixed pitches; `mss_lab.nmf.informed.separate` follows them instead.

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

    Reference: Ewert and Müller, ICASSP 2012.
    """
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    window_s = 2 ** round(math.log2(WINDOW_S * sample_rate_hz)) / sample_rate_hz
    result: dict[str, np.ndarray] = informed.separate(
        mixture, sample_rate_hz, score, window_s=window_s, floor=0.0, **OPTIONS, **options
    )
    return result
