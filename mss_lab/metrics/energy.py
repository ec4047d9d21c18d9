"""Energy ratios: how much of an estimate is the source, in decibels, with and without forgiving the wrong level.

Energies are summed over all channels and samples of the file. A perfect estimate scores +inf, one that has nothing
of the source scores -inf, and a source that is silent has no score: nan. Sums are taken in float64.

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
        +inf for a perfect estimate, 0 for silence given instead, nan for a silent source.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If one is no waveform or the shapes differ.

    Lesson: notebooks/04_is_it_better.ipynb. Source: Vincent et al., IEEE TASLP 2006; this is the definition of the
    Music Demixing Challenge 2021, and that of BSS Eval v4 with one window over the whole file.
    """
    source, estimate = _checked_pair(source, estimate)
    if not source.any():
        return float("nan")
    return _energy_ratio_db(source, source - estimate)


def si_sdr(source: np.ndarray, estimate: np.ndarray) -> float:
    """Scale-invariant SDR: the estimate is compared with the nearest multiple of the source.

    With a = <e, s> / |s|^2, it is 10 log10(|a s|^2 / |a s - e|^2).

    Parameters and refusals as for `sdr`. No mean is subtracted: a constant offset counts as distortion.

    Returns
    -------
    float, dB
        +inf where the estimate is a multiple of the source and -inf where they are orthogonal (where rounding leaves
        a trace: beyond 300 dB either way, or 140 dB for float32), nan where either is silent.

    Lesson: notebooks/04_is_it_better.ipynb. Source: Le Roux et al., "SDR: half-baked or well done?", ICASSP 2019.
    """
    source, estimate = _checked_pair(source, estimate)
    energy = np.vdot(source, source)
    if energy == 0 or not estimate.any():
        return float("nan")
    target = np.vdot(source, estimate) / energy * source
    return _energy_ratio_db(target, target - estimate)


def si_sdr_improvement(source: np.ndarray, estimate: np.ndarray, mixture: np.ndarray) -> float:
    """How many dB of SI-SDR the estimate gains over the mixture left as it was; nan where both are perfect.

    Lesson: notebooks/04_is_it_better.ipynb. Source: Le Roux et al., ICASSP 2019.
    """
    return si_sdr(source, estimate) - si_sdr(source, mixture)


def _checked_pair(source: np.ndarray, estimate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    source = checks.check_waveform("source", source).astype(np.float64)
    estimate = checks.check_waveform("estimate", estimate).astype(np.float64)
    checks.check_same_shape("estimate", estimate, "source", source)
    # One scale for both keeps every energy far from overflow and underflow.
    scale = max(np.abs(source).max(), np.abs(estimate).max())
    return (source / scale, estimate / scale) if scale > 0 else (source, estimate)


def _energy_ratio_db(wanted: np.ndarray, unwanted: np.ndarray) -> float:
    numerator, denominator = float(np.vdot(wanted, wanted)), float(np.vdot(unwanted, unwanted))
    if numerator == 0 and denominator == 0:
        return float("nan")
    if denominator == 0:
        return float("inf")
    if numerator == 0:
        return float("-inf")
    return 10 * float(np.log10(numerator / denominator))
