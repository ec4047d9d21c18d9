"""Judging a result that a reader reached: estimates of sources, by their mean SDR.

Contents: reached.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..metrics import energy
from .calling import Blank, describe, is_blank

# Estimates that would be right at another level are refused with words of their own if they gain this much by it.
LEVEL_DB = 1.0


def reached(answer: Any, sources: Mapping[str, np.ndarray], least_db: float) -> str | None:
    """None if estimates reach a mean SDR, else how far they are and, where it can be seen, what is wrong with them.

    Parameters
    ----------
    answer : anything
        The estimates: an array (sources, channels, samples), or a list or a dict of arrays (channels, samples); for
        mono sources also (samples,). Their order and their names do not count: they are matched to the sources so that
        the mean SDR is the highest.
    sources : dict of str -> float (channels, samples)
        At most five.
    least_db : float
        The mean SDR that is needed.

    Examples
    --------
    >>> sources = {"one": np.array([[1.0, 0.0, 0.0]]), "other": np.array([[0.0, 1.0, 1.0]])}
    >>> reached([sources["other"], 0.9 * sources["one"]], sources, 10) is None
    True
    >>> reached([sources["one"] + sources["other"]] * 2, sources, 10)
    'These estimates are all the same sound. Their mean SDR is 0.0 dB; 10 dB are needed.'
    """
    if is_blank(answer):
        raise Blank
    expected = np.stack([np.asarray(source, float) for source in sources.values()])
    words, estimates = _stacked(answer, expected.shape)
    if estimates is None:
        return words
    order, mean_db = _best_order(expected, estimates)
    if mean_db >= least_db:
        return None
    reach = f"mean SDR is {mean_db:.1f} dB; {least_db:g} dB are needed."
    if not estimates.any():
        return f"These estimates are silent. Their {reach}"
    if np.allclose(estimates, estimates[:1], atol=1e-6 * float(np.abs(estimates).max())):
        return f"These estimates are all the same sound. Their {reach}"
    scaled = np.stack([_at_best_level(source, estimates[j]) for source, j in zip(expected, order, strict=True)])
    if _mean_db(expected, scaled) >= least_db and _mean_db(expected, scaled) - mean_db > LEVEL_DB:
        return f"These estimates sound right, but not all of them are at the level of their sources. Their {reach}"
    return f"The {reach}"


def _stacked(answer: Any, shape: tuple[int, ...]) -> tuple[str, np.ndarray | None]:
    """The estimates as an array of this shape, or what is wrong with them."""
    count, channels, samples = shape
    expected = f"must be {count} estimates of shape ({channels}, {samples})"
    items = list(answer.values()) if isinstance(answer, Mapping) else answer
    if not isinstance(items, np.ndarray | list | tuple):
        return f"The answer {expected}, got {describe(answer)}.", None
    if len(items) != count:
        return f"The answer {expected}, got {len(items)}: one for each source, and no rest.", None
    arrays = [np.asarray(item) for item in items]
    for array in arrays:
        flat_mono = channels == 1 and array.shape == (samples,)
        if array.dtype.kind not in "biuf" or not (array.shape == (channels, samples) or flat_mono):
            return f"The answer {expected}, got one that is {describe(array)}.", None
        if not np.all(np.isfinite(array)):
            return "An estimate holds NaN or infinite values; look for a division by zero.", None
    return "", np.stack([array.reshape(channels, samples).astype(float) for array in arrays])


def _best_order(expected: np.ndarray, estimates: np.ndarray) -> tuple[tuple[int, ...], float]:
    orders = itertools.permutations(range(len(expected)))
    return max(((order, _mean_db(expected, estimates[list(order)])) for order in orders), key=lambda pair: pair[1])


def _mean_db(expected: np.ndarray, estimates: np.ndarray) -> float:
    pairs = zip(expected, estimates, strict=True)
    # A perfect estimate counts as 200 dB, so that one of them does not hide the others.
    return float(np.mean([min(200.0, energy.sdr(source, estimate)) for source, estimate in pairs]))


def _at_best_level(source: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    power = float(np.sum(estimate**2))
    return estimate * (float(np.sum(source * estimate)) / power) if power else estimate
