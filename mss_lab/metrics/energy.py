"""Energy ratios: how much of an estimate is the source, in decibels, with and without the level being counted.

Energies are summed over all channels and samples of the file. A perfect estimate has +inf, one that contains nothing of
the source has -inf, and for a silent source the ratio is undefined: nan. Sums are computed in float64.

Symbols: s true source, e estimate.

Contents: sdr, si_sdr, si_sdr_improvement. Lesson: notebooks/04_is_it_better.ipynb
"""

import numpy as np

from .. import checks


def sdr(source: np.ndarray, estimate: np.ndarray) -> float:
    """Source-to-distortion ratio, 10 log10(|s|^2 / |s - e|^2).

    Parameters
    ----------
    source, estimate : float (channels, samples)
        Both of one shape.

    Returns
    -------
    float, dB
        +inf for a perfect estimate, 0 for a silent estimate, nan for a silent source.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If one is not a waveform or the shapes differ.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: Vincent et al., IEEE TASLP 2006; this is the definition of the
    Music Demixing Challenge 2021, and that of BSS Eval v4 with one window over the whole file.

    Examples
    --------
    >>> source = np.ones((1, 4))
    >>> round(sdr(source, 0.9 * source), 6)
    20.0
    """
    source, estimate = _checked_pair(source, estimate)
    if not source.any():
        return float("nan")
    return _energy_ratio_db(source, source - estimate)


def si_sdr(source: np.ndarray, estimate: np.ndarray) -> float:
    """Scale-invariant SDR: the estimate is compared with the nearest multiple of the source.

    With a = <e, s> / |s|^2, it is 10 log10(|a s|^2 / |a s - e|^2).

    Parameters and exceptions as for `sdr`. No mean is subtracted: a constant offset counts as distortion.

    Returns
    -------
    float, dB
        +inf if the estimate is a multiple of the source and -inf if they are orthogonal (or, because of rounding, more
        than 300 dB either way, 140 dB for float32); nan if either is silent.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: Le Roux et al., "SDR: half-baked or well done?", ICASSP 2019.

    Examples
    --------
    >>> source, noise = np.array([[1.0, 1, 0, 0]]), np.array([[0.0, 0, 0.1, 0.1]])
    >>> round(si_sdr(source, 0.5 * (source + noise)), 6)
    20.0
    """
    source, estimate = _checked_pair(source, estimate)
    energy = np.vdot(source, source)
    if energy == 0 or not estimate.any():
        return float("nan")
    target = np.vdot(source, estimate) / energy * source
    return _energy_ratio_db(target, target - estimate)


def si_sdr_improvement(source: np.ndarray, estimate: np.ndarray, mixture: np.ndarray) -> float:
    """The improvement of SI-SDR over the unchanged mixture, in dB; nan if both are perfect.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: Le Roux et al., ICASSP 2019.

    Examples
    --------
    >>> source, noise = np.array([[1.0, 1, 0, 0]]), np.array([[0.0, 0, 1, 1]])
    >>> round(si_sdr_improvement(source, source + 0.1 * noise, source + noise), 6)
    20.0
    """
    return si_sdr(source, estimate) - si_sdr(source, mixture)


def _checked_pair(source: np.ndarray, estimate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    source = checks.check_waveform("source", source).astype(np.float64)
    estimate = checks.check_waveform("estimate", estimate).astype(np.float64)
    checks.check_same_shape("estimate", estimate, "source", source)
    # One scale for both keeps every energy far from overflow and underflow.
    scale = max(np.abs(source).max(), np.abs(estimate).max())
    return (source / scale, estimate / scale) if scale > 0 else (source, estimate)


def _energy_ratio_db(target: np.ndarray, error: np.ndarray) -> float:
    numerator, denominator = float(np.vdot(target, target)), float(np.vdot(error, error))
    if numerator == 0 and denominator == 0:
        return float("nan")
    if denominator == 0:
        return float("inf")
    if numerator == 0:
        return float("-inf")
    return 10 * float(np.log10(numerator / denominator))
