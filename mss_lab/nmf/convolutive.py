"""NMFD: templates that last several frames, for sounds that change in a characteristic way, as a drum does.

Y[f, n] = sum over lags t and components k of W[t, f, k] H[k, n - t]. If the templates of all lags are put side by side,
this is an ordinary factorisation with the activations shifted by each lag, in which the shifted activations are tied to
each other. So the updates are those of `beta`; for the activations, both sums are added up over the lags before the
division. Channels share the templates; nothing is shifted from one channel into the next.

Symbols: V[f, n] magnitude, W[t, f, k] templates, T lags, H[k, n] activations, Y model.

Contents: Convolutive, model, factorise. Lesson: notebooks/06_nmf_that_knows_time.ipynb
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..updates import activation_terms, exponent, improve, split_channels, template_terms
from . import beta as nmf


@dataclasses.dataclass(frozen=True)
class Convolutive:
    """The result of `factorise`.

    Attributes
    ----------
    templates : float (lags, freq, components)
        Each adds up to 1 over lags and frequencies, unless the templates were fixed.
    activations : float (components, frames) or (channels, components, frames)
    divergences : float64 (iterations + 1,)
        D(V|Y) before the first iteration and after each.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb
    """

    templates: np.ndarray
    activations: np.ndarray
    divergences: np.ndarray

    @property
    def model(self) -> np.ndarray:
        """The model Y, shaped like the spectrogram."""
        return model(self.templates, self.activations)


def model(templates: np.ndarray, activations: np.ndarray) -> np.ndarray:
    """The spectrogram that templates of several frames and their activations describe.

    Parameters
    ----------
    templates : real >= 0 (lags, freq, components)
    activations : real >= 0 (components, frames) or (channels, components, frames)
        The frames in which each template begins. Whatever would last beyond the end is cut off.

    Returns
    -------
    real (freq, frames) or (channels, freq, frames)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If they are not magnitudes or do not fit each other.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb

    Examples
    --------
    >>> falling = np.array([[[0.0], [1.0]], [[1.0], [0.0]]])  # the upper bin, then the lower one
    >>> model(falling, np.array([[1.0, 0, 0, 2, 0]]))
    array([[0., 1., 0., 0., 2.],
           [1., 0., 0., 2., 0.]])
    """
    templates = checks.check_magnitude("templates", templates, "lags freq components")
    axes = "components frames" if np.ndim(activations) == 2 else "channels components frames"
    activations = checks.check_magnitude("activations", activations, axes)
    if activations.shape[-2] != templates.shape[2]:
        raise checks.ShapeError(
            f"activations must have one row for each of the {templates.shape[2]} templates, got "
            f"{activations.shape[-2]}; take both from one factorisation"
        )
    result: np.ndarray = sum(W @ _shifted(activations, lag) for lag, W in enumerate(templates))
    return result


def factorise(
    magnitude: np.ndarray,
    rank: int | None = None,
    lags: int | None = None,
    *,
    templates: np.ndarray | None = None,
    activations: np.ndarray | None = None,
    beta: float = 1.0,
    iterations: int = 100,
    fixed_templates: bool = False,
    rng: np.random.Generator | None = None,
    callback: Callable[[int, np.ndarray, np.ndarray], Any] | None = None,
) -> Convolutive:
    """Templates of several frames and when they begin, close to a spectrogram in the beta-divergence.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames) or (channels, freq, frames)
    rank, lags : int >= 1
        Number of components, and of frames that each of them lasts; may be left out if templates are given.
    templates : real >= 0 (lags, freq, components), optional
    activations : real >= 0 (components, frames) or (channels, components, frames), optional
        Initial values; zeros stay zeros. Missing ones are random.
    fixed_templates : bool
        Whether the templates are kept.
    beta, iterations, rng, callback
        As for `beta.factorise`.

    Returns
    -------
    Convolutive

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `beta.factorise`.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Smaragdis, ICA 2004. Difference: in the paper the
    activations are the mean of one update for each lag; adding up before dividing follows the divergence's gradient.

    Examples
    --------
    >>> V = model(np.array([[[0.0], [1.0]], [[1.0], [0.0]]]), np.array([[1.0, 0, 0, 2, 0]]))
    >>> result = factorise(V, rank=1, lags=2, rng=np.random.default_rng(0))
    >>> result.templates.shape, bool(np.allclose(result.model, V, atol=0.01))
    ((2, 2, 1), True)
    """
    V, scale, channels = nmf.prepared(magnitude, beta)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    W, H, lags = _start(V, rank, lags, templates, activations, scale, channels, rng)
    if fixed_templates and templates is None:
        raise RefusedValue("fixed_templates needs templates to keep, got none; give templates=")
    power, parts = exponent(beta), channels or 1

    def scaled_back() -> tuple[np.ndarray, np.ndarray]:
        stacked = np.ascontiguousarray(np.moveaxis(W.reshape(len(W), lags, -1), 1, 0))
        scaled = H / np.asarray(scale, H.dtype)
        if not fixed_templates:
            totals = stacked.sum(axis=(0, 1))
            stacked, scaled = stacked / np.where(totals > 0, totals, 1), scaled * totals[:, np.newaxis]
        return stacked, split_channels(scaled, channels)

    shifted = _shifted_by_lags(H, lags, parts)
    divergences = [nmf.distance(V, W, shifted, beta) if V.any() else 0.0]
    for iteration in range(1, iterations + 1 if V.any() else 1):
        first, second = (
            _pooled(np.broadcast_to(terms, shifted.shape), lags, parts)
            for terms in activation_terms(V, W, shifted, beta)
        )
        H = improve(H, first, second, power)
        shifted = _shifted_by_lags(H, lags, parts)
        if not fixed_templates:
            W = improve(W, *template_terms(V, W, shifted, beta), power)
        divergences.append(nmf.distance(V, W, shifted, beta))
        if callback is not None:
            callback(iteration, *scaled_back())
    values = np.array(divergences) * np.float64(scale) ** -beta
    return Convolutive(*scaled_back(), values)


def _start(
    V: np.ndarray,
    rank: int | None,
    lags: int | None,
    templates: np.ndarray | None,
    activations: np.ndarray | None,
    scale: float,
    channels: int | None,
    rng: np.random.Generator | None,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Templates of all lags side by side (freq, lags * components), activations, and the number of lags."""
    if templates is not None:
        templates = checks.check_magnitude("templates", templates, "lags freq components")
        if lags is not None and lags != len(templates):
            raise checks.ShapeError(f"templates must have {lags} lags, got {len(templates)}; leave lags out")
        lags = len(templates)
    if lags is None:
        raise RefusedValue("lags must be set if no templates are given, got None; try lags=8")
    lags = checks.check_number("lags", lags, at_least=1, whole=True)
    if templates is not None:
        # The sum over lags is checked like any templates; the activations are scaled so that it fits the music.
        W, H = nmf.start(V, rank, templates.sum(axis=0), activations, scale, channels, rng)
        return np.hstack(list(templates.astype(V.dtype))), H, lags
    W, H = nmf.start(V, rank, None, activations, scale, channels, rng)
    drawn = checks.check_generator("rng", rng).uniform(0.1, 1.1, (len(W), lags * W.shape[1]))
    return (drawn * (W.mean(dtype=np.float64) / (0.6 * lags))).astype(V.dtype), H, lags


def _shifted(activations: np.ndarray, lag: int) -> np.ndarray:
    """Activations shifted to later frames, with zeros at the start; the end is cut off."""
    shifted = np.zeros_like(activations)
    frames = activations.shape[-1]
    if lag < frames:
        shifted[..., lag:] = activations[..., : frames - lag]
    return shifted


def _shifted_by_lags(H: np.ndarray, lags: int, channels: int) -> np.ndarray:
    """Activations shifted by every lag, stacked: (lags * components, channels * frames)."""
    by_channel = H.reshape(len(H), channels, -1)
    return np.concatenate([_shifted(by_channel, lag).reshape(H.shape) for lag in range(lags)])


def _pooled(sums: np.ndarray, lags: int, channels: int) -> np.ndarray:
    """The transpose of `_shifted_by_lags`: the sums of all lags, shifted back and added up."""
    by_channel = sums.reshape(lags, -1, channels, sums.shape[1] // channels)
    pooled = np.zeros_like(by_channel[0])
    frames = by_channel.shape[-1]
    for lag in range(min(lags, frames)):
        pooled[..., : frames - lag] += by_channel[lag][..., lag:]
    result: np.ndarray = pooled.reshape(-1, sums.shape[1])
    return result
