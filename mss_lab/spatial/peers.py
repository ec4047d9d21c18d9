"""Separation by independence with a model of each source, by the package pyroomacoustics: for comparison.

FastMNMF models each source by low-rank powers and a spatial covariance, for any number of sources. ILRMA and AuxIVA use
a separate unmixing matrix for each frequency, so that sources may be delayed and reverberant, but there must be as many
sources as channels.

All three use NumPy's global generator, so it is seeded before and restored afterwards. They are for recordings of about
half a minute: they learn from all frames at once, and memory grows with the length.

Contents: fastmnmf, ilrma, auxiva. Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from .. import checks, masks, memory, options, transforms
from ..common_rate import at_common_rate
from ..refusals import require, warn_caller
from ..silence import between_silences
from . import panning
from .entries import AUXIVA, FASTMNMF, ILRMA

WINDOW_S = 4096 / 44_100
RUNS = 3

# Memory for each bin of one channel's transform: per source, the sum of the images of all runs and those of the current
# one, and the arrays of the library; and arrays that do not depend on their number, in double precision.
SOURCE_BYTES = 100
COMMON_BYTES = 200

# Standard deviation of the noise that is added for the library, for a mixture with a mean power of 1: -80 dB.
LEAST = 1e-4

# A run that fails may return NaN, or estimates that are huge and cancel; results whose total power is more than this
# many times that of the mixture are rejected.
LOUDEST = 100.0


def _working_bytes(
    recording: memory.Recording, *, window_s: float, count: int = 2, components: int = 1, **_: Any
) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    bins = memory.spectrogram_bins(recording.samples, settings)
    sources = memory.amount(count, 2)
    frames = recording.samples // settings["hop_samples"]
    factors = 16 * sources * memory.amount(components, 1) * (settings["window_samples"] // 2 + frames)
    return recording.float32_bytes + (COMMON_BYTES + SOURCE_BYTES * sources) * bins + factors


@options.within(FASTMNMF.options)
@memory.limited("fastmnmf", _working_bytes)
@between_silences
@at_common_rate
def fastmnmf(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    count: int = 3,
    iterations: int = 30,
    components: int = 8,
    runs: int = RUNS,
    window_s: float = WINDOW_S,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Separate by FastMNMF: powers of low rank, and a spatial covariance for each source and frequency.

    The result depends on random initial values, so several runs are made. Their estimates are brought into one order,
    in which their spectrograms are most alike, and averaged: where the runs differ, their errors partly cancel.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : ignored
    count : int >= 2
        The number of sources.
    iterations, components : int >= 1
        Passed to pyroomacoustics' fastmnmf; components are counted for each source.
    runs : int >= 1
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate.
    rng : numpy.random.Generator, optional
        Draws the seeds of the runs. Default: a new generator with seed 0.

    Returns
    -------
    dict of source_1, source_2, ... -> float32 (2, samples)
        They add up to the mixture.

    Raises
    ------
    MissingExtra
        If pyroomacoustics is not installed.
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, an option is out of its range, or it is so long that it takes too much memory;
        see `mss_lab.memory`.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Sekiguchi et al., IEEE/ACM TASLP 2020.
    Difference: the difference between mixture and estimates is shared equally.
    """
    mixture, sample_rate_hz, rng = _checked(mixture, sample_rate_hz, rng)
    bss = _library().bss

    def run(stft: np.ndarray) -> np.ndarray:
        # In single precision to save memory; the library uses the type of its input.
        stft = stft.astype(np.complex64)
        images = bss.fastmnmf(stft, n_src=count, n_iter=iterations, n_components=components, mic_index="all")
        return np.asarray(images).transpose(3, 0, 2, 1)

    return _separated(mixture, sample_rate_hz, count, run, runs, window_s, rng)


@options.within(ILRMA.options)
@memory.limited("ilrma", _working_bytes)
@between_silences
def ilrma(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    iterations: int = 50,
    components: int = 4,
    runs: int = RUNS,
    window_s: float = WINDOW_S,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Separate two sources by ILRMA: a matrix for each frequency, and powers of low rank for each source.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : ignored
    iterations, components : int >= 1
        Passed to pyroomacoustics' ilrma; components are counted for each source.
    runs : int >= 1
        The initial values are random; the estimates of all runs are averaged, as for `fastmnmf`.
    window_s, rng
        As for `fastmnmf`.

    Returns
    -------
    dict of source_1, source_2 -> float32 (2, samples)
        They add up to the mixture.

    Raises
    ------
    MissingExtra
        If pyroomacoustics is not installed.
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, an option is out of its range, or it is so long that it takes too much memory;
        see `mss_lab.memory`.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Kitamura et al., IEEE/ACM TASLP 2016.
    """
    mixture, sample_rate_hz, rng = _checked(mixture, sample_rate_hz, rng)
    bss = _library().bss

    def run(stft: np.ndarray) -> np.ndarray:
        return _images(stft, bss.ilrma(stft, n_iter=iterations, n_components=components, proj_back=False))

    return _separated(mixture, sample_rate_hz, 2, run, runs, window_s, rng)


@options.within(AUXIVA.options)
@memory.limited("auxiva", _working_bytes)
@between_silences
def auxiva(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    iterations: int = 30,
    model: str = "laplace",
    window_s: float = WINDOW_S,
) -> dict[str, np.ndarray]:
    """Separate two sources by AuxIVA: a matrix for each frequency, and all frequencies of a source loud together.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : ignored
    iterations : int >= 1
    model : {"laplace", "gauss"}
        The distribution of a source's loudness over frames.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate.

    Returns
    -------
    dict of source_1, source_2 -> float32 (2, samples)
        They add up to the mixture.

    Raises
    ------
    MissingExtra
        If pyroomacoustics is not installed.
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, an option is out of its range, or it is so long that it takes too much memory;
        see `mss_lab.memory`.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Ono, WASPAA 2011.
    """
    mixture, sample_rate_hz, rng = _checked(mixture, sample_rate_hz, None)
    bss = _library().bss

    def run(stft: np.ndarray) -> np.ndarray:
        return _images(stft, bss.auxiva(stft, n_iter=iterations, proj_back=False, model=model))

    return _separated(mixture, sample_rate_hz, 2, run, 1, window_s, rng)


def _library() -> ModuleType:
    return require("pyroomacoustics", "this method")


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, and restore its state afterwards."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _checked(
    mixture: np.ndarray, sample_rate_hz: int, rng: np.random.Generator | None
) -> tuple[np.ndarray, int, np.random.Generator]:
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    return mixture, sample_rate_hz, np.random.default_rng(0) if rng is None else rng


def _separated(
    mixture: np.ndarray,
    sample_rate_hz: int,
    count: int,
    run: Callable[[np.ndarray], np.ndarray],
    runs: int,
    window_s: float,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Average the images of all runs; `run` maps (frames, freq, channels) to images."""
    names = tuple(f"source_{number + 1}" for number in range(count))
    settings = transforms.settings_for(sample_rate_hz, window_s)
    stft = transforms.stft(mixture, **settings)
    level = float(np.sqrt(np.mean(np.abs(stft) ** 2, dtype=np.float64)))
    if level == 0:
        return {name: np.zeros(mixture.shape, np.float32) for name in names}
    # Scaled, so that the library's own small constants have the same meaning for every recording; a trace of noise
    # makes all matrices invertible for equal channels and digital silence.
    scaled = (stft / level).astype(np.complex128)
    draws = rng.standard_normal((2, *scaled.shape))
    disturbed = (scaled + LEAST * (draws[0] + 1j * draws[1])).transpose(2, 1, 0)
    total, kept_runs = np.zeros((count, *scaled.shape), np.complex64), 0
    for seed in rng.integers(0, 2**32, size=runs):
        with _seeded(int(seed)), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                images = run(disturbed.copy())
            except np.linalg.LinAlgError:
                continue
            total_power = float(np.sum(np.abs(images) ** 2))
        # A power that is not finite is rejected, too.
        if total_power <= LOUDEST * scaled.size:
            order = _order_like(total, images) if kept_runs else range(count)
            # One source after the other, without a copy of all images.
            for sum_of_runs, index in zip(total, order, strict=True):
                sum_of_runs += images[index]
            kept_runs += 1
    if not kept_runs:
        warn_caller(
            "the sources of this mixture cannot be distinguished, for example because it is very short or both "
            "channels are equal: each gets an equal share. Choose another method for it",
            panning.PanWarning,
        )
    mean = total / max(kept_runs, 1)
    mean = mean + (scaled - mean.sum(axis=0)) / count
    return masks.to_estimates((level * mean).astype(np.complex64), names, mixture.shape[1], **settings)


def _order_like(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The order of other images in which their spectrograms are most like those of `images`: int (sources,)."""
    sizes = []
    for array in (images, others):
        size = np.sqrt(np.sum(np.abs(array) ** 2, axis=1)).reshape(len(array), -1)
        sizes.append(size / np.maximum(np.linalg.norm(size, axis=1, keepdims=True), np.finfo(float).tiny))
    order: np.ndarray = linear_sum_assignment(sizes[0] @ sizes[1].T, maximize=True)[1]
    return order


def _images(stft: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Source images (sources, channels, freq, frames) from unmixed (frames, freq, sources), by projecting back.

    The gains are those with which the outputs of a frequency add up to the mixture: outputs are the mixture times a
    matrix, so such gains exist.
    """
    x, y = stft.transpose(1, 2, 0), outputs.transpose(1, 2, 0)
    gains = (x @ y.conj().swapaxes(1, 2)) @ np.linalg.pinv(y @ y.conj().swapaxes(1, 2), hermitian=True)
    result: np.ndarray = np.einsum("fcj,fjn->jcfn", gains, y)
    return result
