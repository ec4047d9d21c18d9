"""PLCA: the Kullback-Leibler factorisation read as probabilities.

Consider the spectrogram as a count of quanta of sound, each of which belongs to one bin. A quantum first chooses a
component z, then, independently of each other, a frequency f and a frame n. Fitting these probabilities to the counts
by expectation and maximisation is the same arithmetic as the updates of `beta` for beta 1: an EM step is one
multiplicative update of both factors, computed from the same model.

Symbols: V[f, n] magnitude; p(z) share of a component, p(f|z) template, p(n|z) activations.

Contents: Probabilities, from_factors, to_factors, em_step, log_likelihood.
Lesson: notebooks/06_nmf_that_knows_time.ipynb
"""

import dataclasses

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..updates import activation_terms, as_floating, template_terms


@dataclasses.dataclass(frozen=True)
class Probabilities:
    """A probability model of the bins that quanta of sound belong to; each distribution adds up to 1, or is 0.

    Attributes
    ----------
    shares : float (components,)
        p(z), adding up to 1.
    frequencies : float (freq, components)
        p(f|z), each column adding up to 1.
    frames : float (components, frames)
        p(n|z), each row adding up to 1.
    """

    shares: np.ndarray
    frequencies: np.ndarray
    frames: np.ndarray


def from_factors(templates: np.ndarray, activations: np.ndarray) -> Probabilities:
    """The probabilities that correspond to templates (freq, components) and activations (components, frames).

    Raises
    ------
    ShapeError, TypeError, ValueError
        If they are not magnitudes, do not fit each other, or are silent.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Shashanka, Raj and Smaragdis, 2008.

    Examples
    --------
    >>> from_factors(np.array([[1.0, 0.0], [1.0, 4.0]]), np.array([[1.0, 1.0], [0.0, 3.0]])).shares
    array([0.25, 0.75])
    """
    W = as_floating(checks.check_magnitude("templates", templates, "freq components"))
    H = as_floating(checks.check_magnitude("activations", activations, "components frames"))
    if W.shape[1] != H.shape[0]:
        raise checks.ShapeError(
            f"templates and activations must have as many components, got {W.shape[1]} and {H.shape[0]}; "
            "take both from one factorisation"
        )
    of_frequency, of_frame = W.sum(axis=0), H.sum(axis=1)
    total = float(of_frequency @ of_frame)
    if not total > 0:
        raise RefusedValue("templates and activations must not be silent, got silence; it has no probabilities")
    return Probabilities(
        of_frequency * of_frame / total,
        W / np.where(of_frequency > 0, of_frequency, 1),
        H / np.where(of_frame > 0, of_frame, 1)[:, np.newaxis],
    )


def to_factors(probabilities: Probabilities, total: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Templates, whose columns add up to 1, and activations; the model adds up to `total`.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb

    Examples
    --------
    >>> probabilities = from_factors(np.array([[1.0], [3.0]]), np.array([[2.0, 2.0]]))
    >>> to_factors(probabilities, total=16)
    (array([[0.25],
           [0.75]]), array([[8., 8.]]))
    """
    checks.check_number("total", total, at_least=0)
    return probabilities.frequencies, probabilities.frames * (total * probabilities.shares)[:, np.newaxis]


def em_step(magnitude: np.ndarray, probabilities: Probabilities) -> Probabilities:
    """One iteration of expectation and maximisation; the likelihood cannot decrease.

    Expectation computes for every bin the probability of each component, p(z|f, n); maximisation counts each
    component's share of V again. The counts need sums over bins only, so p(z|f, n) is never stored.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames)
        V; not silent.
    probabilities : Probabilities

    Returns
    -------
    Probabilities

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the magnitude is not one, is silent, or does not fit the probabilities.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Shashanka, Raj and Smaragdis, 2008.

    Examples
    --------
    >>> V = np.array([[3.0, 0.0], [1.0, 2.0]])
    >>> before = from_factors(np.array([[1.0, 2.0], [1.0, 1.0]]), np.array([[1.0, 1.0], [2.0, 1.0]]))
    >>> log_likelihood(V, em_step(V, before)) > log_likelihood(V, before)
    True
    """
    V = _checked(magnitude, probabilities)
    # Normalised, V has the level of the model, which adds up to 1.
    V = V / V.sum(dtype=np.float64).astype(V.dtype)
    W, H = to_factors(probabilities)
    of_frequency, of_frame = W * template_terms(V, W, H)[0], H * activation_terms(V, W, H)[0]
    # Both count the same quanta, so they agree on each component's share; multiplied, they would contain it twice.
    counts = of_frequency.sum(axis=0)
    return from_factors(of_frequency, of_frame / np.where(counts > 0, counts, 1)[:, np.newaxis])


def log_likelihood(magnitude: np.ndarray, probabilities: Probabilities) -> float:
    """Sum over bins of V log p(f, n); minus infinity if there is sound in a bin of probability 0.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb

    Examples
    --------
    >>> uniform = from_factors(np.ones((2, 1)), np.ones((1, 2)))
    >>> round(float(log_likelihood(np.ones((2, 2)), uniform) / np.log(2)), 6)  # four quanta, each of two bits
    -8.0
    """
    V = _checked(magnitude, probabilities)
    W, H = to_factors(probabilities)
    with np.errstate(divide="ignore"):
        logarithms = np.log(W @ H)
    sounding = V > 0
    return float(np.sum(V[sounding] * logarithms[sounding], dtype=np.float64))


def _checked(magnitude: np.ndarray, probabilities: Probabilities) -> np.ndarray:
    V = as_floating(checks.check_magnitude("magnitude", magnitude, "freq frames"))
    expected_shape = len(probabilities.frequencies), probabilities.frames.shape[1]
    if V.shape != expected_shape:
        raise checks.ShapeError(
            f"magnitude must have shape {expected_shape}, as the probabilities have, got {V.shape}; "
            "make both from one spectrogram"
        )
    if not V.any():
        raise RefusedValue("magnitude must not be silent, got silence; it has no probabilities")
    return V
