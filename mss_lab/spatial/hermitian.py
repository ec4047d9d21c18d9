"""Hermitian matrices, one for each frequency, source or frame, without a matrix product for each of them.

As a vector, a Hermitian matrix of C channels is C^2 real numbers: the diagonal, then real and imaginary parts of the
entries above it, times the square root of 2, so that the product of two vectors is the trace of the product of the
matrices. Sums over sources and frames are then products of such vectors with powers, frequency by frequency.

Symbols: V (freq, sources, frames) powers v_j, r (freq, sources, channels^2) covariances R_j as vectors, S the sum of
v_j R_j. A matrix for each bin is an array (channels, channels, freq, frames), whose entries are processed one by one.

Contents: as_vectors, as_matrices, summed, bins_as_vectors, inverted, multiplied, trace_of_product, solve.
"""

import math

import numpy as np

from . import wiener


def as_vectors(matrices: np.ndarray) -> np.ndarray:
    """(..., channels, channels) to real (..., channels^2)."""
    above = matrices[(..., *np.triu_indices(matrices.shape[-1], 1))] * np.sqrt(2)
    diagonal = np.diagonal(matrices, axis1=-2, axis2=-1)
    return np.concatenate([diagonal.real, above.real, above.imag], axis=-1)


def as_matrices(vectors: np.ndarray) -> np.ndarray:
    """Real (..., channels^2) to complex (..., channels, channels)."""
    channels = math.isqrt(vectors.shape[-1])
    pairs = channels * (channels - 1) // 2
    matrices = np.zeros((*vectors.shape[:-1], channels, channels), complex)
    above = (vectors[..., channels : channels + pairs] + 1j * vectors[..., channels + pairs :]) / np.sqrt(2)
    rows, columns = np.triu_indices(channels, 1)
    matrices[..., rows, columns] = above
    matrices[..., columns, rows] = above.conj()
    matrices[..., range(channels), range(channels)] = vectors[..., :channels]
    return matrices


def summed(V: np.ndarray, r: np.ndarray) -> np.ndarray:
    """S of each bin as vectors, without the noise, real (freq, channels^2, frames)."""
    result: np.ndarray = r.swapaxes(1, 2) @ V
    return result


def _pair(total: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The entries of S for two channels: both of the diagonal, and the one above it, (freq, frames) each."""
    across = np.empty(total[:, 0].shape, complex)
    across.real, across.imag = total[:, 2], total[:, 3]
    across /= np.sqrt(2)
    return total[:, 0], total[:, 1], across


def bins_as_vectors(matrix: np.ndarray) -> np.ndarray:
    """A Hermitian matrix of each bin as vectors, real (freq, channels^2, frames)."""
    pairs = list(zip(*np.triu_indices(len(matrix), 1), strict=True))
    rows = [matrix[c, c].real for c in range(len(matrix))]
    rows += [np.sqrt(2) * matrix[pair].real for pair in pairs] + [np.sqrt(2) * matrix[pair].imag for pair in pairs]
    return np.stack(rows, axis=1)


def inverted(total: np.ndarray, noise: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(S + noise I)^-1, and the logarithm of the determinant of S + noise I, (freq, frames)."""
    if total.shape[1] == 4:
        left, right, across = _pair(total)
        determinant = wiener.determinant(left, right, across, noise)
        inverse = np.array([[right + noise, -across], [-across.conj(), left + noise]])
        inverse /= determinant
        return inverse, np.log(determinant)
    matrices = as_matrices(total.swapaxes(1, 2))
    matrices += np.asarray(noise)[..., np.newaxis, np.newaxis] * np.eye(matrices.shape[-1])
    return np.moveaxis(np.linalg.inv(matrices), (-2, -1), (0, 1)), np.linalg.slogdet(matrices)[1]


def multiplied(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The product of two matrices in each bin."""
    every = range(len(first))
    return np.array([[sum(first[a, b] * second[b, c] for b in every) for c in every] for a in every])


def trace_of_product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Trace of the product of two Hermitian matrices in each bin."""
    every = range(len(first))
    result: np.ndarray = sum((first[a, b] * second[b, a]).real for a in every for b in every)
    return result


def solve(total: np.ndarray, noise: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    """(S + noise I)^-1 x, (channels, freq, frames)."""
    if len(x) != 2:
        inverse = inverted(total, noise)[0]
        return np.stack([sum(inverse[c, d] * x[d] for d in range(len(x))) for c in range(len(x))])
    return wiener.solved_pair(*_pair(total), noise, x)
