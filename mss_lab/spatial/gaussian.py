"""The local Gaussian model: every source is Gaussian in every bin, and its power and place are learnt together.

Source j has the power v_j[f, n] and the spatial covariance R_j[f], full-rank, so that it may come from several
directions at once, as with reverberation. The mixture's covariance is the sum, S = sum over j of v_j R_j, and the
filter W_j = v_j R_j S^-1 gives its estimate y_j = W_j x. Both algorithms start from estimates of another method:

- `em`, expectation and maximisation: from the expected C_j = y_j y_j^H + (I - W_j) v_j R_j follow new v_j and R_j.
  The likelihood never falls.
- `simplified`: C_j = y_j y_j^H alone. Quicker, and often as good after a round or two; more rounds are not better.

Neither works on a matrix for each bin and source: a Hermitian matrix of C channels is a vector of C^2 real numbers, and
all sums over sources and frames are products of such vectors with the powers, frequency by frequency.

Symbols: x[c, f, n] mixture of C channels, y_j estimates. The filter itself is taught with `wiener`.

Contents: Gaussian, em, simplified, log_likelihood, separate. Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import concurrent.futures
import dataclasses
import functools
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.signal

from .. import checks, memory, options, transforms
from ..chunks import CHUNK_S, FADE_S, chunks, excerpts
from ..method import Separator
from ..refusals import RefusedValue
from ..silence import between_silences
from . import panning, projet, wiener
from .entries import LOCAL_GAUSSIAN

ITERATIONS = 5

# Noise that is in all channels alike keeps the mixture's covariance from being singular where all that sounds comes
# from one direction. It is a part of the power of the loudest bin and, in `em`, which subtracts what is nearly equal,
# also of each bin's own. It never changes, so the likelihood still does not fall; what is left to it is shared.
NOISE = np.finfo(np.float64).eps ** 0.5 / 100
OWN_NOISE = 1e-6

LEAST_POWER = np.finfo(np.float64).tiny ** 0.5

# Powers are averaged over so long, as in `projet` and for its reasons.
POOL_S = 0.25

# Learnt from so much of a recording, in excerpts of 5 s if it is longer.
LEARN_S = 30.0
EXCERPT_S = 5.0

BLOCK_BINS = 1 << 15

# Memory for each bin: the transform and its copies; of each source, its guess, power and estimate.
STFT_BYTES = 32
SOURCE_BYTES = 44
# For each bin that is worked on, in double precision.
WORK_BYTES = 320
THREADS = 4


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """What `em` and `simplified` found.

    Attributes
    ----------
    powers : float (sources, freq, frames)
        v_j, float32 for a complex64 mixture.
    covariances : complex128 (sources, freq, channels, channels)
        R_j, Hermitian and positive semidefinite; of `em` with a trace of C.
    estimates : complex (sources, channels, freq, frames)
        y_j by these, of the mixture's type. They add up to the mixture.
    log_likelihoods : float64 (iterations + 1,)
        Of `em`: before the first iteration and after each. Of `simplified` empty.

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
    """Learn powers and covariances by expectation and maximisation.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    powers : real >= 0 (sources, freq, frames)
        v_j to start from; zeros stay zeros.
    covariances : complex or real (sources, freq, channels, channels)
        R_j to start from, Hermitian and positive semidefinite. What lies outside their span is never found.
    iterations : int >= 0
    learn_covariances : bool
        Whether R_j is learnt, or v_j alone.
    pool_frames : int >= 1
        The mixture's covariance x x^H is averaged over so many frames around each, which says more about how many
        sources share a bin than the bin alone. 1 is the paper.

    Returns
    -------
    Gaussian

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other, powers are negative, or an option is out of its range.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: Duong, Vincent and Gribonval, IEEE TASLP 2010, and for the
    averaged covariance LVA/ICA 2010. Differs: a little noise is assumed in all channels, see `NOISE`.
    """
    x, v, R = wiener.checked(mixture_stft, powers, covariances)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    pool_frames = checks.check_number("pool_frames", pool_frames, at_least=1, whole=True)
    least = _noise_in(x)
    found = _empty(x, len(v))

    def work(part: slice) -> np.ndarray:
        X, V, r = x[:, part].astype(np.complex128), _by_frequency(v[:, part]), _vectors(_by_frequency(R[:, part]))
        seen = _observed(X, pool_frames)
        noise = least + OWN_NOISE * sum(seen[c, c].real for c in range(len(X))) / len(X)
        likelihoods = np.zeros(iterations + 1)
        for i in range(iterations + 1):
            inverse, log_determinant = _inverse(_total(V, r), noise)
            likelihoods[i] = -np.sum(log_determinant) - np.sum(_trace(inverse, seen))
            if i < iterations:
                V, r = _maximised(V, r, inverse, seen, learn_covariances)
        _finish(found, part, X, V, r, noise)
        return likelihoods

    return dataclasses.replace(found, log_likelihoods=sum(_in_parts(x, work)) - x.size * np.log(np.pi))


def simplified(
    mixture_stft: np.ndarray,
    estimates: np.ndarray,
    *,
    iterations: int = 1,
    covariances: np.ndarray | None = None,
    pool_frames: int = 1,
) -> Gaussian:
    """Refine estimates: take their powers and covariances, filter the mixture by these, and again.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    estimates : complex (sources, channels, freq, frames)
        To start from.
    iterations : int >= 1
    covariances : complex or real (sources, freq, channels, channels), optional
        If they are known and need not be learnt.
    pool_frames : int >= 1
        Powers are averaged over so many frames around each. 1 is the paper.

    Returns
    -------
    Gaussian

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other, or an option is out of its range.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: Nugraha, Liutkus and Vincent, IEEE TASLP
    2016, as the package norbert has it: the two agree for mixtures whose loudest bin has a magnitude of 10. Differs:
    works at any level; what the filter leaves to noise is shared; powers may be averaged.
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
    known = covariances if covariances is None else wiener.checked(x, np.zeros((len(y), *x.shape[1:])), covariances)[2]
    noise = _noise_in(x)
    found = _empty(x, len(y))

    def work(part: slice) -> None:
        X = x[:, part].astype(np.complex128)
        V, r = _moments(y[:, :, part])
        fixed = known if known is None else _vectors(_by_frequency(known[:, part]))
        for i in range(iterations):
            if i:
                V, r = _reestimated(V, r, _solved(_total(V, r), noise, X))
            r = r if fixed is None else fixed
            V = _averaged(V, pool_frames)
        _finish(found, part, X, V, r, noise)

    _in_parts(x, work)
    return found


def log_likelihood(mixture_stft: np.ndarray, powers: np.ndarray, covariances: np.ndarray) -> float:
    """How well a model explains a mixture: - sum over bins of log det(pi S) + x^H S^-1 x.

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
        As `em`.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: Duong, Vincent and Gribonval, IEEE TASLP 2010.
    """
    return float(em(mixture_stft, powers, covariances, iterations=0).log_likelihoods[0])


def _working_bytes(
    recording: memory.Recording,
    *,
    start: Separator | None,
    pans_rad: Mapping[str, float] | None,
    count: int | None,
    window_s: float,
    **_: Any,
) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    begin = _start_of(start, pans_rad, count)
    sources = recording.sources if start is not None and recording.sources else panning.likely_count(pans_rad, count)
    learning = (STFT_BYTES + SOURCE_BYTES * sources) * recording.bins(max(CHUNK_S + FADE_S, LEARN_S), settings)
    learning += WORK_BYTES * min(THREADS * BLOCK_BINS, recording.bins(CHUNK_S, settings))
    beside = 0 if memory.is_limited(begin) else sources * recording.copy_bytes
    return recording.float32_bytes + max(memory.working_bytes_of(begin, recording), beside + learning)


@options.within(LOCAL_GAUSSIAN.options)
@memory.limited("local-gaussian", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    start: Separator | None = None,
    pans_rad: Mapping[str, float] | None = None,
    count: int | None = None,
    algorithm: str = "em",
    iterations: int = ITERATIONS,
    pool_s: float = POOL_S,
    window_s: float = panning.WINDOW_S,
) -> dict[str, np.ndarray]:
    """Start from what another method separates, and learn from it where each source is and how loud.

    Spatial covariances are learnt from 30 s in all; a longer recording is worked through in chunks with these.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : passed on to `start`
    start : separator, optional
        Any method that gives estimates; in `mss_lab.catalogue.separator` and on the command line also its name.
        Default: PROJET.
    pans_rad, count
        Options of the start, where it has them: the directions of its sources, or how many there are.
    algorithm : {"em", "simplified"}
    iterations : int >= 1
    pool_s : float >= 0, seconds
        Over how long powers are averaged at the start and, by "em", the mixture's covariance throughout.
    window_s : float > 0, seconds
        Of the STFT's window, at every sample rate.

    Returns
    -------
    dict of source name -> float32 (2, samples)
        With the names that `start` gives. They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, an option is out of its range, or the start takes no directions.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: Duong, Vincent and Gribonval, IEEE TASLP 2010.
    Differs: starts from a separation, not from clusters; powers are averaged, see `pool_s`.
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    settings = transforms.settings_for(sample_rate_hz, window_s)
    pool = 1 + 2 * round(pool_s * sample_rate_hz / settings["hop_samples"] / 2)
    guess = _begun(mixture, sample_rate_hz, score, start, pans_rad, count)
    learn = functools.partial(_learn, algorithm=algorithm, iterations=iterations, pool=pool)

    samples = mixture.shape[1]
    parts = excerpts(samples, sample_rate_hz, LEARN_S, EXCERPT_S)
    covariances = None
    if len(parts) > 1:
        heard, guessed = _transformed(mixture, guess, parts, settings)
        covariances = learn(heard, guessed, None).covariances
        del heard, guessed
    # The estimates take the place of the guess, chunk by chunk. What two chunks share of it is kept for the second.
    estimates, piece, done = guess, {name: waveform[:, :0] for name, waveform in guess.items()}, 0
    for first, stop, ramp in chunks(samples, sample_rate_hz):
        shared = {name: waveform[:, waveform.shape[1] - (done - first) :] for name, waveform in piece.items()}
        piece = {name: np.concatenate([shared[name], guess[name][:, done:stop]], axis=1) for name in guess}
        heard, guessed = _transformed(mixture[:, first:stop], piece, [(0, stop - first)], settings)
        found = learn(heard, guessed, covariances).estimates
        del guessed
        for part, estimate in zip(found, estimates.values(), strict=True):
            estimate[:, done:stop] = 0
            estimate[:, first:stop] += ramp * transforms.istft(part, stop - first, **settings)
        done = stop
    return estimates


def _begun(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object,
    start: Separator | None,
    pans_rad: Mapping[str, float] | None,
    count: int | None,
) -> dict[str, np.ndarray]:
    begin = _start_of(start, pans_rad, count)
    guess = checks.check_estimates("what start returned", begin(mixture, sample_rate_hz, score), mixture)
    # The package's own methods give arrays that nobody else has; those of another may belong to somebody.
    own = memory.is_limited(begin)
    return {name: waveform if own else waveform.astype(np.float32) for name, waveform in guess.items()}


def _start_of(start: Separator | None, pans_rad: Mapping[str, float] | None, count: int | None) -> Separator:
    """The separator that begins, with the directions that it shall look for."""
    begin = projet.separate if start is None else start
    given = {name: value for name, value in (("pans_rad", pans_rad), ("count", count)) if value is not None}
    if refused := [name for name in given if name not in options.of(begin)]:
        raise RefusedValue(
            f"{refused[0]} must be an option of the start, got a start that has no such option, or that was given one "
            f"already; leave {refused[0]} out, or choose another start, such as duet"
        )
    return functools.partial(begin, **given)


def _transformed(
    mixture: np.ndarray, guess: dict[str, np.ndarray], parts: list[tuple[int, int]], settings: transforms.StftSettings
) -> tuple[np.ndarray, np.ndarray]:
    """STFTs of parts of the mixture and of the estimates, one part after the other."""

    def of(waveform: np.ndarray) -> np.ndarray:
        cut = [transforms.stft(waveform[:, a:b].astype(np.float32, copy=False), **settings) for a, b in parts]
        return cut[0] if len(cut) == 1 else np.concatenate(cut, axis=2)

    return of(mixture), np.stack([of(waveform) for waveform in guess.values()])


def _learn(
    heard: np.ndarray,
    guessed: np.ndarray,
    covariances: np.ndarray | None,
    *,
    algorithm: str,
    iterations: int,
    pool: int,
) -> Gaussian:
    """One of the two algorithms, with covariances that are known already or with those of the guess."""
    if algorithm == "simplified":
        return simplified(heard, guessed, iterations=iterations, covariances=covariances, pool_frames=pool)
    powers = np.stack([_averaged(np.mean(_power(one), axis=0), pool) for one in guessed])
    fixed = covariances is not None
    if covariances is None:
        covariances = np.stack([_moments(one[np.newaxis])[1] for one in guessed])
        covariances = wiener.normalised(_matrices(covariances[:, :, 0]))
    return em(
        heard,
        powers,
        covariances,
        iterations=iterations,
        learn_covariances=not fixed,
        pool_frames=pool,
    )


# Hermitian matrices as vectors: the diagonal, then real and imaginary parts of what lies above it, times the root of 2,
# so that the product of two vectors is the trace of the product of the matrices.


def _vectors(matrices: np.ndarray) -> np.ndarray:
    """(..., channels, channels) to real (..., channels^2)."""
    above = matrices[(..., *np.triu_indices(matrices.shape[-1], 1))] * np.sqrt(2)
    diagonal = np.diagonal(matrices, axis1=-2, axis2=-1)
    return np.concatenate([diagonal.real, above.real, above.imag], axis=-1)


def _matrices(vectors: np.ndarray) -> np.ndarray:
    channels = math.isqrt(vectors.shape[-1])
    pairs = channels * (channels - 1) // 2
    matrices = np.zeros((*vectors.shape[:-1], channels, channels), complex)
    above = (vectors[..., channels : channels + pairs] + 1j * vectors[..., channels + pairs :]) / np.sqrt(2)
    rows, columns = np.triu_indices(channels, 1)
    matrices[..., rows, columns] = above
    matrices[..., columns, rows] = above.conj()
    matrices[..., range(channels), range(channels)] = vectors[..., :channels]
    return matrices


# In what follows V is (freq, sources, frames), r is (freq, sources, channels^2), a sum of v_j R_j is (freq, channels^2,
# frames), and a matrix for each bin is an array (channels, channels, freq, frames), whose entries are worked on one
# after the other.


def _total(V: np.ndarray, r: np.ndarray) -> np.ndarray:
    """S of each bin as vectors, without the noise, real (freq, channels^2, frames)."""
    return r.swapaxes(1, 2) @ V


def _pair(total: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of S for two channels: both entries of the diagonal, and the one above it, (freq, frames) each."""
    across = np.empty(total[:, 0].shape, complex)
    across.real, across.imag = total[:, 2], total[:, 3]
    across /= np.sqrt(2)
    return total[:, 0], total[:, 1], across


def _entries(matrix: np.ndarray) -> np.ndarray:
    """A Hermitian matrix of each bin as vectors, real (freq, channels^2, frames)."""
    pairs = list(zip(*np.triu_indices(len(matrix), 1), strict=True))
    rows = [matrix[c, c].real for c in range(len(matrix))]
    rows += [np.sqrt(2) * matrix[pair].real for pair in pairs] + [np.sqrt(2) * matrix[pair].imag for pair in pairs]
    return np.stack(rows, axis=1)


def _inverse(total: np.ndarray, noise: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(S + noise I)^-1, and the logarithm of the determinant of what is inverted, (freq, frames)."""
    if total.shape[1] == 4:
        left, right, across = _pair(total)
        determinant = wiener.determinant(left, right, across, noise)
        inverse = np.array([[right + noise, -across], [-across.conj(), left + noise]])
        inverse /= determinant
        return inverse, np.log(determinant)
    matrices = _matrices(total.swapaxes(1, 2))
    matrices += np.asarray(noise)[..., np.newaxis, np.newaxis] * np.eye(matrices.shape[-1])
    return np.moveaxis(np.linalg.inv(matrices), (-2, -1), (0, 1)), np.linalg.slogdet(matrices)[1]


def _product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    every = range(len(first))
    return np.array([[sum(first[a, b] * second[b, c] for b in every) for c in every] for a in every])


def _trace(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Trace of the product of two Hermitian matrices in each bin."""
    every = range(len(first))
    return sum((first[a, b] * second[b, a]).real for a in every for b in every)


def _observed(x: np.ndarray, pool_frames: int) -> np.ndarray:
    """x x^H of each bin, averaged over frames."""
    seen = x[:, np.newaxis] * x[np.newaxis].conj()
    if pool_frames > 1:
        seen.real, seen.imag = _averaged(seen.real, pool_frames), _averaged(seen.imag, pool_frames)
    return seen


def _averaged(values: np.ndarray, pool_frames: int) -> np.ndarray:
    """Averages over so many frames around each, by a Hann window, along the last axis."""
    if pool_frames == 1:
        return values
    weights = scipy.signal.windows.hann(pool_frames + 2)[1:-1]
    return scipy.ndimage.convolve1d(values, weights / weights.sum(), axis=-1, mode="reflect")


def _maximised(
    V: np.ndarray, r: np.ndarray, inverse: np.ndarray, seen: np.ndarray, learn_covariances: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The next powers and covariances of `em`.

    With D = S^-1 x x^H S^-1 - S^-1, the expected C_j is v_j R_j + v_j^2 R_j D R_j. So tr(R_j^-1 C_j), which the new
    power is made from, needs no inverse of R_j, and the mean of C_j / v_j over frames no matrix for every bin.
    """
    D = _entries(_product(_product(inverse, seen), inverse) - inverse)
    channels = len(inverse)
    new = _at_least_something(V + V**2 * (r @ D) / channels)
    if not learn_covariances:
        return new, r
    old, R = np.divide(V, new, out=np.zeros_like(V), where=new > 0), _matrices(r)
    heard = np.maximum(np.sum(new > 0, axis=2), 1)[..., np.newaxis, np.newaxis]
    change = _matrices((old * V) @ D.swapaxes(1, 2))
    R = (R * old.sum(axis=2)[..., np.newaxis, np.newaxis] + R @ change @ R) / heard
    size: np.ndarray = np.trace(R, axis1=2, axis2=3).real[..., np.newaxis] / channels
    silent = size <= 0
    R = np.where(silent[..., np.newaxis], _matrices(r), R / np.where(silent, 1, size)[..., np.newaxis])
    return new * np.where(silent, 1, size), _vectors(R)


def _power(values: np.ndarray) -> np.ndarray:
    """|values|^2, without the root that np.abs would take."""
    return values.real**2 + values.imag**2


def _at_least_something(powers: np.ndarray) -> np.ndarray:
    """Powers, but 0 where rounding took them below it, or where they are so small that their squares vanish."""
    return np.where(powers > LEAST_POWER, powers, 0)


def _solved(total: np.ndarray, noise: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    """(S + noise I)^-1 x, (channels, freq, frames)."""
    if len(x) != 2:
        inverse = _inverse(total, noise)[0]
        return np.stack([sum(inverse[c, d] * x[d] for d in range(len(x))) for c in range(len(x))])
    return wiener.solved_pair(*_pair(total), noise, x)


def _moments(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Powers and covariances of estimates (sources, channels, freq, frames), as `simplified` takes them."""
    channels = y.shape[1]
    power = [_power(y[:, c]) for c in range(channels)]
    V = _at_least_something(_by_frequency(sum(power[1:], power[0]) / channels))
    products = np.empty((len(y), y.shape[2], channels, channels), complex)
    for c, d in zip(*np.triu_indices(channels), strict=True):
        products[..., c, d] = power[c].sum(axis=-1, dtype=np.float64) if c == d else np.vecdot(y[:, d], y[:, c])
    totals = V.sum(axis=2)[..., np.newaxis]
    return V, _vectors(products.swapaxes(0, 1)) / np.where(totals > 0, totals, 1)


def _reestimated(V: np.ndarray, r: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`_moments` of y_j = v_j R_j u without making these: they sum up to R_j (sum of v_j^2 u u^H) R_j."""
    R = _matrices(r)
    seen = _entries(u[:, np.newaxis] * u[np.newaxis].conj())
    new = _at_least_something(V**2 * (_vectors(R @ R) @ seen) / len(u))
    totals = new.sum(axis=2)[..., np.newaxis, np.newaxis]
    return new, _vectors(R @ _matrices(V**2 @ seen.swapaxes(1, 2)) @ R / np.where(totals > 0, totals, 1))


def _finish(found: Gaussian, part: slice, x: np.ndarray, V: np.ndarray, r: np.ndarray, noise: Any) -> None:
    """Filter a part of the frequencies, and write what was found into its place."""
    R = _matrices(r)[..., np.newaxis]
    found.powers[:, part], found.covariances[:, part] = V.swapaxes(0, 1), R[..., 0].swapaxes(0, 1)
    u = _solved(_total(V, r), noise, x)
    # What is left for the noise is noise times u. The last source gets what is still missing, so that nothing is.
    share = (u * (noise / V.shape[1])).astype(found.estimates.dtype)
    found.estimates[-1, :, part] = x
    y, term = np.empty_like(x[0]), np.empty_like(x[0])
    for j in range(V.shape[1] - 1):
        for c in range(len(x)):
            np.multiply(R[:, j, c, 0], u[0], out=y)
            for d in range(1, len(x)):
                y += np.multiply(R[:, j, c, d], u[d], out=term)
            estimate = found.estimates[j, c, part]
            np.multiply(y, V[:, j], out=estimate, casting="same_kind")
            estimate += share[c]
            found.estimates[-1, c, part] -= estimate


def _empty(x: np.ndarray, sources: int) -> Gaussian:
    channels, freq, frames = x.shape
    return Gaussian(
        np.empty((sources, freq, frames), np.result_type(x.real, np.float32)),
        np.empty((sources, freq, channels, channels), complex),
        np.empty((sources, *x.shape), np.result_type(x, np.complex64)),
        np.zeros(0),
    )


def _noise_in(x: np.ndarray) -> float:
    """Power of the noise; of silence any will do."""
    return float(np.max(np.abs(x), initial=0)) ** 2 * NOISE or 1.0


def _in_parts(x: np.ndarray, work: Callable[[slice], Any]) -> list[Any]:
    """Work on blocks of frequencies that stay in the processor's cache, a few at a time: none knows of the others."""
    rows = max(1, BLOCK_BINS // max(1, x.shape[2]))
    parts = [slice(start, start + rows) for start in range(0, x.shape[1], rows)]
    with concurrent.futures.ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as pool:
        return list(pool.map(work, parts))


def _by_frequency(stack: np.ndarray) -> np.ndarray:
    """(sources, freq, ...) as (freq, sources, ...)."""
    return stack.swapaxes(0, 1).astype(np.result_type(stack, np.float64))
