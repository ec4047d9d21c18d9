"""Independent component analysis: two channels turned until what they carry has nothing to do with each other.

If two sources are mixed by gains alone, x = A s with a 2 x 2 matrix A, another matrix undoes it: s = W x. The sources
are not known, but they are independent, and a sum of independent signals is nearer to a Gaussian than each of them.
So W is turned until its outputs are as far from Gaussian as can be.

W finds sources up to order, sign and scale. Their images, what each source gives to each channel, have no sign and
scale left to choose: y_j = A[:, j] s_j. They stand from left to right.

Contents: unmixing, images, separate. Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import warnings

import numpy as np

from .. import checks
from ..chunks import excerpts
from ..refusals import RefusedValue
from . import panning

ITERATIONS = 200
TOLERANCE = 1e-4

# Learnt from so much of a recording, in excerpts of 5 s if it is longer: a 2 x 2 matrix needs no more.
LEARN_S = 60.0
EXCERPT_S = 5.0

# If the fainter of two uncorrelated directions has no more than this part of the power, there is one source.
LEAST_SPREAD = 1e-10


def unmixing(
    mixture: np.ndarray, *, iterations: int = ITERATIONS, tolerance: float = TOLERANCE, rng: np.random.Generator
) -> np.ndarray:
    """The matrix W that makes the channels of W x independent, by FastICA.

    Parameters
    ----------
    mixture : float (2, samples)
    iterations : int >= 1
        At most so many.
    tolerance : float > 0
        Rows that turn by less, 1 - |w w_old|, have converged.
    rng : numpy.random.Generator
        Draws the matrix to start from.

    Returns
    -------
    float64 (2, 2), or (1, 2)
        A single row if both channels carry one and the same signal, or nothing.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, or an option is out of its range.

    Warns
    -----
    PanWarning
        If it has not converged: nothing in the mixture tells one direction from the other.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: Hyvarinen and Oja, Neural Networks 2000; the work is done
    by scikit-learn's FastICA.
    """
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    mixture = checks.check_stereo("mixture", mixture).astype(np.float64)
    iterations = checks.check_number("iterations", iterations, at_least=1, whole=True)
    checks.check_number("tolerance", tolerance, above=0)
    checks.check_generator("rng", rng)
    powers, directions = np.linalg.eigh(np.cov(mixture, bias=True))
    if powers[0] <= LEAST_SPREAD * powers[1]:
        return directions[:, 1:].T
    start = np.linalg.qr(rng.standard_normal((2, 2)))[0]
    model = FastICA(
        2, algorithm="parallel", whiten="unit-variance", fun="logcosh", max_iter=iterations, tol=tolerance, w_init=start
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(mixture.T)
    if any(issubclass(one.category, ConvergenceWarning) for one in caught):
        warnings.warn(
            f"ICA has not converged in {iterations} iterations: no direction stands out, as with Gaussian sources, or "
            "more sources than two. Its estimates may be any mixtures; choose another method",
            panning.PanWarning,
            stacklevel=2,
        )
    return model.components_


def images(mixture: np.ndarray, unmixing: np.ndarray) -> np.ndarray:
    """What each source gives to each channel, y_j = A[:, j] (W x)_j, where A undoes W.

    Parameters
    ----------
    mixture : float (2, samples)
    unmixing : float (sources, 2)
        W, of one or two rows.

    Returns
    -------
    float (sources, 2, samples)
        From left to right; of the mixture's type. They add up to the mixture, which a single source has whole.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, or there is no such matrix.

    Lesson: notebooks/12_more_than_a_histogram.ipynb.
    """
    mixture = checks.check_stereo("mixture", mixture)
    W = checks.check_finite("unmixing", checks.check_axes("unmixing", unmixing, "sources channels"))
    if W.shape not in ((1, 2), (2, 2)) or np.linalg.matrix_rank(W) < len(W):
        raise RefusedValue(
            f"unmixing must be one or two independent rows of 2, got {W.tolist()}; make it with ica.unmixing"
        )
    if len(W) == 1:
        return mixture[np.newaxis].copy()
    A = np.linalg.inv(W)
    order = np.argsort(np.arctan2(np.abs(A[1]), np.abs(A[0])), kind="stable")
    return np.stack([np.outer(A[:, j], W[j]).astype(mixture.dtype) @ mixture for j in order])


def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Separate two sources that are mixed by gains alone.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : ignored
    iterations, tolerance
        Of `unmixing`, which is learnt from 60 s in all.
    rng : numpy.random.Generator, optional
        Draws what it starts from. Default: a new one with seed 0.

    Returns
    -------
    dict of source name -> float32 (2, samples)
        Two sources from left to right, named after their angles as in `panning.labels`; or one, where both channels
        carry one signal. They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, or an option is out of its range.

    Warns
    -----
    PanWarning
        If no direction stands out.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: Hyvarinen and Oja, Neural Networks 2000.
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    rng = np.random.default_rng(0) if rng is None else checks.check_generator("rng", rng)
    parts = excerpts(mixture.shape[1], sample_rate_hz, LEARN_S, EXCERPT_S)
    heard = np.concatenate([mixture[:, start:stop] for start, stop in parts], axis=1)
    found = images(mixture, unmixing(heard, iterations=iterations, tolerance=tolerance, rng=rng))
    # One channel at a time: in double precision, all of a long recording would take much memory.
    left, right = ([np.sum(np.square(image[c], dtype=np.float64)) ** 0.5 for image in found] for c in (0, 1))
    names = panning.labels(np.arctan2(right, left))
    return dict(zip(names, found, strict=True))
