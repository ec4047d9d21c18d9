"""The terms of multiplicative updates, which every non-negative factorisation uses.

A factor is multiplied by the quotient of two sums, first / second, whose difference is the gradient of the divergence:
where the music is louder than the model the factor grows, elsewhere it shrinks, and zeros stay zero.

Symbols: V[f, n] magnitude, W[f, k] templates, H[k, n] activations, Y = W H model, b the beta of the divergence.

Contents: model, normalise; exponent, least_model, row_blocks, activation_terms, template_terms,
improve; as_floating, join_channels, split_channels.
Lesson: notebooks/05_nmf_from_scratch.ipynb
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import checks

# The model is computed for about this many bins at a time. So no second array of the spectrogram's size is needed,
# and a block is still in the processor's cache when it is used.
BLOCK_BINS = 1 << 19


def model(templates: np.ndarray, activations: np.ndarray) -> np.ndarray:
    """The spectrogram that templates and activations describe, Y = W H.

    Parameters
    ----------
    templates : real (freq, components)
    activations : real (components, frames) or (channels, components, frames)

    Returns
    -------
    real (freq, frames) or (channels, freq, frames)

    Lesson: notebooks/05_nmf_from_scratch.ipynb

    Examples
    --------
    >>> model(np.array([[1.0], [2.0]]), np.array([[1.0, 3.0]]))
    array([[1., 3.],
           [2., 6.]])
    """
    result: np.ndarray = np.matmul(templates, activations)
    return result


def exponent(beta: float) -> float:
    """The exponent of an update that cannot raise the divergence: 1 for beta in [1, 2], less outside.

    1 / (2 - b) below 1 and 1 / (b - 1) above 2. Reference: Févotte and Idier 2011, eq. 76.
    """
    if beta < 1:
        return 1 / (2 - beta)
    return 1 / (beta - 1) if beta > 2 else 1.0


def least_model(beta: float, dtype: Any) -> float:
    """The constant that is added to the model in every bin, for a spectrogram whose largest value is near 1.

    It acts as a component that no update changes, so the theory of the updates still holds. Without it a bin that no
    component reaches would be divided by 0. It is too small to matter, and large enough that the model's power b - 2
    is a finite number.
    """
    return float(np.finfo(dtype).tiny ** (0.8 / max(1.0, 2.0 - beta)))


def activation_terms(V: np.ndarray, W: np.ndarray, H: np.ndarray, beta: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The two terms of the update of the activations, Wᵀ(V Y^(b-2)) and Wᵀ Y^(b-1).

    The divergence's gradient is the second minus the first, and the update multiplies H by their quotient.

    Parameters
    ----------
    V : float (freq, frames)
        Its largest value near 1.
    W : float (freq, components)
    H : float (components, frames)
    beta : float

    Returns
    -------
    (components, frames), and the same or (components, 1) where all frames have one value
    """
    if beta == 2:
        # A product with V on the left is faster than its transpose, in which V is on the right.
        return np.ascontiguousarray((V.T @ W).T), (W.T @ W) @ H
    first = np.zeros_like(H)
    second = W.sum(axis=0)[:, np.newaxis] if beta == 1 else np.zeros_like(H)
    for rows, weighted, power in _weighted_blocks(V, W, H, beta):
        first += W[rows].T @ weighted
        if power is not None:
            second += W[rows].T @ power
    return first, second


def template_terms(V: np.ndarray, W: np.ndarray, H: np.ndarray, beta: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The two terms of the update of the templates, (V Y^(b-2)) Hᵀ and Y^(b-1) Hᵀ; see `activation_terms`.

    Returns
    -------
    (freq, components), and the same or (1, components) where all bins have one value
    """
    if beta == 2:
        return V @ H.T, W @ (H @ H.T)
    first = np.empty_like(W)
    second = H.sum(axis=1)[np.newaxis] if beta == 1 else np.empty_like(W)
    for rows, weighted, power in _weighted_blocks(V, W, H, beta):
        np.matmul(weighted, H.T, out=first[rows])
        if power is not None:
            np.matmul(power, H.T, out=second[rows])
    return first, second


def row_blocks(V: np.ndarray) -> Iterator[slice]:
    """Slices of the frequency axis, so that each block is contiguous in memory."""
    size = max(1, BLOCK_BINS // V.shape[1])
    for start in range(0, V.shape[0], size):
        yield slice(start, start + size)


def _weighted_blocks(
    V: np.ndarray, W: np.ndarray, H: np.ndarray, beta: float
) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
    # Rows of a block, and V Y^(b-2) and Y^(b-1) in them (None for beta 1, where it is 1), in arrays that are reused.
    least = least_model(beta, V.dtype)
    arrays: list[np.ndarray] = []
    for rows in row_blocks(V):
        block = V[rows]
        if not arrays:
            arrays = [np.empty_like(block) for _ in range(1 if beta == 1 else 2)]
        Y, *rest = (array[: len(block)] for array in arrays)
        np.matmul(W[rows], H, out=Y)
        Y += least
        if beta == 1:
            yield rows, np.divide(block, Y, out=Y), None
            continue
        weighted = rest[0]
        if beta == 0:
            np.reciprocal(Y, out=Y)
            np.multiply(Y, Y, out=weighted)
        else:
            np.power(Y, beta - 2, out=weighted)
            Y *= weighted
        weighted *= block
        yield rows, weighted, Y


def improve(factor: np.ndarray, first: np.ndarray, second: np.ndarray, power: float = 1.0) -> np.ndarray:
    """A factor times (first / second) to a power: one multiplicative update, as a new array.

    Where `second` is 0 nothing depends on the factor, and it stays. Values below the smallest normal number become 0,
    because arithmetic with such numbers is slow.
    """
    numbers = np.finfo(factor.dtype)
    # Most updates have no exceptions, and testing for them is cheaper than correcting them.
    if second.min(initial=np.inf) > 0:
        quotient: np.ndarray = first / second
    else:
        quotient = np.ones_like(factor)
        np.divide(first, second, out=quotient, where=np.broadcast_to(second > 0, factor.shape))
    # So large a step divides by the remains of a template that goes to zero; 0 times infinity would be NaN.
    if quotient.max(initial=0) > numbers.max**0.5:
        np.minimum(quotient, numbers.max**0.5, out=quotient)
    if power != 1:
        np.power(quotient, power, out=quotient)
    quotient *= factor
    if quotient.min(initial=np.inf) < numbers.tiny:
        quotient[quotient < numbers.tiny] = 0
    return quotient


def normalise(templates: np.ndarray, activations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Templates whose columns add up to 1, and activations with their scale; the model is the same.

    A template of zeros stays, and its activations become 0.

    Parameters
    ----------
    templates : real >= 0 (freq, components)
    activations : real >= 0 (components, frames) or (channels, components, frames)

    Lesson: notebooks/05_nmf_from_scratch.ipynb

    Examples
    --------
    >>> templates, activations = normalise(np.array([[1.0], [3.0]]), np.array([[2.0]]))
    >>> templates.ravel(), activations
    (array([0.25, 0.75]), array([[8.]]))
    """
    totals = templates.sum(axis=0)
    return templates / np.where(totals > 0, totals, 1), activations * totals[:, np.newaxis]


def as_floating(array: np.ndarray) -> np.ndarray:
    """The array if it is float32 or float64, otherwise as float64."""
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def join_channels(name: str, array: np.ndarray) -> tuple[np.ndarray, int | None]:
    """Concatenate channels in time, (channels, rows, frames) -> (rows, channels * frames); also how many there were."""
    if np.ndim(array) == 2:
        return as_floating(checks.check_magnitude(name, array, "freq frames")), None
    array = as_floating(checks.check_magnitude(name, array, "channels freq frames"))
    return np.concatenate(list(array), axis=1) if len(array) else array.reshape(array.shape[1], 0), len(array)


def split_channels(array: np.ndarray, channels: int | None) -> np.ndarray:
    """The inverse of `join_channels`."""
    if channels is None:
        return array
    return np.ascontiguousarray(np.moveaxis(array.reshape(len(array), channels, -1), 1, 0))
