"""Robust PCA: divide a matrix into the sum of a matrix of low rank, which repeats, and a sparse one, which does not.

A spectrogram whose columns are sums of a few spectra has a low rank; loops and sustained chords nearly do. A voice over
them fills few bins, and never the same. Of all sums M = L + S, robust PCA finds the one with the smallest

    ||L||_* + lambda ||S||_1,

the sum of the singular values of L and the sum of the absolute values of S. The method has no model of a voice:
everything that does not repeat and fills few bins is sparse, drums included.

Symbols: M[f, n] magnitude, L low-rank part, S sparse part, Y multipliers, mu weight of the constraint, rho its growth,
sigma_1 largest singular value of M. Contents: RobustPca, robust_pca, separate.
Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import dataclasses
import math
from typing import Any

import numpy as np
import scipy.linalg

from . import checks, masks, memory, options, transforms
from .chunks import CHUNK_S, FADE_S, chunks
from .lowrank_entries import ROBUST_PCA
from .refusals import RefusedType, RefusedValue
from .silence import between_silences

WINDOW_S = 1024 / 16_000
HIGHPASS_HZ = 100.0

# Memory for each bin: the matrices in double precision, and of each channel its transform.
MATRIX_BYTES = 80
STFT_BYTES = 16

# Growth of mu in each iteration, and its limit.
GROWTH = 1.5
MOST_GROWTH = 1e7

# The randomised method computes this many more singular values than the last iteration, plus this fraction of them.
SPARE = 20
SPARE_SHARE = 0.5


@dataclasses.dataclass(frozen=True)
class RobustPca:
    """The result of `robust_pca`.

    Attributes
    ----------
    low_rank, sparse : float64, shape of the matrix
        L and S.
    rank : int
        Rank of L.
    iterations : int
        The number of iterations.
    errors : float64 (iterations,)
        ||M - L - S|| / ||M|| after each iteration.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """

    low_rank: np.ndarray
    sparse: np.ndarray
    rank: int
    iterations: int
    errors: np.ndarray


def robust_pca(
    matrix: np.ndarray,
    *,
    gain: float = 1.0,
    iterations: int = 100,
    tolerance: float = 1e-7,
    svd: str = "exact",
    rng: np.random.Generator | None = None,
) -> RobustPca:
    """Divide a matrix into one of low rank and a sparse one, by inexact augmented Lagrange multipliers.

    Parameters
    ----------
    matrix : real (rows, columns)
        M.
    gain : float > 0
        lambda = gain / sqrt(max(rows, columns)): the larger, the sparser S, and the higher the rank of L.
    iterations : int >= 1
        The largest number of iterations.
    tolerance : float > 0
        Stop when ||M - L - S|| is below this fraction of ||M||.
    svd : {"exact", "randomised"}
        How singular values are computed. "randomised" computes a few more than the last iteration needed, within a
        subspace that starts from the last one: faster while the rank is low, and slightly less exact.
    rng : numpy.random.Generator, optional
        For the randomised method. Default: a new generator with seed 0.

    Returns
    -------
    RobustPca

    Raises
    ------
    ShapeError, TypeError, ValueError
        If it is not a matrix, is empty or not finite, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Candès, Li, Ma and Wright, JACM 2011; Lin, Chen
    and Ma, 2010 (inexact ALM); Huang, Chen, Smaragdis and Hasegawa-Johnson, ICASSP 2012 (voices). Difference: singular
    values are computed from the smaller of M Mᵀ and Mᵀ M, always in float64.

    Examples
    --------
    >>> repeating, rare = np.outer(np.arange(1.0, 21), np.ones(30)), np.zeros((20, 30))
    >>> rare[3, 7] = 50.0
    >>> factors = robust_pca(repeating + rare)
    >>> factors.rank, bool(np.allclose(factors.sparse, rare, atol=0.01))
    (1, True)
    """
    M = _checked_matrix(matrix)
    checks.check_number("gain", gain, above=0)
    iterations = checks.check_number("iterations", iterations, at_least=1, whole=True)
    checks.check_number("tolerance", tolerance, above=0)
    checks.check_choice("svd", svd, ("exact", "randomised"))
    rng = np.random.default_rng(0) if rng is None else checks.check_generator("rng", rng)
    scale = float(np.abs(M).max())
    if scale == 0:
        return RobustPca(np.zeros_like(M), np.zeros_like(M), 0, 0, np.zeros(0))
    # Scaled, so that a matrix at another level takes the same steps; and wider than high, so that the left Gram matrix
    # is the small one. The loop works in place where it can: a matrix of half a minute of music is 20 MB.
    transposed = len(M) > M.shape[1]
    M = (M.T if transposed else M) / scale
    penalty = gain / math.sqrt(max(M.shape))
    largest = math.sqrt(float(scipy.linalg.eigvalsh(M @ M.T, subset_by_index=[len(M) - 1] * 2)[0]))
    mu = 1.25 / largest
    most = MOST_GROWTH * mu
    Y = M / max(largest, 1 / penalty)
    S = np.zeros_like(M)
    norm = np.linalg.norm(M)
    shrunk = _Exact() if svd == "exact" else _Randomised(rng)
    errors: list[float] = []
    while len(errors) < iterations and (not errors or errors[-1] >= tolerance):
        L, rank = shrunk(M - S + Y / mu, 1 / mu)
        rest = M - L
        S = _soft(rest + Y / mu, penalty / mu)
        rest -= S
        Y += mu * rest
        mu = min(GROWTH * mu, most)
        errors.append(float(np.linalg.norm(rest) / norm))
    L, S = L * scale, S * scale
    return RobustPca(L.T if transposed else L, S.T if transposed else S, rank, len(errors), np.array(errors))


def _working_bytes(recording: memory.Recording, *, window_s: float, chunk_s: float, **_: Any) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    bins = recording.bins(memory.amount(chunk_s, CHUNK_S) + FADE_S, settings)
    return recording.float32_bytes + (MATRIX_BYTES + STFT_BYTES * recording.channels) * bins


@options.within(ROBUST_PCA.options)
@memory.limited("robust-pca", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    gain: float = 1.0,
    mask: str = "soft",
    mask_gain: float = 1.0,
    highpass_hz: float = HIGHPASS_HZ,
    window_s: float = WINDOW_S,
    iterations: int = 100,
    tolerance: float = 1e-3,
    svd: str = "randomised",
    chunk_s: float = CHUNK_S,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Separate a voice, as the sparse part, from an accompaniment that repeats.

    Long recordings are processed in chunks, so that memory does not grow with their length.

    Parameters
    ----------
    mixture : float (channels, samples)
        The matrix is the root of the mean power of all channels; one mask is applied to all of them.
    sample_rate_hz : int
    score
        Ignored.
    gain : float > 0
        Passed to `robust_pca`: the larger, the less is called voice.
    mask : {"soft", "binary"}
        A bin belongs to the voice by |S| / (|S| + |L|), or completely where |S| is larger.
    mask_gain : float > 0
        |L| is multiplied by it before the comparison: the larger, the less is called voice.
    highpass_hz : float >= 0, Hz
        Frequencies below are accompaniment: no voice sings there, and kick drums would be part of S.
    window_s : float > 0, seconds
        Length of the STFT's window; the hop is a quarter of it.
    iterations, tolerance, svd, rng
        Passed to `robust_pca`. The tolerance is large, because masks need no seven decimals.
    chunk_s : float >= 2 s
        Length of a chunk.

    Returns
    -------
    dict of "voice" and "accompaniment" -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Huang, Chen, Smaragdis and Hasegawa-Johnson,
    ICASSP 2012. Difference: soft masks by default, and the high-pass filter.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    rng = np.random.default_rng(0) if rng is None else rng
    settings = transforms.settings_for(sample_rate_hz, window_s)
    low = transforms.stft_frequencies_hz(settings["window_samples"], sample_rate_hz) < highpass_hz
    voice = np.zeros(mixture.shape, np.float32)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz, chunk_s=chunk_s):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        magnitude = transforms.common_magnitude(stft)
        factors = robust_pca(magnitude, gain=gain, iterations=iterations, tolerance=tolerance, svd=svd, rng=rng)
        models = np.abs([factors.sparse, mask_gain * factors.low_rank])[:, np.newaxis]
        share = (masks.ratio if mask == "soft" else masks.binary)(models)[0].astype(np.float32)
        share[:, low] = 0
        voice[:, start:stop] += gains * transforms.istft(stft * share, stop - start, **settings)
    return {"voice": voice, "accompaniment": mixture - voice}


def _soft(values: np.ndarray, threshold: float) -> np.ndarray:
    """Move every value towards 0 by the threshold, and no further than 0."""
    result: np.ndarray = values - np.clip(values, -threshold, threshold)
    return result


class _Exact:
    """Shrink the singular values of a wide matrix by a threshold; returns the matrix and its rank."""

    def __call__(self, matrix: np.ndarray, threshold: float) -> tuple[np.ndarray, int]:
        powers, vectors = scipy.linalg.eigh(matrix @ matrix.T, subset_by_value=(threshold**2, np.inf))
        return (vectors * (1 - threshold / np.sqrt(powers))) @ (vectors.T @ matrix), len(powers)


class _Randomised:
    """The same, within a subspace that starts from the previous one and from a few random directions."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.exact = _Exact()
        self.rank = 0
        self.vectors: np.ndarray | None = None

    def __call__(self, matrix: np.ndarray, threshold: float) -> tuple[np.ndarray, int]:
        rows = len(matrix)
        size = self.rank + SPARE + round(SPARE_SHARE * self.rank)
        # A larger subspace costs more than the whole space.
        while size < rows // 3:
            start = self.rng.standard_normal((rows, size))
            if self.vectors is not None:
                start[:, : self.rank] = self.vectors
            basis = np.linalg.qr(matrix @ (matrix.T @ start))[0]
            projected = basis.T @ matrix
            powers, vectors = scipy.linalg.eigh(projected @ projected.T, subset_by_value=(threshold**2, np.inf))
            if len(powers) < size - SPARE // 2:
                self.rank, self.vectors = len(powers), basis @ vectors
                return (self.vectors * (1 - threshold / np.sqrt(powers))) @ (vectors.T @ projected), self.rank
            size *= 2
        shrunk, self.rank = self.exact(matrix, threshold)
        self.vectors = None
        return shrunk, self.rank


def _checked_matrix(matrix: np.ndarray) -> np.ndarray:
    matrix = checks.check_finite("matrix", checks.check_axes("matrix", matrix, "rows columns"))
    if np.iscomplexobj(matrix):
        raise RefusedType(f"matrix must be real, got {matrix.dtype}; take np.abs first")
    if not matrix.size:
        raise RefusedValue(f"matrix must hold at least one value, got shape {matrix.shape}; check how it was made")
    return matrix.astype(np.float64)
