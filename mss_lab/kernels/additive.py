"""Kernel additive modelling: each source is what stays the same over its proximity kernel.

Kernel backfitting is iterative: filter the mixture with the current models; compute the power of each estimate; and use
the median of this power over the kernel of the source as the new model. Sound of other sources is an outlier in the
kernel, and outliers hardly change a median.

Symbols: x[f, n] mixture of C channels, y_j estimate, z_j its power, f_j model of the power, I_j kernel, R_j spatial
covariance of source j.

Contents: backfit, separate. Lesson: notebooks/13_horizontal_vertical_repeating.ipynb
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks, masks, memory, options, transforms
from ..chunks import FADE_S, chunks
from ..refusals import RefusedType, RefusedValue
from ..score.notes import Score
from ..silence import between_silences
from ..spatial import wiener
from .entries import KERNEL_ADDITIVE
from .period import period_of
from .proximity import Kernel, median, named, neighbours

KERNELS = "horizontal,vertical,cross,periodic"
ITERATIONS = 3

# Long enough for several repetitions of a loop, short enough for the memory of a laptop.
CHUNK_S = 45.0

# Memory for each bin of each channel: the transform; for each source, its power, its estimate, and copies of both. And
# the similarity of each pair of frames.
STFT_BYTES = 24
SOURCE_BYTES = 16
FRAME_PAIR_BYTES = 40

# The fraction of a spatial covariance that is equal uncorrelated noise in all channels, so that it can be inverted.
SPREAD = 1e-3


def backfit(
    mixture_stft: np.ndarray, kernels: Sequence[Kernel], spacing_hz: float, frame_s: float, *, iterations: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a model of the power, and of the spatial covariance, of each source.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    kernels : sequence of Kernel
        One for each source. Periodic ones must have a period.
    spacing_hz, frame_s : float > 0, Hz and seconds
        Bin spacing and hop of the transform.
    iterations : int >= 1

    Returns
    -------
    powers : float (sources, freq, frames)
        f_j.
    covariances : complex (sources, freq, channels, channels)
        R_j, with a trace of C. `spatial.wiener.filtered` turns both into estimates.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the transform has other axes or is not finite, or a kernel or number is out of its range.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Liutkus, Fitzgerald, Rafii, Pardo and Daudet,
    IEEE TSP 2014. Difference: covariances weigh frames by their power, so that silent frames have no influence.

    Examples
    --------
    >>> stft = np.zeros((1, 64, 64))
    >>> stft[0, 20], stft[0, :, 40] = 1, 1  # a sustained tone and a click
    >>> kernels = named("horizontal"), named("vertical")
    >>> powers, _ = backfit(stft, kernels, spacing_hz=10.0, frame_s=0.02, iterations=4)
    >>> np.round(powers[:, [20, 50], [10, 40]], 3)
    array([[1., 0.],
           [0., 1.]])
    """
    mixture_stft = checks.check_finite(
        "mixture_stft", checks.check_axes("mixture_stft", mixture_stft, "channels freq frames")
    )
    iterations = checks.check_number("iterations", iterations, at_least=1, whole=True)
    if not len(kernels):
        raise RefusedValue("kernels are empty; give at least one, such as 'horizontal'")
    magnitude = transforms.common_magnitude(mixture_stft)
    frame_indices = [
        None if kernel_of_source.is_shape else neighbours(kernel_of_source, magnitude, frame_s)
        for kernel_of_source in kernels
    ]
    channels, bins, _ = mixture_stft.shape
    powers = np.broadcast_to(magnitude**2 / len(kernels), (len(kernels), *magnitude.shape))
    covariances = np.broadcast_to(np.eye(channels), (len(kernels), bins, channels, channels)).astype(complex)
    for _ in range(iterations):
        estimates = _filtered(mixture_stft, powers, covariances)
        powers = np.empty(powers.shape, magnitude.dtype)
        for j, (estimate, kernel) in enumerate(zip(estimates, kernels, strict=True)):
            covariances[j] = _covariance(estimate)
            power_of_estimate = _power(estimate, covariances[j]).astype(magnitude.dtype)
            powers[j] = median(power_of_estimate, kernel, spacing_hz, frame_s, frame_indices=frame_indices[j])
    return powers, covariances


def _filtered(mixture_stft: np.ndarray, powers: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    if len(mixture_stft) == 1:
        return masks.apply(masks.wiener(powers[:, np.newaxis], exponent=1.0), mixture_stft)
    return wiener.filtered(mixture_stft, powers, covariances)


def _covariance(estimate: np.ndarray) -> np.ndarray:
    """R of an estimate (channels, freq, frames): (freq, channels, channels), never singular."""
    channels = len(estimate)
    if channels == 1:
        return np.ones((estimate.shape[1], 1, 1))
    by_bin = np.ascontiguousarray(estimate.swapaxes(0, 1))
    covariance = wiener.normalised((by_bin @ by_bin.conj().swapaxes(1, 2)).astype(np.complex128))
    return (1 - SPREAD) * covariance + SPREAD * np.eye(channels)


def _power(estimate: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """z = y^H R^-1 y / C of each bin: the power of an estimate, reduced for sound from other directions."""
    if len(estimate) == 1:
        single: np.ndarray = np.abs(estimate[0]) ** 2
        return single
    inverse = np.linalg.inv(covariance).astype(estimate.dtype)
    turned = (inverse @ estimate.swapaxes(0, 1)).swapaxes(0, 1)
    result: np.ndarray = np.maximum(np.real(np.sum(estimate.conj() * turned, axis=0)) / len(estimate), 0)
    return result


def _working_bytes(recording: memory.Recording, *, kernels: Any, window_s: float, **_: Any) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    bins, frames = recording.bins(CHUNK_S + FADE_S, settings), recording.frames(CHUNK_S + FADE_S, settings)
    bytes_per_bin = STFT_BYTES * recording.channels + SOURCE_BYTES * recording.channels * len(_by_source(kernels))
    return recording.float32_bytes + bytes_per_bin * bins + FRAME_PAIR_BYTES * frames**2


@options.within(KERNEL_ADDITIVE.options)
@memory.limited("kernel-additive", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    kernels: Mapping[str, str | Kernel] | Sequence[str | Kernel] | str = KERNELS,
    iterations: int = ITERATIONS,
    window_s: float = 4096 / 44_100,
) -> dict[str, np.ndarray]:
    """Separate sources by their proximity kernels.

    Long recordings are processed in chunks of 45 s, so that memory does not grow with their length; a missing period is
    estimated once, for all chunks.

    Parameters
    ----------
    mixture : float (channels, samples)
        With several channels, sources are also distinguished by their direction.
    sample_rate_hz : int
    score : Score, optional
        Ignored.
    kernels : dict of source name -> kernel, or kernels, or their names separated by commas
        One for each source. A kernel is made by `proximity`, or is the name of one: horizontal, vertical, cross,
        periodic, nearest. If it is not a dict, the sources are named after their kernels.
    iterations : int >= 1
        How often the models are updated.
    window_s : float > 0, seconds
        Settings of the STFT.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, or an option is out of its range.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Liutkus, Fitzgerald, Rafii, Pardo and Daudet,
    IEEE TSP 2014.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    settings = transforms.settings_for(checks.check_sample_rate(sample_rate_hz), window_s)
    sources = _by_source(kernels)
    if any(kernel.name == "periodic" and kernel.period_s is None for kernel in sources.values()):
        period_s = period_of(mixture, sample_rate_hz, settings)
        sources = {
            name: dataclasses.replace(kernel, period_s=kernel.period_s or period_s)
            if kernel.name == "periodic"
            else kernel
            for name, kernel in sources.items()
        }
    steps = sample_rate_hz / settings["window_samples"], settings["hop_samples"] / sample_rate_hz
    estimates = memory.zeros_for(sources, mixture.shape)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz, chunk_s=CHUNK_S):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        models = backfit(stft, tuple(sources.values()), *steps, iterations=iterations)
        chunk_estimates = _filtered(stft, *models)
        for estimate, chunk_estimate in zip(estimates.values(), chunk_estimates, strict=True):
            estimate[:, start:stop] += transforms.istft(chunk_estimate, stop - start, **settings) * gains
    return estimates


def _by_source(kernels: Mapping[str, str | Kernel] | Sequence[str | Kernel] | str) -> dict[str, Kernel]:
    """Kernels by the names of their sources; all names are different."""
    if isinstance(kernels, Mapping):
        by_name = {name: named(kernel) for name, kernel in kernels.items()}
    else:
        if isinstance(kernels, Kernel):
            kernels = (kernels,)
        if isinstance(kernels, bool | int | float):
            raise RefusedType(
                f"kernels must be names separated by commas, got {kernels!r}; such as horizontal,periodic"
            )
        if isinstance(kernels, str):
            kernels = tuple(part.strip() for part in kernels.split(","))
        in_order = [named(kernel) for kernel in kernels]
        by_name = {}
        for kernel in in_order:
            same_name = sum(other.name == kernel.name for other in in_order)
            number = sum(name.startswith(f"{kernel.name}_") for name in by_name) + 1
            by_name[kernel.name if same_name == 1 else f"{kernel.name}_{number}"] = kernel
    if not by_name:
        raise RefusedValue("kernels are empty; give at least one, such as 'horizontal'")
    for name in by_name:
        if not isinstance(name, str):
            raise RefusedType(f"kernels must have names (text) as keys, got {name!r}; name each source")
    return by_name
