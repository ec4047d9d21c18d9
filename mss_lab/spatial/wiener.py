"""The multichannel Wiener filter: sources are separated by their power in each bin and by their direction.

Source j is Gaussian in every bin, with power v_j[f, n] and spatial covariance R_j[f], the relation of its channels.
The filter W_j = v_j R_j (sum over i of v_i R_i)^-1 gives the estimate y_j = W_j x with the least expected error.

Symbols: x[c, f, n] mixture of C channels, y_j estimate. Contents: filtered, normalised, solved_pair, determinant.
Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import numpy as np

from .. import checks
from ..refusals import RefusedValue

# A fraction of each bin's power is assumed to be uncorrelated noise, so that the sum can be inverted if all sources
# have the same direction. The part of the mixture that the filter assigns to this noise is shared equally.
NOISE = 1e-9

# Bins are filtered in blocks of about this many, which stay in the processor's cache.
BLOCK_BINS = 1 << 15


def filtered(mixture_stft: np.ndarray, powers: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Filter a mixture by the powers and spatial covariances of its sources.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
        x.
    powers : real >= 0 (sources, freq, frames)
        v_j, all on the same scale.
    covariances : complex or real (sources, freq, channels, channels)
        R_j, Hermitian and positive semidefinite.

    Returns
    -------
    complex (sources, channels, freq, frames)
        y_j, of the mixture's type. They add up to the mixture; a bin in which no source has power is shared equally.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the axes do not fit each other, powers are negative, or a value is not finite.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Duong, Vincent and Gribonval, IEEE TASLP 2010.
    Difference: a little noise is assumed in all channels, and shared among the sources, see `NOISE`.

    Examples
    --------
    >>> covariances = np.array([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])[:, np.newaxis]  # left only, right only
    >>> estimates = filtered(np.array([[[3.0]], [[5.0]]], complex), np.ones((2, 1, 1)), covariances)
    >>> np.round(np.abs(estimates[:, :, 0, 0]), 6)
    array([[3., 0.],
           [0., 5.]])
    """
    x, v, R = checked(mixture_stft, powers, covariances)
    estimates = np.empty((len(v), *x.shape), np.result_type(x, np.complex64))
    rows = max(1, BLOCK_BINS // max(1, x.shape[2]))
    for start in range(0, x.shape[1], rows):
        part = slice(start, start + rows)
        # In double precision: if sources have nearly the same direction, the sum is nearly singular.
        estimates[:, :, part] = _filtered(
            x[:, part].astype(np.complex128), v[:, part].astype(np.float64), R[:, part].astype(np.complex128)
        )
    return estimates


def normalised(covariances: np.ndarray) -> np.ndarray:
    """Spatial covariances (..., channels, channels), each with a trace of C; those of silence become the identity."""
    channels = covariances.shape[-1]
    traces = np.real(np.trace(covariances, axis1=-2, axis2=-1))[..., np.newaxis, np.newaxis]
    sounding = traces > 0
    return np.where(sounding, covariances * (channels / np.where(sounding, traces, 1)), np.eye(channels))


def solved_pair(
    left: np.ndarray, right: np.ndarray, across: np.ndarray, noise: float | np.ndarray, x: np.ndarray
) -> np.ndarray:
    """(S + noise I)^-1 x for two channels by Cramer's rule, (2, freq, frames); entries of S are (freq, frames)."""
    u = np.empty_like(x)
    np.multiply(right + noise, x[0], out=u[0])
    np.multiply(left + noise, x[1], out=u[1])
    u[0] -= across * x[1]
    u[1] -= np.conj(across) * x[0]
    # NumPy divides complex numbers by real ones like by complex ones; a product is several times faster.
    u *= np.reciprocal(determinant(left, right, across, noise))
    return u


def determinant(left: np.ndarray, right: np.ndarray, across: np.ndarray, noise: float | np.ndarray) -> np.ndarray:
    """Determinant of S + noise I for two channels."""
    # Rounding may make the first term negative if there is only one direction; the others never vanish.
    result: np.ndarray = np.maximum(left * right - (across.real**2 + across.imag**2), 0) + noise * (
        left + right + noise
    )
    return result


def _filtered(x: np.ndarray, v: np.ndarray, R: np.ndarray) -> np.ndarray:
    channels = len(x)
    # Scaled bin by bin, so that neither very quiet nor very loud ones overflow or underflow.
    power = np.einsum("jfn,jfcc->fn", v, R).real / channels
    sounding = power > 0
    v = v * np.where(sounding, 1 / np.where(sounding, power, 1), 0)
    if channels == 2:
        left, right = (np.einsum("jfn,jf->fn", v, R[..., c, c].real) for c in (0, 1))
        u = solved_pair(left, right, np.einsum("jfn,jf->fn", v, R[..., 0, 1]), NOISE, x)
    else:
        total = np.einsum("jfn,jfcd->fncd", v, R) + NOISE * np.eye(channels)
        u = np.moveaxis(np.linalg.solve(total, np.moveaxis(x, 0, -1)[..., np.newaxis])[..., 0], -1, 0)
    y = np.stack([v_j * np.einsum("fcd,dfn->cfn", R_j, u) for v_j, R_j in zip(v, R, strict=True)])
    result: np.ndarray = y + (x - y.sum(axis=0)) / len(y)
    return result


def checked(
    mixture_stft: np.ndarray, powers: np.ndarray, covariances: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return transform, powers and covariances as arrays that fit each other, or refuse them; see `filtered`."""
    x = checks.check_finite("mixture_stft", checks.check_axes("mixture_stft", mixture_stft, "channels freq frames"))
    v = checks.check_magnitude("powers", powers, "sources freq frames")
    R = checks.check_finite(
        "covariances", checks.check_axes("covariances", covariances, "sources freq channels others")
    )
    if not len(v):
        raise RefusedValue("powers holds no source; give at least one")
    expected_shape = (len(v), x.shape[1], len(x), len(x))
    if v.shape[1:] != x.shape[1:] or R.shape != expected_shape:
        raise checks.ShapeError(
            f"powers {v.shape} (sources, freq, frames) and covariances {R.shape} (sources, freq, channels, channels) "
            f"do not fit mixture_stft {x.shape} (channels, freq, frames); make all with one transform"
        )
    return x, v, R
