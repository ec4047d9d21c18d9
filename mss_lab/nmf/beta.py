"""NMF: a magnitude spectrogram as a few spectra, each played louder and softer over time, V ≈ W H.

The updates are multiplicative: a factor that is zero stays zero, so zeros in the initial factors are a mask that the
result keeps. The updates use the majorisation-minimisation exponent, with which the divergence cannot rise.

A spectrogram may be (freq, frames) or (channels, freq, frames). Channels share the templates and have activations of
their own, which is the same as concatenating the channels in time. For templates of their own, factorise each channel
by itself. float32 stays float32; everything else is computed in float64.

Symbols: V[f, n] magnitude, W[f, k] templates, H[k, n] activations, Y = W H model, D(V|Y) divergence, b its beta.

Contents: divergence, factorise, Factorisation; distance, prepared, start (for the other factorisations of this folder).
Lesson: notebooks/05_nmf_from_scratch.ipynb
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..updates import (
    activation_terms,
    as_floating,
    exponent,
    improve,
    join_channels,
    least_model,
    model,
    normalise,
    row_blocks,
    split_channels,
    template_terms,
)
from .entries import BETAS

ENGINES = ("own", "scikit-learn")

# For beta <= 0 the divergence of an empty bin is infinite; such bins are raised to this fraction of the largest.
LEAST_MAGNITUDE = 1e-10

# How often the divergence is measured if there is a tolerance: for beta 1 it costs as much as an iteration.
MEASURE_EVERY = 10


@dataclasses.dataclass(frozen=True)
class Factorisation:
    """The result of `factorise`.

    Attributes
    ----------
    templates : float (freq, components)
        Columns add up to 1, except those of fixed templates, which are returned unchanged.
    activations : float (components, frames) or (channels, components, frames)
    divergences : float64 (measurements,)
        D(V|Y) at the start, at regular intervals of iterations, and at the end.
    measured_at : int (measurements,)
        The number of iterations after which each of them was measured.

    Lesson: notebooks/05_nmf_from_scratch.ipynb
    """

    templates: np.ndarray
    activations: np.ndarray
    divergences: np.ndarray
    measured_at: np.ndarray

    @property
    def iterations(self) -> int:
        """The number of iterations that were run."""
        return int(self.measured_at[-1])

    @property
    def model(self) -> np.ndarray:
        """The model Y = W H, shaped like the spectrogram."""
        return model(self.templates, self.activations)


def divergence(magnitude: np.ndarray, modelled: np.ndarray, beta: float = 1.0) -> float:
    """The beta-divergence D(V|Y), added up over all bins.

    Each bin adds V^b / (b (b - 1)) + Y^b / b - V Y^(b - 1) / (b - 1). In the limits, beta 1 is the Kullback-Leibler
    divergence V log(V / Y) - V + Y, and beta 0 the Itakura-Saito divergence V / Y - log(V / Y) - 1; beta 2 is half
    the squared distance.

    Parameters
    ----------
    magnitude, modelled : real >= 0, of one shape
    beta : float
        Usual: 1 for magnitudes, 0 for powers, 2 if only the loudest bins matter.

    Returns
    -------
    float >= 0
        0 where both agree, also where both are silent (0 log 0 is 0). Infinite where the formula is, for example for a
        model that is silent where the music is not (beta <= 1). If both are multiplied by c, it is multiplied by c^b.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If they are not two such arrays.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Reference: Févotte and Idier, Neural Computation 2011.

    Examples
    --------
    >>> divergence(np.array([2.0]), np.array([1.0]), beta=2)
    0.5
    >>> divergence(np.array([2.0]), np.array([2.0]))
    0.0
    """
    axes = " ".join(f"axis_{axis}" for axis in range(np.ndim(magnitude)))
    magnitude = as_floating(checks.check_magnitude("magnitude", magnitude, axes))
    checks.check_same_shape("modelled", modelled, "magnitude", magnitude)
    modelled = as_floating(checks.check_magnitude("modelled", modelled, axes))
    beta = BETAS.check("beta", beta)
    return max(0.0, _divergence(np.atleast_1d(magnitude), np.atleast_1d(modelled), beta))


def _divergence(V: np.ndarray, Y: np.ndarray, beta: float) -> float:
    # 0 / 0 and 0 log 0 occur only where both are equal, or where the music is silent; both are corrected below.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if beta == 2:
            difference = np.subtract(V, Y).ravel()
            return float(np.dot(difference, difference)) / 2
        if beta == 1:
            bins = V / Y
            np.log(bins, out=bins)
            bins *= V
            # 0 log 0.
            np.copyto(bins, 0, where=V == 0)
            bins -= V
            bins += Y
        elif beta == 0:
            quotient = V / Y
            bins = quotient - np.log(quotient) - 1
        else:
            # With the powers of zero as NumPy defines them (infinite for a negative exponent), and 0 times infinity as
            # 0.
            bins = V**beta / (beta * (beta - 1)) + Y**beta / beta
            cross = V * Y ** (beta - 1) / (beta - 1)
            cross[V == 0] = 0
            bins -= cross
    np.copyto(bins, 0, where=V == Y)
    total = float(np.sum(bins, dtype=np.float64))
    # Infinity minus infinity: one of the two is silent where the other is not, and the larger infinity is positive.
    return total if total == total else float("inf")


def factorise(
    magnitude: np.ndarray,
    rank: int | None = None,
    *,
    templates: np.ndarray | None = None,
    activations: np.ndarray | None = None,
    beta: float = 1.0,
    iterations: int = 100,
    tolerance: float = 0.0,
    measure_every: int | None = None,
    fixed_templates: bool | np.ndarray = False,
    rng: np.random.Generator | None = None,
    engine: str = "own",
    callback: Callable[[int, np.ndarray, np.ndarray], Any] | None = None,
) -> Factorisation:
    """Templates and activations whose product is close to a spectrogram in the beta-divergence.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames) or (channels, freq, frames)
        V: magnitudes for beta 1 and 2, powers for beta 0. For beta <= 0, values below 1e-10 of the largest are raised
        to that limit (in float32, and for betas far below 0, the limit is the smallest value that can be computed
        with). Silence has a factorisation too: activations of 0.
    rank : int >= 1, optional
        Number of components K; may be left out if templates or activations are given.
    templates : real >= 0 (freq, components), optional
        Initial templates. Zeros stay zeros. Default: random.
    activations : real >= 0 (components, frames) or (channels, components, frames), optional
        Initial activations. Zeros stay zeros. Default: random.
    beta : float
        Parameter of `divergence`.
    iterations : int >= 0
        Each iteration updates the activations, then the templates.
    tolerance : float >= 0
        Stop once the divergence has decreased by less than this fraction of its first value between two measurements;
        1e-4 is usual, 0 (the default) runs all iterations.
    measure_every : int >= 1, optional
        Iterations between two measurements of the divergence. Default: 10 if there is a tolerance; otherwise only the
        start and the end are measured, which always are.
    fixed_templates : bool, or bool (components,)
        Templates that are not updated: all, none, or those that are marked with True.
    rng : numpy.random.Generator, optional
        Draws the missing factors from 0.1 to 1.1, scaled to the mean of the magnitude. Not needed if both are given.
    engine : {"own", "scikit-learn"}
        The second is scikit-learn's multiplicative solver, for comparison. It cannot fix only some of the templates,
        has no callback and measures only at start and end; with all templates fixed it ignores initial activations.
    callback : callable, optional
        Called as ``callback(iteration, templates, activations)`` after each iteration, from 1, with copies that are
        scaled like the result: for animated figures.

    Returns
    -------
    Factorisation

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays are not magnitudes or do not fit each other, are empty, or an option is out of its range.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Reference: Lee and Seung, NIPS 2000 (beta 1 and 2); Févotte and Idier,
    Neural Computation 2011 (all betas, exponent).

    Examples
    --------
    >>> V = np.outer([1.0, 2, 3], [1.0, 0, 2, 1])
    >>> result = factorise(V, rank=1, rng=np.random.default_rng(0))
    >>> result.templates.shape, result.activations.shape, bool(np.allclose(result.model, V))
    ((3, 1), (1, 4), True)
    """
    V, scale, channels = prepared(magnitude, beta)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    tolerance = checks.check_number("tolerance", tolerance, at_least=0)
    if measure_every is not None:
        measure_every = checks.check_number("measure_every", measure_every, at_least=1, whole=True)
    elif tolerance > 0:
        measure_every = MEASURE_EVERY
    checks.check_choice("engine", engine, ENGINES)
    W, H = start(V, rank, templates, activations, scale, channels, rng)
    free = _free_columns(fixed_templates, W.shape[1], templates is not None)

    def scaled_back(W: np.ndarray, H: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        W, H = W.copy(), H / np.asarray(scale, H.dtype)
        W[:, free], H[free] = normalise(W[:, free], H[free])
        return W, split_channels(H, channels)

    if not V.any():
        history = [(0, 0.0)]
    elif engine == "scikit-learn":
        W, H, history = _scikit_learn(V, W, H, beta, iterations, tolerance, free, callback)
    else:
        show = None if callback is None else lambda iteration, W, H: callback(iteration, *scaled_back(W, H))
        W, H, history = _iterate(V, W, H, beta, iterations, tolerance, measure_every, free, show)
    measured_at, divergences = zip(*history, strict=True)
    return Factorisation(*scaled_back(W, H), np.array(divergences) * np.float64(scale) ** -beta, np.array(measured_at))


def _iterate(
    V: np.ndarray,
    W: np.ndarray,
    H: np.ndarray,
    beta: float,
    iterations: int,
    tolerance: float,
    measure_every: int | None,
    free: np.ndarray,
    show: Callable[[int, np.ndarray, np.ndarray], Any] | None,
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, float]]]:
    power = exponent(beta)
    history = [(0, distance(V, W, H, beta))]
    for iteration in range(1, iterations + 1):
        H = improve(H, *activation_terms(V, W, H, beta), power)
        if free.all():
            W = improve(W, *template_terms(V, W, H, beta), power)
        elif free.any():
            # The terms need the whole model, but only these columns of them are used.
            first, second = template_terms(V, W, H, beta)
            W = W.copy()
            W[:, free] = improve(W[:, free], first[:, free], second[:, free], power)
        if show is not None:
            show(iteration, W, H)
        if iteration == iterations or (measure_every is not None and iteration % measure_every == 0):
            history.append((iteration, distance(V, W, H, beta)))
            if history[-2][1] - history[-1][1] < tolerance * history[0][1]:
                break
    return W, H, history


def distance(V: np.ndarray, W: np.ndarray, H: np.ndarray, beta: float) -> float:
    """`divergence` of a product that is never stored as a whole; with `least_model` added, as in the updates."""
    least = least_model(beta, V.dtype)
    total = 0.0
    for rows in row_blocks(V):
        Y = W[rows] @ H
        if beta == 2:
            # Nothing is divided here, and the array of the model is not used again: it may become the difference.
            Y -= V[rows]
            difference = Y.ravel()
            total += float(np.dot(difference, difference)) / 2
            continue
        Y += least
        total += _divergence(V[rows], Y, beta)
    return max(0.0, total)


def _scikit_learn(
    V: np.ndarray,
    W: np.ndarray,
    H: np.ndarray,
    beta: float,
    iterations: int,
    tolerance: float,
    free: np.ndarray,
    callback: Any,
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, float]]]:
    import warnings

    from sklearn.decomposition import non_negative_factorization
    from sklearn.exceptions import ConvergenceWarning

    if callback is not None or (free.any() and not free.all()):
        raise RefusedValue(
            "the scikit-learn engine has no callback and fixes all templates or none, got a callback or some templates "
            "fixed; use engine='own'"
        )
    history = [(0, distance(V, W, H, beta))]
    # It expects examples as rows and updates their factor first, so frames are its examples.
    arguments: dict[str, Any] = {"W": np.ascontiguousarray(H.T)} if free.any() else {}
    if iterations:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            gains, spectra, iterations_done = non_negative_factorization(
                np.ascontiguousarray(V.T),
                H=np.ascontiguousarray(W.T),
                n_components=W.shape[1],
                init="custom",
                update_H=bool(free.any()),
                solver="mu",
                beta_loss=beta,
                tol=tolerance,
                max_iter=iterations,
                **arguments,
            )
        W, H = np.ascontiguousarray(spectra.T), np.ascontiguousarray(gains.T)
        history.append((iterations_done, distance(V, W, H, beta)))
    return W, H, history


def prepared(magnitude: np.ndarray, beta: float) -> tuple[np.ndarray, float, int | None]:
    """The spectrogram as a (freq, frames) array with its largest value in (1/2, 1], the scale, and the channels."""
    beta = BETAS.check("beta", beta)
    V, channels = join_channels("magnitude", magnitude)
    if not V.size:
        raise RefusedValue(
            f"magnitude must hold at least one bin and one frame, got shape {np.shape(magnitude)}, which is empty; "
            "check the slice that it was cut from"
        )
    # Multiplying by a power of two rounds nothing, so the same music, twice as loud, has the same templates exactly.
    largest = float(V.max())
    limit = np.finfo(V.dtype).maxexp - 3
    scale = 2.0 ** -float(np.clip(np.ceil(np.log2(largest)), -limit, limit)) if largest > 0 else 1.0
    # A transform stores one frame after the other; the updates process blocks of frequencies.
    V = np.multiply(V, np.asarray(scale, V.dtype), order="C")
    if beta <= 0 and largest > 0:
        np.maximum(V, max(LEAST_MAGNITUDE, 100 * least_model(beta, V.dtype)) * V.max(), out=V)
    return V, float(scale), channels


def start(
    V: np.ndarray,
    rank: int | None,
    templates: np.ndarray | None,
    activations: np.ndarray | None,
    scale: float,
    channels: int | None,
    rng: np.random.Generator | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Initial templates and activations: those given, in the type and scale of V, or random ones."""
    W = H = None
    if templates is not None:
        W = checks.check_magnitude("templates", templates, "freq components").astype(V.dtype)
        rank = _same_rank("templates", W.shape[1], rank)
    if activations is not None:
        H, activation_channels = join_channels("activations", activations)
        if activation_channels != channels:
            raise checks.ShapeError(
                f"activations must have channels as magnitude has, got shape {np.shape(activations)}; "
                "both with a first axis of channels, or both without"
            )
        H = (H * np.asarray(scale, H.dtype)).astype(V.dtype)
        rank = _same_rank("activations", H.shape[0], rank)
    if rank is None:
        raise RefusedValue("rank must be set if neither templates nor activations are given, got None; try rank=20")
    rank = checks.check_number("rank", rank, at_least=1, whole=True)
    # The mean of the model is that of V. Drawn in float64 for every type, so that float32 starts where float64 does.
    size = np.sqrt(V.mean(dtype=np.float64) / rank) if W is None or H is None else 1.0
    if W is None and H is None:
        W, H = (_drawn(rng, shape) * size for shape in ((V.shape[0], rank), (rank, V.shape[1])))
    elif W is None:
        assert H is not None
        W = _drawn(rng, (V.shape[0], rank)) * size
        W *= _gain(V, W, H)
    elif H is None:
        assert W is not None
        H = _drawn(rng, (rank, V.shape[1])) * size
        H *= _gain(V, W, H)
    assert W is not None and H is not None
    W, H = W.astype(V.dtype), H.astype(V.dtype)
    for name, actual_size, expected_size in (
        ("templates", W.shape[0], V.shape[0]),
        ("activations", H.shape[1], V.shape[1]),
    ):
        if actual_size != expected_size:
            axis = "frequencies" if name == "templates" else "frames"
            raise checks.ShapeError(
                f"{name} must have as many {axis} as magnitude, {expected_size}, got {actual_size}; "
                "make both with one transform"
            )
    return W, H if V.any() else np.zeros_like(H)


def _drawn(rng: np.random.Generator | None, shape: tuple[int, int]) -> np.ndarray:
    return checks.check_generator("rng", rng).uniform(0.1, 1.1, shape)


def _gain(V: np.ndarray, W: np.ndarray, H: np.ndarray) -> float:
    """The factor by which the model is softer than the music: shapes are checked later, so only sums are used."""
    modelled = float(W.sum(axis=0, dtype=np.float64) @ H.sum(axis=1, dtype=np.float64))
    return float(V.sum(dtype=np.float64)) / modelled if modelled > 0 else 1.0


def _same_rank(name: str, components: int, rank: int | None) -> int:
    if rank is not None and components != rank:
        raise checks.ShapeError(
            f"{name} must have one component for each of the {rank} requested, got {components}; "
            "leave rank out, or give as many templates as activations"
        )
    return components


def _free_columns(fixed: bool | np.ndarray, components: int, given: bool) -> np.ndarray:
    fixed = np.asarray(fixed)
    if fixed.dtype != bool or fixed.shape not in ((), (components,)):
        raise checks.ShapeError(
            f"fixed_templates must be True, False, or one of them for each of the {components} components, got shape "
            f"{fixed.shape} of {fixed.dtype}; mark the templates to keep with True"
        )
    if fixed.any() and not given:
        raise RefusedValue("fixed_templates needs templates to keep, got none; give templates=")
    return ~np.broadcast_to(fixed, components)
