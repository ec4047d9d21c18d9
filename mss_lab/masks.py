"""Masks: which fraction of each time-frequency bin belongs to each source.

Every mask is real, in [0, 1], shaped (sources, channels, freq, frames), and adds up to 1 over the sources, also in
bins where every model is silent: those are shared equally. So the estimates that masks make add up to the mixture.

Symbols: X[f, n] mixture, S_j[f, n] model of the magnitude of source j, J sources, M_j[f, n] mask.

Contents: wiener, ratio, binary; ideal_ratio, ideal_binary; apply, to_estimates, refine.
Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb
"""

from collections.abc import Callable, Sequence

import numpy as np

from . import checks, transforms
from .refusals import RefusedValue

STACK_AXES = "sources channels freq frames"


def wiener(magnitudes: np.ndarray, exponent: float = 2.0) -> np.ndarray:
    """Generalised Wiener filter, M_j = S_j^a / sum over i of S_i^a.

    Parameters
    ----------
    magnitudes : real >= 0 (sources, channels, freq, frames)
        S_j, linear (not dB), all on one scale.
    exponent : float > 0
        a: 2 is the Wiener filter of Gaussian sources, 1 the ratio mask; the larger, the nearer to a binary mask.

    Returns
    -------
    float (sources, channels, freq, frames)
        float32 for float32 models, else float64.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the models are not such a stack of magnitudes, or the exponent is not above 0.

    Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb. Reference: Liutkus and Badeau, ICASSP 2015 (exponents);
    Cano et al., IEEE Signal Processing Magazine 2019. Difference: no small constant in the denominator, see the body.

    Examples
    --------
    >>> magnitudes = np.array([3.0, 1.0]).reshape(2, 1, 1, 1)
    >>> wiener(magnitudes).ravel()
    array([0.9, 0.1])
    """
    magnitudes = _checked_models(magnitudes)
    checks.check_number("exponent", exponent, above=0)
    # After division by the loudest model, the values lie in [0, 1] and at least one is 1: any power of them is finite,
    # their sum cannot vanish, and there is no small constant to choose.
    loudest = magnitudes.max(axis=0)
    audible = loudest > 0
    # In place, because a stack of masks takes more memory than anything else in most separations.
    shares = magnitudes / np.where(audible, loudest, 1)
    np.copyto(shares, 1, where=~audible)
    shares **= exponent
    shares /= shares.sum(axis=0)
    return shares


def ratio(magnitudes: np.ndarray) -> np.ndarray:
    """Ratio mask, M_j = S_j / sum over i of S_i: `wiener` with exponent 1.

    Parameters, result and exceptions as for `wiener`. Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb.

    Examples
    --------
    >>> ratio(np.array([3.0, 1.0]).reshape(2, 1, 1, 1)).ravel()
    array([0.75, 0.25])
    """
    return wiener(magnitudes, exponent=1.0)


def binary(magnitudes: np.ndarray) -> np.ndarray:
    """Binary mask: a bin belongs completely to the source whose model is largest there, and on a tie to the first.

    Parameters, result and exceptions as for `wiener`; bins where every model is silent are still shared equally.
    Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb. Reference: Cano et al. 2019.

    Examples
    --------
    >>> binary(np.array([3.0, 1.0]).reshape(2, 1, 1, 1)).ravel()
    array([1., 0.])
    """
    magnitudes = _checked_models(magnitudes)
    winner = magnitudes.argmax(axis=0)
    mask = np.zeros(magnitudes.shape, np.result_type(magnitudes, np.float32))
    np.put_along_axis(mask, winner[np.newaxis], 1, axis=0)
    silent = magnitudes.max(axis=0) == 0
    mask[:, silent] = 1 / len(magnitudes)
    return mask


def ideal_ratio(source_stfts: np.ndarray, exponent: float = 1.0) -> np.ndarray:
    """The ratio mask of the true sources: an upper bound, not a method.

    Parameters
    ----------
    source_stfts : complex (sources, channels, freq, frames)
        Transforms of the true sources.
    exponent : float > 0
        1 is the ideal ratio mask, 2 the oracle Wiener filter.

    Returns
    -------
    float (sources, channels, freq, frames)

    Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb. Reference: Cano et al. 2019.

    Examples
    --------
    >>> ideal_ratio(np.array([3j, 1.0]).reshape(2, 1, 1, 1)).ravel()
    array([0.75, 0.25])
    """
    return wiener(np.abs(_checked_stack("source_stfts", source_stfts)), exponent)


def ideal_binary(source_stfts: np.ndarray) -> np.ndarray:
    """The binary mask of the true sources; see `ideal_ratio`.

    Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb.

    Examples
    --------
    >>> ideal_binary(np.array([3j, 1.0]).reshape(2, 1, 1, 1)).ravel()
    array([1., 0.])
    """
    return binary(np.abs(_checked_stack("source_stfts", source_stfts)))


def apply(mask: np.ndarray, mixture_stft: np.ndarray) -> np.ndarray:
    """Filter the mixture with every mask; the estimates have the mixture's phase.

    Parameters
    ----------
    mask : real (sources, channels, freq, frames)
        A channel axis of length 1 is applied to all channels of the mixture.
    mixture_stft : complex or real (channels, freq, frames)

    Returns
    -------
    complex or real (sources, channels, freq, frames)

    Raises
    ------
    ShapeError
        If the axes do not fit each other.
    """
    mask = checks.check_axes("mask", mask, STACK_AXES)
    mixture_stft = checks.check_axes("mixture_stft", mixture_stft, "channels freq frames")
    if mask.shape[2:] != mixture_stft.shape[1:] or mask.shape[1] not in (1, mixture_stft.shape[0]):
        raise checks.ShapeError(
            f"mask {mask.shape} (sources, channels, freq, frames) does not fit mixture_stft {mixture_stft.shape} "
            "(channels, freq, frames); make both with one transform"
        )
    result: np.ndarray = mask * mixture_stft
    return result


def to_estimates(
    estimate_stfts: np.ndarray,
    names: Sequence[str],
    samples: int,
    *,
    window_samples: int,
    hop_samples: int,
    window: str = "hann",
) -> dict[str, np.ndarray]:
    """Transform estimates back to named waveforms, as the contract of a separator requires.

    Parameters
    ----------
    estimate_stfts : complex (sources, channels, freq, frames)
    names : one name per source
    samples : int
        Length of the mixture.
    window_samples, hop_samples, window
        Settings of the transform.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
    """
    estimate_stfts = _checked_stack("estimate_stfts", estimate_stfts)
    if len(names) != len(estimate_stfts):
        raise checks.ShapeError(
            f"there must be one name per source, got {len(names)} for {len(estimate_stfts)} sources"
        )
    waveforms = transforms.istft(
        estimate_stfts, samples, window_samples=window_samples, hop_samples=hop_samples, window=window
    )
    return {name: waveform.astype(np.float32, copy=False) for name, waveform in zip(names, waveforms, strict=True)}


def refine(
    mixture_stft: np.ndarray,
    magnitudes: np.ndarray,
    update: Callable[[np.ndarray], np.ndarray],
    *,
    iterations: int,
    exponent: float = 2.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Iterative refinement: mask the mixture with the models, make better models from the estimates, and repeat.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    magnitudes : real >= 0 (sources, channels, freq, frames)
        Initial models.
    update : callable
        Takes estimates (sources, channels, freq, frames), returns models of the same shape.
    iterations : int >= 0
        Number of updates; with 0 the models are used unchanged.
    exponent : float > 0
        Exponent of the generalised Wiener filter.

    Returns
    -------
    estimates : complex (sources, channels, freq, frames)
        Made with the last models; they add up to the mixture.
    magnitudes : real (sources, channels, freq, frames)
        The last models.

    Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb. Reference: Cano et al. 2019, Fig. 4.

    Examples
    --------
    >>> models = np.array([0.6, 0.4]).reshape(2, 1, 1, 1)
    >>> estimates, _ = refine(np.ones((1, 1, 1)), models, np.abs, iterations=3)
    >>> np.round(estimates.ravel(), 3)  # the louder model takes the bin
    array([0.998, 0.002])
    """
    checks.check_number("iterations", iterations, at_least=0, whole=True)
    estimates = apply(wiener(magnitudes, exponent), mixture_stft)
    for _ in range(iterations):
        updated = update(estimates)
        checks.check_same_shape("the models that update returned", updated, "estimates", estimates)
        magnitudes = updated
        estimates = apply(wiener(magnitudes, exponent), mixture_stft)
    return estimates, magnitudes


def _checked_models(magnitudes: np.ndarray) -> np.ndarray:
    magnitudes = checks.check_magnitude("magnitudes", magnitudes, STACK_AXES)
    if not len(magnitudes):
        raise RefusedValue("magnitudes holds no source; give at least one model")
    return magnitudes if magnitudes.dtype in (np.float32, np.float64) else magnitudes.astype(np.float64)


def _checked_stack(name: str, stack: np.ndarray) -> np.ndarray:
    return checks.check_finite(name, checks.check_axes(name, stack, STACK_AXES))
