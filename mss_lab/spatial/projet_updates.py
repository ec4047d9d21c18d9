"""The computations of PROJET: projections of a grid of positions, and the updates of its two factors.

All frequencies are one group, unless there are delays: then each frequency is a separate group, because the gain of a
position in a projection depends on the frequency.

Symbols as in `projet`: C (groups, directions, bins) projections, P (groups, sources, bins), Q (sources, positions),
K (groups, positions, directions), and W = Q K.

Contents: vectors_of, kernel, gains_of, exponent_of, shares, pooled_projections, grouped, blocks, iterate,
divergence_of.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import scipy.ndimage
import scipy.signal

# Updates process blocks of this many bins: they stay in the processor's cache, and their products are too small for the
# linear algebra library to use several threads, which would take longer than the products.
BLOCK_BINS = 1 << 11

# Lower bound of projections and models, relative to the mean projection: quotients then stay finite in float32.
LEAST = 1e-9


def vectors_of(angles_rad: np.ndarray, delays: Sequence[float], freq: int) -> np.ndarray:
    """Projections as vectors, complex (groups, directions, 2): one group for all frequencies if there is no delay."""
    phases = _phase_factors(delays, freq)
    left = np.broadcast_to(np.sin(angles_rad), (len(phases), len(delays), len(angles_rad)))
    right = -np.cos(angles_rad) * phases[:, :, np.newaxis]
    return np.stack([left, right], axis=-1).reshape(len(phases), -1, 2)


def kernel(angles_rad: np.ndarray, pans_rad: np.ndarray, delays: Sequence[float], freq: int, kind: str) -> np.ndarray:
    """K, float32 (groups, positions, directions): the gain of a position in a projection."""
    vectors = vectors_of(angles_rad, delays, freq)
    magnitudes = np.abs(gains_of(pans_rad, delays, freq) @ vectors.swapaxes(1, 2))
    result: np.ndarray = (magnitudes ** exponent_of(kind)).astype(np.float32)
    return result


def gains_of(pans_rad: np.ndarray, delays: Sequence[float], freq: int) -> np.ndarray:
    """Left and right gain of a source at each position, complex (groups, positions, 2)."""
    phases = np.conj(_phase_factors(delays, freq))
    left = np.broadcast_to(np.cos(pans_rad), (len(phases), len(delays), len(pans_rad)))
    right = np.sin(pans_rad) * phases[:, :, np.newaxis]
    return np.stack([left, right], axis=-1).reshape(len(phases), -1, 2)


def _phase_factors(delays: Sequence[float], freq: int) -> np.ndarray:
    """The phase factor that compensates a delay at each frequency, exp(i omega delay), complex (groups, delays)."""
    if not np.any(delays):
        return np.ones((1, len(delays)), complex)
    result: np.ndarray = np.exp(1j * np.outer(np.pi * np.arange(freq) / max(1, freq - 1), delays))
    return result


def exponent_of(kind: str) -> int:
    """The exponent a of projections: Itakura-Saito compares powers, the others magnitudes."""
    return 2 if kind == "is" else 1


def shares(models: np.ndarray, exponent: float) -> np.ndarray:
    """Masks (groups, sources, directions, bins) from models; equal masks if all models are 0."""
    loudest = models.max(axis=1, keepdims=True)
    active = loudest > 0
    claims = np.where(active, models / np.where(active, loudest, 1), np.float32(1))
    if exponent != 1:
        claims **= np.float32(exponent)
    claims /= claims.sum(axis=1, keepdims=True)
    return claims


def pooled_projections(
    mixture_stft: np.ndarray, vectors: np.ndarray, kind: str, pool_frames: int
) -> tuple[np.ndarray, float]:
    """|c_m|^a, float32 (groups, directions, bins) with a mean of 1, and its scale."""
    _, freq, frames = mixture_stft.shape
    groups, directions = vectors.shape[:2]
    level = float(np.abs(mixture_stft).max()) or 1.0
    x = grouped((mixture_stft / level).astype(np.complex64), groups)
    vectors = vectors.real.astype(np.float32) if groups == 1 else vectors.astype(np.complex64)
    weights = scipy.signal.windows.hann(pool_frames + 2)[1:-1].astype(np.float32)
    C = np.empty((groups, directions, x.shape[-1]), np.float32)
    for m in range(directions):
        c = np.abs(vectors[:, m, :1] * x[:, 0] + vectors[:, m, 1:] * x[:, 1]) ** exponent_of(kind)
        if pool_frames > 1:
            c = scipy.ndimage.convolve1d(c.reshape(freq, frames), weights / weights.sum(), axis=1, mode="reflect")
        C[:, m] = c.reshape(groups, -1)
    scale = float(C.mean(dtype=np.float64))
    if scale > 0:
        C /= np.float32(scale)
    np.maximum(C, np.float32(LEAST), out=C)
    return C, scale * level ** exponent_of(kind)


def grouped(stack: np.ndarray, groups: int) -> np.ndarray:
    """(any, freq, frames) as (groups, any, bins): all bins together, or each frequency separately."""
    return stack.reshape(1, len(stack), -1) if groups == 1 else stack.swapaxes(0, 1)


def blocks(groups: int, bins: int) -> Iterator[tuple[slice, slice, slice]]:
    """Parts of an array (groups, any, bins) that stay in the cache."""
    every = max(1, BLOCK_BINS // max(1, bins))
    for first in range(0, groups, every):
        for start in range(0, bins, BLOCK_BINS):
            yield slice(first, first + every), slice(None), slice(start, start + BLOCK_BINS)


def _pull(C: np.ndarray, P: np.ndarray, W: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The two parts of the gradient with respect to the model E of projections; None is all ones."""
    E = W.swapaxes(-1, -2) @ P
    E += np.float32(LEAST)
    if kind == "kl":
        return np.divide(C, E, out=E), None
    down = np.reciprocal(E)
    if kind == "is":
        up = C * down
        up *= down
        return up, down
    E *= 3
    square = np.square(C)
    square += np.square(E / 3)
    return down, np.divide(E, square, out=E)


def iterate(C: np.ndarray, P: np.ndarray, Q: np.ndarray, K: np.ndarray, kind: str, learn_gains: bool) -> np.ndarray:
    """Update P in place, then return the updated Q; its rows add up to 1."""
    W = Q @ K
    ups = downs = np.float32(0)
    for block in blocks(*P.shape[::2]):
        w, c, p = W[block[0]], C[block], P[block]
        up, down = _pull(c, p, w, kind)
        p *= (w @ up) / (w.sum(axis=2, keepdims=True) if down is None else w @ down)
        np.maximum(p, np.float32(LEAST), out=p)
        if not learn_gains:
            continue
        up, down = _pull(c, p, w, kind)
        k = K[block[0]].swapaxes(1, 2)
        ups = ups + ((p @ up.swapaxes(1, 2)) @ k).sum(axis=0, dtype=np.float64)
        downs = downs + (
            (p.sum(axis=2, keepdims=True) * k.sum(axis=1, keepdims=True))
            if down is None
            else (p @ down.swapaxes(1, 2)) @ k
        ).sum(axis=0, dtype=np.float64)
    if not learn_gains:
        return Q
    Q = Q * (ups / np.maximum(downs, LEAST))
    totals = Q.sum(axis=1, keepdims=True)
    P *= totals.astype(np.float32)
    result: np.ndarray = (Q / totals).astype(np.float32)
    return result


def divergence_of(C: np.ndarray, P: np.ndarray, W: np.ndarray, kind: str) -> float:
    """The divergence between projections and model, up to a constant."""
    total = 0.0
    for block in blocks(*P.shape[::2]):
        c = C[block].astype(np.float64)
        E = W[block[0]].swapaxes(1, 2).astype(np.float64) @ P[block] + LEAST
        if kind == "kl":
            total += float(np.sum(c * np.log(c / E) - c + E))
        elif kind == "is":
            total += float(np.sum(c / E - np.log(c / E) - 1))
        else:
            # Minus the log-likelihood of an isotropic complex Cauchy variable, without a constant.
            total += float(np.sum(1.5 * np.log(c * c + E * E) - np.log(E)))
    return total
