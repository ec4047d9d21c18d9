"""The local Gaussian model: every source is Gaussian in every bin; powers and spatial covariances are learnt.

Source j has the power v_j[f, n] and the spatial covariance R_j[f], of full rank: it may come from several
directions at the same time, as with reverberation. The mixture's covariance is the sum, S = sum over j of v_j R_j, and
the filter W_j = v_j R_j S^-1 gives its estimate y_j = W_j x. The initial values of both algorithms are estimates of
another method:

- `em`, expectation maximisation: new v_j and R_j follow from the expected C_j = y_j y_j^H + (I - W_j) v_j R_j.
  The likelihood never decreases.
- `simplified`: C_j = y_j y_j^H alone. Faster, and often equally good after one or two iterations; more are not better.

Neither needs a matrix for each bin and source, see `hermitian`. `local_gaussian` separates recordings with them.

Symbols: x[c, f, n] mixture of C channels, y_j estimates. The filter is described in `wiener`.

Contents: Gaussian, em, simplified, learn, log_likelihood. Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import concurrent.futures
import dataclasses
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.signal

from .. import checks
from . import hermitian, wiener

ITERATIONS = 5

# Equal noise in all channels, so that the mixture's covariance is not singular if all sources have one direction. Its
# power is relative to the loudest bin and, in `em`, which subtracts nearly equal numbers, also to each bin. It is
# constant, so the likelihood still does not decrease; the estimate of the noise is shared among the sources.
NOISE = np.finfo(np.float64).eps ** 0.5 / 100
OWN_NOISE = 1e-6

LEAST_POWER = np.finfo(np.float64).tiny ** 0.5

# Number of bins that are processed at a time, and number of threads.
BLOCK_BINS = 1 << 15
THREADS = 4


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """The result of `em` and `simplified`.

    Attributes
    ----------
    powers : float (sources, freq, frames)
        v_j, float32 for a complex64 mixture.
    covariances : complex128 (sources, freq, channels, channels)
        R_j, Hermitian and positive semidefinite; in `em` their trace is C.
    estimates : complex (sources, channels, freq, frames)
        y_j for these powers and covariances, with the dtype of the mixture. They add up to the mixture.
    log_likelihoods : float64 (iterations + 1,)
        For `em` before the first iteration and after each; empty for `simplified`.

    Lesson: notebooks/12_more_than_a_histogram.ipynb
    """

    powers: np.ndarray
    covariances: np.ndarray
    estimates: np.ndarray
    log_likelihoods: np.ndarray


def em(
    mixture_stft: np.ndarray,
    powers: np.ndarray,
    covariances: np.ndarray,
    *,
    iterations: int = ITERATIONS,
    learn_covariances: bool = True,
    pool_frames: int = 1,
) -> Gaussian:
    """Learn powers and covariances by expectation maximisation.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    powers : real >= 0 (sources, freq, frames)
        Initial v_j; zeros stay zeros.
    covariances : complex or real (sources, freq, channels, channels)
        Initial R_j, Hermitian and positive semidefinite. Directions outside their span stay outside.
    iterations : int >= 0
    learn_covariances : bool
        Whether R_j is learnt, or v_j alone.
    pool_frames : int >= 1
        The mixture's covariance x x^H is averaged over this number of frames, which shows better than a single bin how
        many sources share it. 1 as in the paper.

    Returns
    -------
    Gaussian

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other, powers are negative, or an option is out of its range.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Duong, Vincent and Gribonval, IEEE TASLP 2010; for
    the averaged covariance LVA/ICA 2010. Difference: a small noise is assumed in all channels, see `NOISE`.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2, 4, 8)).astype(complex)
    >>> covariances = np.array([[[1.5, 0.3], [0.3, 0.5]], [[0.5, 0.0], [0.0, 1.5]]])  # the same at all frequencies
    >>> result = em(x, np.ones((2, 4, 8)), np.stack([covariances] * 4, axis=1))
    >>> bool((np.diff(result.log_likelihoods) > 0).all())
    True
    """
    x, v, R = wiener.checked(mixture_stft, powers, covariances)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    pool_frames = checks.check_number("pool_frames", pool_frames, at_least=1, whole=True)
    least = _noise_in(x)
    result = _empty(x, len(v))

    def work(part: slice) -> np.ndarray:
        X, V, r = (
            x[:, part].astype(np.complex128),
            _by_frequency(v[:, part]),
            hermitian.as_vectors(_by_frequency(R[:, part])),
        )
        observed = _observed(X, pool_frames)
        noise = least + OWN_NOISE * sum(observed[c, c].real for c in range(len(X))) / len(X)
        likelihoods = np.zeros(iterations + 1)
        for i in range(iterations + 1):
            inverse, log_determinant = hermitian.inverted(hermitian.summed(V, r), noise)
            likelihoods[i] = -np.sum(log_determinant) - np.sum(hermitian.trace_of_product(inverse, observed))
            if i < iterations:
                V, r = _maximised(V, r, inverse, observed, learn_covariances)
        _finish(result, part, X, V, r, noise)
        return likelihoods

    return dataclasses.replace(result, log_likelihoods=sum(_in_parts(x, work)) - x.size * np.log(np.pi))


def simplified(
    mixture_stft: np.ndarray,
    estimates: np.ndarray,
    *,
    iterations: int = 1,
    covariances: np.ndarray | None = None,
    pool_frames: int = 1,
) -> Gaussian:
    """Refine estimates: compute their powers and covariances, filter the mixture by these, and repeat.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    estimates : complex (sources, channels, freq, frames)
        The initial estimates.
    iterations : int >= 1
    covariances : complex or real (sources, freq, channels, channels), optional
        If they are known and not to be learnt.
    pool_frames : int >= 1
        Powers are averaged over this number of frames. 1 as in the paper.

    Returns
    -------
    Gaussian

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other, or an option is out of its range.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Nugraha, Liutkus and Vincent, IEEE TASLP
    2016, as implemented in the package norbert: both agree for mixtures whose loudest bin has a magnitude of 10.
    Differences: independent of the level; the estimate of the noise is shared; powers may be averaged.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2, 4, 8)).astype(complex)
    >>> result = simplified(x, np.stack([x * [[[1.0]], [[0.2]]], x * [[[0.0]], [[0.8]]]]))
    >>> result.powers.shape, bool(np.allclose(result.estimates.sum(axis=0), x))
    ((2, 4, 8), True)
    """
    x = checks.check_finite("mixture_stft", checks.check_axes("mixture_stft", mixture_stft, "channels freq frames"))
    y = checks.check_axes("estimates", estimates, "sources channels freq frames")
    checks.check_finite("estimates", y)
    if y.shape[1:] != x.shape or not len(y):
        raise checks.ShapeError(
            f"estimates {y.shape} (sources, channels, freq, frames) do not fit mixture_stft {x.shape} (channels, freq, "
            "frames); make both with one transform, and give at least one source"
        )
    iterations = checks.check_number("iterations", iterations, at_least=1, whole=True)
    pool_frames = checks.check_number("pool_frames", pool_frames, at_least=1, whole=True)
    fixed_covariances = (
        covariances if covariances is None else wiener.checked(x, np.zeros((len(y), *x.shape[1:])), covariances)[2]
    )
    noise = _noise_in(x)
    result = _empty(x, len(y))

    def work(part: slice) -> None:
        X = x[:, part].astype(np.complex128)
        V, r = _moments(y[:, :, part])
        fixed = (
            fixed_covariances
            if fixed_covariances is None
            else hermitian.as_vectors(_by_frequency(fixed_covariances[:, part]))
        )
        for i in range(iterations):
            if i:
                V, r = _reestimated(V, r, hermitian.solve(hermitian.summed(V, r), noise, X))
            r = r if fixed is None else fixed
            V = _averaged(V, pool_frames)
        _finish(result, part, X, V, r, noise)

    _in_parts(x, work)
    return result


def learn(
    mixture_stft: np.ndarray,
    estimates: np.ndarray,
    covariances: np.ndarray | None = None,
    *,
    algorithm: str,
    iterations: int,
    pool_frames: int,
) -> Gaussian:
    """One of the two algorithms, with estimates of another method as initial values.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    estimates : complex (sources, channels, freq, frames)
    covariances : complex (sources, freq, channels, channels), optional
        If they are known and not to be learnt.
    algorithm : {"em", "simplified"}
    iterations : int >= 1
    pool_frames : int >= 1
        As for `em`; with "em" the powers of the estimates are averaged, too.

    Returns
    -------
    Gaussian
    """
    if algorithm == "simplified":
        return simplified(
            mixture_stft, estimates, iterations=iterations, covariances=covariances, pool_frames=pool_frames
        )
    powers = np.stack([_averaged(np.mean(_power(one), axis=0), pool_frames) for one in estimates])
    fixed = covariances is not None
    if covariances is None:
        covariances = np.stack([_moments(one[np.newaxis])[1] for one in estimates])
        covariances = wiener.normalised(hermitian.as_matrices(covariances[:, :, 0]))
    return em(
        mixture_stft,
        powers,
        covariances,
        iterations=iterations,
        learn_covariances=not fixed,
        pool_frames=pool_frames,
    )


def log_likelihood(mixture_stft: np.ndarray, powers: np.ndarray, covariances: np.ndarray) -> float:
    """The log-likelihood of a model: - sum over bins of log det(pi S) + x^H S^-1 x.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    powers : real >= 0 (sources, freq, frames)
    covariances : complex or real (sources, freq, channels, channels)

    Returns
    -------
    float

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `em`.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Duong, Vincent and Gribonval, IEEE TASLP 2010.

    Examples
    --------
    >>> one = np.ones((1, 1, 1))
    >>> round(log_likelihood(one.astype(complex), one, one[np.newaxis]), 4), round(float(-np.log(np.pi) - 1), 4)
    (-2.1447, -2.1447)
    """
    return float(em(mixture_stft, powers, covariances, iterations=0).log_likelihoods[0])


def _observed(x: np.ndarray, pool_frames: int) -> np.ndarray:
    """x x^H of each bin, averaged over frames."""
    observed: np.ndarray = x[:, np.newaxis] * x[np.newaxis].conj()
    if pool_frames > 1:
        observed.real, observed.imag = _averaged(observed.real, pool_frames), _averaged(observed.imag, pool_frames)
    return observed


def _averaged(values: np.ndarray, pool_frames: int) -> np.ndarray:
    """Moving averages over this number of frames along the last axis, with a Hann window."""
    if pool_frames == 1:
        return values
    weights = scipy.signal.windows.hann(pool_frames + 2)[1:-1]
    result: np.ndarray = scipy.ndimage.convolve1d(values, weights / weights.sum(), axis=-1, mode="reflect")
    return result


def _maximised(
    V: np.ndarray, r: np.ndarray, inverse: np.ndarray, observed: np.ndarray, learn_covariances: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The next powers and covariances of `em`.

    With D = S^-1 x x^H S^-1 - S^-1, the expected C_j is v_j R_j + v_j^2 R_j D R_j. So tr(R_j^-1 C_j), which gives the
    new power, needs no inverse of R_j, and the mean of C_j / v_j over frames no matrix for every bin.
    """
    D = hermitian.bins_as_vectors(hermitian.multiplied(hermitian.multiplied(inverse, observed), inverse) - inverse)
    channels = len(inverse)
    new = _without_tiny(V + V**2 * (r @ D) / channels)
    if not learn_covariances:
        return new, r
    old, R = np.divide(V, new, out=np.zeros_like(V), where=new > 0), hermitian.as_matrices(r)
    active_frames = np.maximum(np.sum(new > 0, axis=2), 1)[..., np.newaxis, np.newaxis]
    change = hermitian.as_matrices((old * V) @ D.swapaxes(1, 2))
    R = (R * old.sum(axis=2)[..., np.newaxis, np.newaxis] + R @ change @ R) / active_frames
    size: np.ndarray = np.trace(R, axis1=2, axis2=3).real[..., np.newaxis] / channels
    silent = size <= 0
    R = np.where(silent[..., np.newaxis], hermitian.as_matrices(r), R / np.where(silent, 1, size)[..., np.newaxis])
    return new * np.where(silent, 1, size), hermitian.as_vectors(R)


def _power(values: np.ndarray) -> np.ndarray:
    """|values|^2, without the square root of np.abs."""
    result: np.ndarray = values.real**2 + values.imag**2
    return result


def _without_tiny(powers: np.ndarray) -> np.ndarray:
    """Powers, with 0 for those that are negative by rounding, or so small that their squares underflow."""
    return np.where(powers > LEAST_POWER, powers, 0)


def _moments(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Powers and covariances of estimates (sources, channels, freq, frames), as used by `simplified`."""
    channels = y.shape[1]
    power = [_power(y[:, c]) for c in range(channels)]
    V = _without_tiny(_by_frequency(sum(power[1:], power[0]) / channels))
    products = np.empty((len(y), y.shape[2], channels, channels), complex)
    for c, d in zip(*np.triu_indices(channels), strict=True):
        products[..., c, d] = power[c].sum(axis=-1, dtype=np.float64) if c == d else np.vecdot(y[:, d], y[:, c])
    totals = V.sum(axis=2)[..., np.newaxis]
    return V, hermitian.as_vectors(products.swapaxes(0, 1)) / np.where(totals > 0, totals, 1)


def _reestimated(V: np.ndarray, r: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`_moments` of y_j = v_j R_j u without computing these: they sum up to R_j (sum of v_j^2 u u^H) R_j."""
    R = hermitian.as_matrices(r)
    observed = hermitian.bins_as_vectors(u[:, np.newaxis] * u[np.newaxis].conj())
    new = _without_tiny(V**2 * (hermitian.as_vectors(R @ R) @ observed) / len(u))
    totals = new.sum(axis=2)[..., np.newaxis, np.newaxis]
    return new, hermitian.as_vectors(
        R @ hermitian.as_matrices(V**2 @ observed.swapaxes(1, 2)) @ R / np.where(totals > 0, totals, 1)
    )


def _finish(result: Gaussian, part: slice, x: np.ndarray, V: np.ndarray, r: np.ndarray, noise: Any) -> None:
    """Filter a part of the frequencies, and write the results into `result`."""
    R = hermitian.as_matrices(r)[..., np.newaxis]
    result.powers[:, part], result.covariances[:, part] = V.swapaxes(0, 1), R[..., 0].swapaxes(0, 1)
    u = hermitian.solve(hermitian.summed(V, r), noise, x)
    # The estimate of the noise is noise times u. The last source is the rest, so that the estimates add up.
    share = (u * (noise / V.shape[1])).astype(result.estimates.dtype)
    result.estimates[-1, :, part] = x
    y, term = np.empty_like(x[0]), np.empty_like(x[0])
    for j in range(V.shape[1] - 1):
        for c in range(len(x)):
            np.multiply(R[:, j, c, 0], u[0], out=y)
            for d in range(1, len(x)):
                y += np.multiply(R[:, j, c, d], u[d], out=term)
            estimate = result.estimates[j, c, part]
            np.multiply(y, V[:, j], out=estimate, casting="same_kind")
            estimate += share[c]
            result.estimates[-1, c, part] -= estimate


def _empty(x: np.ndarray, sources: int) -> Gaussian:
    channels, freq, frames = x.shape
    return Gaussian(
        np.empty((sources, freq, frames), np.result_type(x.real, np.float32)),
        np.empty((sources, freq, channels, channels), complex),
        np.empty((sources, *x.shape), np.result_type(x, np.complex64)),
        np.zeros(0),
    )


def _noise_in(x: np.ndarray) -> float:
    """Power of the noise; any positive number for silence."""
    return float(np.max(np.abs(x), initial=0)) ** 2 * NOISE or 1.0


def _in_parts(x: np.ndarray, work: Callable[[slice], Any]) -> list[Any]:
    """Process independent blocks of frequencies that stay in the processor's cache, a few at a time."""
    rows = max(1, BLOCK_BINS // max(1, x.shape[2]))
    parts = [slice(start, start + rows) for start in range(0, x.shape[1], rows)]
    with concurrent.futures.ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as pool:
        return list(pool.map(work, parts))


def _by_frequency(stack: np.ndarray) -> np.ndarray:
    """(sources, freq, ...) as (freq, sources, ...)."""
    return stack.swapaxes(0, 1).astype(np.result_type(stack, np.float64))
