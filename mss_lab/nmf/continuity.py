"""NMF that models time: activations that change smoothly (temporal continuity) and are few (sparsity).

The Kullback-Leibler divergence of `beta` gets two more terms. Both divide each component's activations by their own
root mean square, so that they cannot be made small by moving the scale from the activations to the templates.
Channels share the templates; no term connects one channel to the next.

Symbols: V[f, n] magnitude, W[f, k] templates, H[k, n] activations, r_k root mean square of H[k, n] over n,
a weight of the continuity, s weight of the sparsity.

Contents: roughness, sparseness, Continuous, factorise. Lesson: notebooks/06_nmf_that_knows_time.ipynb
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..updates import activation_terms, as_floating, improve, normalise, split_channels, template_terms
from . import beta as nmf


@dataclasses.dataclass(frozen=True)
class Continuous:
    """The result of `factorise`.

    Attributes
    ----------
    templates : float (freq, components)
        Columns add up to 1.
    activations : float (components, frames) or (channels, components, frames)
    costs : float64 (iterations + 1,)
        D / mean of V + a roughness + s sparseness, before the first iteration and after each.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb
    """

    templates: np.ndarray
    activations: np.ndarray
    costs: np.ndarray


def roughness(activations: np.ndarray) -> float:
    """How much activations jump: the sum over n of (H[k, n] - H[k, n-1])^2 / r_k^2, over all components.

    Parameters
    ----------
    activations : real >= 0 (components, frames) or (channels, components, frames)

    Returns
    -------
    float >= 0
        Independent of the level; 0 for constant and for silent activations.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Virtanen, IEEE TASLP 2007.

    Examples
    --------
    >>> roughness(np.ones((1, 10)))
    0.0
    """
    H = _rows(activations).astype(np.float64)
    jumps = np.sum(np.diff(H, axis=-1) ** 2, axis=-1)
    return float(np.sum(jumps / _or_one(np.mean(H**2, axis=-1))))


def sparseness(activations: np.ndarray) -> float:
    """How far activations are spread: the sum over n of H[k, n] / r_k, over all components.

    Small for a component that sounds rarely. Parameters and lesson as for `roughness`.
    """
    H = _rows(activations).astype(np.float64)
    return float(np.sum(H.sum(axis=-1) / _or_one(np.sqrt(np.mean(H**2, axis=-1)))))


def factorise(
    magnitude: np.ndarray,
    rank: int | None = None,
    *,
    continuity: float = 100.0,
    sparsity: float = 0.0,
    templates: np.ndarray | None = None,
    activations: np.ndarray | None = None,
    fixed_templates: bool = False,
    iterations: int = 100,
    rng: np.random.Generator | None = None,
    callback: Callable[[int, np.ndarray, np.ndarray], Any] | None = None,
) -> Continuous:
    """KL-NMF with smooth and sparse activations, according to the weights.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames) or (channels, freq, frames)
    rank, templates, activations, iterations, rng, callback
        As for `beta.factorise`.
    continuity, sparsity : float >= 0
        a and s. If both are 0 this is `beta.factorise` with beta 1. They are relative to the divergence of a
        spectrogram whose mean is 1, so the level of the recording does not matter; a longer window needs larger ones.
    fixed_templates : bool
        Whether the templates are kept.

    Returns
    -------
    Continuous

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `beta.factorise`; also if a weight is below 0.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Virtanen, IEEE TASLP 2007. Difference: the divergence is
    that of a spectrogram with mean 1, and the first and the last frame have one neighbour in the gradient, as they have
    in the cost. As in the paper, it is not proven that no step raises the cost.

    Examples
    --------
    >>> V = np.outer([1.0, 2.0], [1.0, 3, 1, 3, 1, 3])
    >>> free, smooth = (
    ...     factorise(V, 1, continuity=weight, iterations=30, rng=np.random.default_rng(0)) for weight in (0, 100)
    ... )
    >>> roughness(smooth.activations) < 0.1 * roughness(free.activations)
    True
    """
    V, scale, channels = nmf.prepared(magnitude, 1.0)
    continuity = checks.check_number("continuity", continuity, at_least=0)
    sparsity = checks.check_number("sparsity", sparsity, at_least=0)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    W, H = nmf.start(V, rank, templates, activations, scale, channels, rng)
    if fixed_templates and templates is None:
        raise RefusedValue("fixed_templates needs templates to keep, got none; give templates=")
    # Instead of dividing V by its mean, the other terms are multiplied by the mean.
    mean = float(V.mean(dtype=np.float64)) or 1.0

    def cost() -> float:
        rows = split_channels(H, channels)
        penalties = continuity * roughness(rows) + sparsity * sparseness(rows)
        return nmf.distance(V, W, H, 1.0) / mean + penalties if V.any() else 0.0

    def scaled_back() -> tuple[np.ndarray, np.ndarray]:
        scaled = H / np.asarray(scale, H.dtype)
        W_out, H_out = (W.copy(), scaled) if fixed_templates else normalise(W, scaled)
        return W_out, split_channels(H_out, channels)

    costs = [cost()]
    for iteration in range(1, iterations + 1):
        first, second = activation_terms(V, W, H)
        down, up = _gradients(H.reshape(len(H), channels or 1, -1), mean * continuity, mean * sparsity)
        H = improve(H, first + down.reshape(H.shape), second + up.reshape(H.shape))
        if not fixed_templates:
            W = improve(W, *template_terms(V, W, H))
        costs.append(cost())
        if callback is not None:
            callback(iteration, *scaled_back())
    return Continuous(*scaled_back(), np.array(costs))


def _gradients(H: np.ndarray, continuity: float, sparsity: float) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of the two terms, written as more - less with two non-negative arrays: (less, more)."""
    frames = H.shape[-1]
    # After division by the root mean square no square can overflow or vanish; the gradient is divided by it at the end.
    size = np.max(H, axis=-1, keepdims=True)
    size = size * np.sqrt(np.mean((H / _or_one(size)) ** 2, axis=-1, keepdims=True))
    sounding = size > 0
    size = _or_one(size)
    G = H / size
    jumps = np.diff(G, axis=-1)
    neighbours = np.full(frames, 2.0, H.dtype)
    neighbours[:1] -= 1
    neighbours[-1:] -= 1
    sum_of_neighbours = np.zeros_like(G)
    sum_of_neighbours[..., 1:] += G[..., :-1]
    sum_of_neighbours[..., :-1] += G[..., 1:]
    more = continuity * 2 * neighbours * G + sparsity
    less = continuity * 2 * (sum_of_neighbours + G * np.sum(jumps**2, axis=-1, keepdims=True) / frames)
    less = less + sparsity * G * np.mean(G, axis=-1, keepdims=True)
    return tuple((sounding * part / size).astype(H.dtype) for part in (less, more))


def _rows(activations: np.ndarray) -> np.ndarray:
    axes = "components frames" if np.ndim(activations) == 2 else "channels components frames"
    return as_floating(checks.check_magnitude("activations", activations, axes))


def _or_one(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, values.dtype.type(1))
