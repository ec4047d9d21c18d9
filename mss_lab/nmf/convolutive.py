"""NMFD: templates that last several frames, for sounds that change in a way of their own, as a drum does.

Y[f, n] = sum over lags t and components k of W[t, f, k] H[k, n - t]. Laid side by side, the templates of all lags and
the activations moved by each lag are an ordinary factorisation, in which the moved activations are tied to each other.
So the updates are those of `beta`; for the activations, both sums are added up over the lags before one is divided by
the other. Channels share the templates; nothing is moved from one channel into the next.

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
    """What `factorise` found.

    Attributes
    ----------
    templates : float (lags, freq, components)
        Each adds up to 1 over lags and frequencies, unless they were given as fixed.
    activations : float (components, frames) or (channels, components, frames)
    divergences : float64 (iterations + 1,)
        D(V|Y) before the first and after each iteration.

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
    """The spectrogram that lasting templates and their activations describe.

    Parameters
    ----------
    templates : real >= 0 (lags, freq, components)
    activations : real >= 0 (components, frames) or (channels, components, frames)
        When each template begins. What would last beyond the end is cut off there.

    Returns
    -------
    real (freq, frames) or (channels, freq, frames)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If they are no magnitudes or do not fit each other.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb
    """
    templates = checks.check_magnitude("templates", templates, "lags freq components")
    axes = "components frames" if np.ndim(activations) == 2 else "channels components frames"
    activations = checks.check_magnitude("activations", activations, axes)
    if activations.shape[-2] != templates.shape[2]:
        raise checks.ShapeError(
            f"activations must have one row for each of the {templates.shape[2]} templates, got "
            f"{activations.shape[-2]}; take both from one factorisation"
        )
    return sum(W @ _later(activations, lag) for lag, W in enumerate(templates))


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
    """Lasting templates and when they begin, close to a spectrogram in the beta-divergence.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames) or (channels, freq, frames)
    rank, lags : int >= 1
        Number of components, and of frames that each lasts; may be left out if templates are given.
    templates : real >= 0 (lags, freq, components), optional
    activations : real >= 0 (components, frames) or (channels, components, frames), optional
        To start from; zeros stay zeros. What is not given is drawn.
    fixed_templates : bool
        Whether the templates are used as they were given.
    beta, iterations, rng, callback
        As for `beta.factorise`.

    Returns
    -------
    Convolutive

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `beta.factorise`.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Source: Smaragdis, ICA 2004. Differs: there the activations are
    the mean of one update for each lag; adding up before dividing is what the divergence's gradient asks for.
    """
    V, scale, channels = nmf.prepared(magnitude, beta)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    W, H, lags = _start(V, rank, lags, templates, activations, scale, channels, rng)
    if fixed_templates and templates is None:
        raise RefusedValue("fixed_templates needs templates to keep, got none; give templates=")
    power, parts = exponent(beta), channels or 1

    def finished() -> tuple[np.ndarray, np.ndarray]:
        stacked = np.ascontiguousarray(np.moveaxis(W.reshape(len(W), lags, -1), 1, 0))
        scaled = H / np.asarray(scale, H.dtype)
        if not fixed_templates:
            totals = stacked.sum(axis=(0, 1))
            stacked, scaled = stacked / np.where(totals > 0, totals, 1), scaled * totals[:, np.newaxis]
        return stacked, split_channels(scaled, channels)

    moved = _moved(H, lags, parts)
    divergences = [nmf.distance(V, W, moved, beta) if V.any() else 0.0]
    for iteration in range(1, iterations + 1 if V.any() else 1):
        first, second = (
            _pooled(np.broadcast_to(terms, moved.shape), lags, parts) for terms in activation_terms(V, W, moved, beta)
        )
        H = improve(H, first, second, power)
        moved = _moved(H, lags, parts)
        if not fixed_templates:
            W = improve(W, *template_terms(V, W, moved, beta), power)
        divergences.append(nmf.distance(V, W, moved, beta))
        if callback is not None:
            callback(iteration, *finished())
    values = np.array(divergences) * np.float64(scale) ** -beta
    return Convolutive(*finished(), values)


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
        raise RefusedValue("lags must be said where no templates are given, got None; try lags=8")
    lags = checks.check_number("lags", lags, at_least=1, whole=True)
    if templates is not None:
        # One lag at a time is checked as any templates are; together they are as loud as the music needs.
        W, H = nmf.start(V, rank, templates.sum(axis=0), activations, scale, channels, rng)
        return np.hstack(list(templates.astype(V.dtype))), H, lags
    W, H = nmf.start(V, rank, None, activations, scale, channels, rng)
    drawn = checks.check_generator("rng", rng).uniform(0.1, 1.1, (len(W), lags * W.shape[1]))
    return (drawn * (W.mean(dtype=np.float64) / (0.6 * lags))).astype(V.dtype), H, lags


def _later(activations: np.ndarray, lag: int) -> np.ndarray:
    """Moved to later frames, zeros before, what goes beyond the end lost."""
    moved = np.zeros_like(activations)
    frames = activations.shape[-1]
    if lag < frames:
        moved[..., lag:] = activations[..., : frames - lag]
    return moved


def _moved(H: np.ndarray, lags: int, channels: int) -> np.ndarray:
    """Activations moved by every lag, one under the other: (lags * components, channels * frames)."""
    apart = H.reshape(len(H), channels, -1)
    return np.concatenate([_later(apart, lag).reshape(H.shape) for lag in range(lags)])


def _pooled(sums: np.ndarray, lags: int, channels: int) -> np.ndarray:
    """The way back of `_moved`: every lag's sums moved to where its template begins, and added up."""
    apart = sums.reshape(lags, -1, channels, sums.shape[1] // channels)
    pooled = np.zeros_like(apart[0])
    frames = apart.shape[-1]
    for lag in range(min(lags, frames)):
        pooled[..., : frames - lag] += apart[lag][..., lag:]
    return pooled.reshape(-1, sums.shape[1])
