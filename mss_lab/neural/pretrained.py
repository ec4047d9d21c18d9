"""Models that others trained on pop songs, for comparison: Hybrid Transformer Demucs, and Open-Unmix.

Both separate a song into vocals, drums, bass and the rest. They come from the packages demucs and openunmix, which the
extra `[pretrained]` installs. Their weights are not shipped: they are loaded once from another computer, or read from a
folder that the option `weights` names (`mss_lab.neural.pretrained_weights`). No lesson needs them.

A recording is resampled to the rate of the model, separated in segments, and its estimates are resampled back piece by
piece, so that memory holds one or two segments besides the recording and the result.

Contents: htdemucs, open_unmix. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import contextlib
import os
import random
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

from .. import audio, checks, memory, options
from ..method import Method
from ..refusals import MissingExtra, ShapeError, require
from ..silence import between_silences
from . import apply
from .apply import Chunk
from .entries import HTDEMUCS, OPEN_UNMIX
from .pretrained_weights import PURPOSE, TARGETS, demucs_model, open_unmix_models

# Working memory that was measured: of htdemucs for one segment, of which there is one at a time; and of Open-Unmix at
# once and for a second of a chunk. A recording in mono takes as much, since both channels are separated.
HTDEMUCS_BYTES = 470e6
OPEN_UNMIX_BYTES = 20e6
OPEN_UNMIX_BYTES_A_SECOND = 30e6

# Memory of a second of all estimates at the model's rate and at the recording's.
ESTIMATE_BYTES_A_SECOND = 3 * 4 * 2 * len(TARGETS) * 44_100

# Length of the blocks that are resampled or added up at a time.
BLOCK_S = 10.0

# Shorter input is padded with zeros to this many windows of Open-Unmix, since its transform reflects the ends.
LEAST_WINDOWS = 2

Estimates = dict[str, np.ndarray]


def _htdemucs_bytes(recording: memory.Recording, **_: Any) -> float:
    return HTDEMUCS_BYTES + 20 * ESTIMATE_BYTES_A_SECOND


def _open_unmix_bytes(recording: memory.Recording, *, chunk_s: float, overlap_s: float, **_: Any) -> float:
    read_s = min(
        recording.samples / recording.sample_rate_hz,
        memory.amount(chunk_s, apply.CHUNK_S) + memory.amount(overlap_s, apply.OVERLAP_S),
    )
    return OPEN_UNMIX_BYTES + (OPEN_UNMIX_BYTES_A_SECOND + ESTIMATE_BYTES_A_SECOND) * read_s


@options.within(HTDEMUCS.options)
@memory.limited("htdemucs", _htdemucs_bytes)
@between_silences
def htdemucs(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    overlap: float = 0.25,
    weights: str | os.PathLike[str] | None = None,
) -> Estimates:
    """Separate by Hybrid Transformer Demucs: a network on the waveform and a network on the STFT, joined.

    The estimates are those of the package's own separation without random shifts, which cuts the recording into
    segments and joins them. They do not depend on the level of the recording.

    Parameters
    ----------
    mixture : float (1 or 2, samples)
        Mono is passed to both channels, and the estimates of both are averaged.
    sample_rate_hz : int
        Frequencies above half the model's rate, 44.1 kHz, are in no estimate.
    score : ignored
    overlap : float in [0, 0.9]
        The share of a segment that the next one covers, too.
    weights : path, optional
        NAME.safetensors or NAME.th of the package demucs, or a folder with one such file. Default: the file
        955717e8.safetensors of the repository adefossez/HTDemucs on the Hugging Face hub; it is loaded once, with a
        progress bar that states its size, and kept in the folder that huggingface_hub uses.

    Returns
    -------
    dict of vocals, drums, bass, rest -> float32 (channels, samples)

    Raises
    ------
    MissingExtra
        If the package demucs is not installed.
    MissingDownload
        If the weights must be loaded, and cannot be.
    FileNotFoundError, ShapeError, TypeError, ValueError
        If the mixture has more than two channels, an option is out of its range, or the file is missing or is no such
        model; see `mss_lab.neural.pretrained_weights.demucs_model`.

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Rouard, Massa and Défossez, ICASSP 2023.
    """
    mixture, sample_rate_hz = _checked(HTDEMUCS, mixture, sample_rate_hz)
    if not mixture.any():
        return memory.zeros_for(TARGETS, mixture.shape)
    model = demucs_model(weights)
    segments = _demucs_segments(model, mixture, sample_rate_hz, overlap)
    return _separated(mixture, sample_rate_hz, int(model.samplerate), segments)


@options.within(OPEN_UNMIX.options)
@memory.limited("open-unmix", _open_unmix_bytes)
@between_silences
def open_unmix(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    chunk_s: float = apply.CHUNK_S,
    overlap_s: float = apply.OVERLAP_S,
    iterations: int = 1,
    weights: str | os.PathLike[str] | None = None,
) -> Estimates:
    """Separate by Open-Unmix: a recurrent network for each source predicts its magnitudes, and a Wiener filter follows.

    A recording that is not longer than a chunk is separated exactly as by the package itself. In a longer one,
    neighbouring chunks fade into each other. As in the package, the network reads the recording at its own level, and
    was trained at the level of music on a record.

    Parameters
    ----------
    mixture : float (1 or 2, samples)
        Mono is passed to both channels, and the estimates of both are averaged.
    sample_rate_hz : int
        Frequencies above half the model's rate, 44.1 kHz, are in no estimate.
    score : ignored
    chunk_s, overlap_s : float, seconds
        As for `mss_lab.neural.apply.separate`.
    iterations : int >= 0
        Iterations of the Wiener filter, which uses the positions of the sources; 0 keeps the mixture's phase.
    weights : path, optional
        A folder with separator.json, and TARGET.json and TARGET*.pth for each of vocals, drums, bass and other.
        Default: the four files of the model umxhq, 142 MB together, which are loaded once from zenodo.org and kept in
        the folder that torch.hub uses.

    Returns
    -------
    dict of vocals, drums, bass, rest -> float32 (channels, samples)

    Raises
    ------
    MissingExtra
        If the package openunmix is not installed.
    MissingDownload
        If the weights must be loaded, and cannot be.
    FileNotFoundError, ShapeError, TypeError, ValueError
        If the mixture has more than two channels, an option is out of its range, or a file is missing or belongs to
        another model; see `mss_lab.neural.pretrained_weights.open_unmix_models`.

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Stöter, Uhlich, Liutkus and Mitsufuji, JOSS 2019.
    """
    mixture, sample_rate_hz = _checked(OPEN_UNMIX, mixture, sample_rate_hz)
    apply.check_lengths(chunk_s, overlap_s)
    if not mixture.any():
        return memory.zeros_for(TARGETS, mixture.shape)
    models = open_unmix_models(weights)
    rate_hz, hop = models.sample_rate_hz, models.hop_samples
    separator = require("openunmix.model", PURPOSE).Separator(
        models.targets, niter=iterations, sample_rate=rate_hz, n_fft=models.window_samples, n_hop=hop, nb_channels=2
    )
    separator.eval()

    def separated(waveform: np.ndarray) -> np.ndarray:
        samples = waveform.shape[1]
        if not waveform.any():
            return np.zeros((2 * len(TARGETS), samples), np.float32)
        missing = max(0, LEAST_WINDOWS * models.window_samples - samples)
        padded = torch.from_numpy(np.pad(waveform, ((0, 0), (0, missing))))[np.newaxis]
        with torch.inference_mode():
            estimates: np.ndarray = separator(padded)[0, ..., :samples].numpy()
        return estimates.reshape(-1, samples)

    grid: Any = types.SimpleNamespace(sample_rate_hz=rate_hz, hop_samples=hop)
    cut = apply.chunks_of(grid, _stereo(mixture), np.ones((2, 1), np.float32), sample_rate_hz, chunk_s, overlap_s)
    return _separated(mixture, sample_rate_hz, rate_hz, ((chunk, separated(waveform)) for chunk, waveform in cut))


def _checked(method: Method, mixture: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, int]:
    """The mixture in float32 and its rate; refuses more than two channels, and a library that is not installed."""
    mixture = checks.check_waveform("mixture", mixture)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    if len(mixture) > 2:
        raise ShapeError(
            f"mixture must have 1 or 2 channels, got {len(mixture)}; {method.name} separates mono or stereo; mix the "
            "channels down or choose another method"
        )
    if remedy := method.missing():
        raise MissingExtra(f"method {method.name} {remedy}")
    return mixture.astype(np.float32, copy=False), sample_rate_hz


def _stereo(mixture: np.ndarray) -> np.ndarray:
    """Both channels, or mono as both, without a copy."""
    return np.broadcast_to(mixture, (2, mixture.shape[1]))


def _blocks(mixture: np.ndarray, sample_rate_hz: int) -> Iterator[np.ndarray]:
    step = round(BLOCK_S * sample_rate_hz)
    for start in range(0, mixture.shape[1], step):
        yield mixture[:, start : start + step]


def _separated(
    mixture: np.ndarray, sample_rate_hz: int, model_rate_hz: int, chunks: Iterable[tuple[Chunk, np.ndarray]]
) -> Estimates:
    """Estimates from chunks at the model's rate, each (sources * 2, samples), in the order of `TARGETS`."""
    result = memory.zeros_for(TARGETS, mixture.shape)
    channels, samples = mixture.shape
    written = 0
    for piece in audio.resample_pieces(apply.joined(chunks), model_rate_hz, sample_rate_hz):
        piece = piece[:, : samples - written].reshape(len(TARGETS), 2, -1)
        for estimate, of_source in zip(result.values(), piece, strict=True):
            of_channels = of_source if channels == 2 else of_source.mean(axis=0, keepdims=True)
            estimate[:, written : written + of_channels.shape[1]] = of_channels
        written += piece.shape[-1]
    return result


def _demucs_segments(
    model: Any, mixture: np.ndarray, sample_rate_hz: int, overlap: float
) -> Iterator[tuple[Chunk, np.ndarray]]:
    """The segments of a recording and their estimates, which add up to what the package's `apply_model` returns.

    That function is applied to one segment after the other, because on the whole recording it would hold all estimates
    at the model's rate.
    """
    library = require("demucs.apply", PURPOSE)
    order = [list(model.sources).index(target) for target in TARGETS.values()]
    rate_hz, length = int(model.samplerate), int(model.samplerate * model.segment)
    samples = max(1, round(mixture.shape[1] * rate_hz / sample_rate_hz))
    mean, spread = _mean_and_spread(mixture, sample_rate_hz)
    blocks = _blocks(_stereo(mixture), sample_rate_hz)
    window = apply.Window(audio.resample_pieces(blocks, sample_rate_hz, rate_hz), 2)
    for start, gains, kept_samples in _segments(samples, length, overlap):
        stop, first = start + len(gains), max(0, start - length)
        # The library extends a segment that is too short for the model by the music around it.
        around = window.take(first, min(samples, stop + length))
        estimate = np.zeros((2 * len(TARGETS), stop - start), np.float32)
        if around[:, start - first : stop - first].any():
            scaled = torch.from_numpy(((around - mean) / spread).astype(np.float32))[np.newaxis]
            segment = library.TensorChunk(scaled, start - first, stop - start)
            with _repeatable():
                output = library.apply_model(model, segment, shifts=0, split=False)[0, order].numpy()
            estimate += (spread * output + mean).reshape(estimate.shape)
        yield Chunk(start, stop, start, stop, gains, kept_samples), estimate


def _segments(samples: int, length: int, overlap: float) -> Iterator[tuple[int, np.ndarray, int]]:
    """Start of each segment, its gains, and its samples before the next one starts.

    The gains are triangles, divided by the sum of all triangles at each sample, so that they add up to 1.
    """
    stride = max(1, int((1 - overlap) * length))
    triangle = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1)).astype(np.float64)
    for start in range(0, samples, stride):
        total = triangle.copy()
        for shift in range(stride, length, stride):
            if start - shift >= 0:
                total[: length - shift] += triangle[shift:]
            if start + shift < samples:
                total[shift:] += triangle[: length - shift]
        stop = min(samples, start + length)
        yield start, (triangle / total)[: stop - start].astype(np.float32), min(stride, stop - start)


def _mean_and_spread(mixture: np.ndarray, sample_rate_hz: int) -> tuple[float, float]:
    """Mean and standard deviation of the mean of both channels, by which the package normalises a recording."""
    samples = mixture.shape[1]
    mean = sum(float(block.sum(dtype=np.float64)) for block in _blocks(mixture, sample_rate_hz)) / mixture.size
    squares = [
        float(np.square(block.mean(axis=0, dtype=np.float64) - mean).sum())
        for block in _blocks(mixture, sample_rate_hz)
    ]
    spread = (sum(squares) / max(1, samples - 1)) ** 0.5
    if spread > 0:
        return mean, spread
    # The channels cancel, or are constant: their level takes its place, so that nothing is divided by 0.
    energy = sum(float(np.square(block, dtype=np.float64).sum()) for block in _blocks(mixture, sample_rate_hz))
    return mean, (energy / mixture.size) ** 0.5


@contextlib.contextmanager
def _repeatable() -> Iterator[None]:
    """Let the package draw the same numbers at every call, and leave Python's generator as it was."""
    state = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(state)
