"""Score-informed NMF, refined by a network that was trained on many instruments and needs none of the recording's.

The recording is resampled to the network's rate, NMF learns its templates from it, and the network corrects the models
of NMF, a few seconds at a time. Frequencies above half that rate are separated by NMF alone, at the recording's own
rate. Only what NMF gives at the network's rate is replaced, so the estimates add up to the mixture.

Contents: separate, learnt_models, models_of_stretch. Lesson: notebooks/18_with_a_score_from_a_score.ipynb
"""

import dataclasses
import os
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from .. import checks, memory, options
from ..chunks import chunks
from ..refusals import RefusedValue
from ..score.notes import Score
from . import cues
from . import weights as stored_weights
from .contracts import Network
from .entries import REFINED_NMF

NETWORK = "refiner"
# As long as the segments of training: a longer chunk has other means, which would change the network's normalisation.
CHUNK_S, FADE_S = 6.0, 1.0

# Length of the blocks that are resampled at a time.
BLOCK_SAMPLES = 1 << 18
# Working memory of the network for each sample of a chunk, times the number of sources and channels.
NETWORK_BYTES = 120


def _working_bytes(recording: memory.Recording, *, weights: Any, **_: Any) -> float:
    from ..nmf import fixed_pitch, informed

    rate_hz = getattr(weights, "sample_rate_hz", 16_000)
    at_network_rate = dataclasses.replace(
        recording, sample_rate_hz=rate_hz, samples=max(1, round(recording.samples * rate_hz / recording.sample_rate_hz))
    )
    chunk_samples = min(at_network_rate.samples, (CHUNK_S + FADE_S) * rate_hz)
    refining_bytes = (
        informed.learning_bytes(at_network_rate, window_s=fixed_pitch.WINDOW_S)
        + NETWORK_BYTES * (recording.sources + recording.channels) * chunk_samples
    )
    resampled_bytes = 0 if rate_hz == recording.sample_rate_hz else at_network_rate.copy_bytes
    return recording.float32_bytes + max(
        informed.working_bytes(recording, window_s=fixed_pitch.WINDOW_S), resampled_bytes + refining_bytes
    )


@options.within(REFINED_NMF.options)
@memory.limited("refined-nmf", _working_bytes)
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    tolerance_s: float = 0.2,
    tuning_hz: float | None = None,
    strength: float = 1.0,
    weights: str | os.PathLike[str] | Network | None = None,
) -> dict[str, np.ndarray]:
    """Separate a mixture by NMF with its score, and let a network correct the models.

    Parameters
    ----------
    mixture : float (channels, samples)
        All channels share their models and corrections; each channel is filtered by the same masks.
    sample_rate_hz : int
    score : Score
        With the times of this recording; there is one estimate for each of its sources. Their number may be any, but
        the shipped network was trained with two to five.
    tolerance_s : float >= 0, seconds
        Largest error of the score's times: 0.05 suits notes set by hand, 0.2 an automatic alignment.
    tuning_hz : float > 0, optional
        Frequency of A4; estimated if it is left out.
    strength : float in [0, 1]
        Factor of the network's corrections; 0 is NMF at the network's rate.
    weights : path or Refiner, optional
        A file of weights of your own, or a network; without it, the weights that ship.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no waveform, or the score is missing or has no note within the mixture.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb. Reference: none, own method; it refines
    `mss_lab.nmf.fixed_pitch`.
    """
    from .. import audio
    from ..nmf import fixed_pitch
    from ..score.guards import check_score_fits

    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    score = check_score_fits(score, mixture.shape[1] / sample_rate_hz)
    model: Any = stored_weights.network_of(weights, NETWORK)
    rate_hz = model.sample_rate_hz
    if rate_hz == sample_rate_hz:
        estimates = memory.zeros_for(score.sources, mixture.shape)
        _add(estimates, _refined(model, mixture, score, tolerance_s, tuning_hz, strength))
        return estimates
    estimates = fixed_pitch.separate(mixture, sample_rate_hz, score, tolerance_s=tolerance_s, tuning_hz=tuning_hz)
    resampled = np.concatenate(list(audio.resample_pieces(_blocks([mixture]), sample_rate_hz, rate_hz)), axis=1)
    if not resampled.shape[1]:
        return estimates

    def back(pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return audio.resample_pieces(pieces, rate_hz, sample_rate_hz)

    # The estimates of NMF at the network's rate are subtracted, and those of the network are added instead. Both are
    # computed piece by piece: whole, they would take as much memory as the estimates.
    _add(
        estimates, back(-piece for piece in audio.resample_pieces(_blocks(estimates.values()), sample_rate_hz, rate_hz))
    )
    _add(estimates, back(_refined(model, resampled, score, tolerance_s, tuning_hz, strength)))
    return estimates


def _blocks(waveforms: Collection[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield waveforms stacked along their channels, (waveforms * channels, samples), block by block."""
    for start in range(0, next(iter(waveforms)).shape[1], BLOCK_SAMPLES):
        yield np.concatenate([waveform[:, start : start + BLOCK_SAMPLES] for waveform in waveforms])


def _add(estimates: dict[str, np.ndarray], pieces: Iterable[np.ndarray]) -> None:
    """Add pieces (sources * channels, samples) to the estimates; samples after the end of the estimates are dropped."""
    written = 0
    for piece in pieces:
        for estimate, part in zip(estimates.values(), np.split(piece, len(estimates)), strict=True):
            span = estimate[:, written : written + part.shape[1]]
            span += part[:, : span.shape[1]]
        written += piece.shape[1]


def learnt_models(
    mixture: np.ndarray, score: Score, grid: dict[str, int], *, tolerance_s: float, tuning_hz: float | None
) -> Any:
    """The templates and activations that NMF learns from a recording at a refiner's rate, with the refiner's window.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb
    """
    from ..nmf import fixed_pitch

    learnt = fixed_pitch.learn(
        mixture,
        grid["sample_rate_hz"],
        score,
        window_samples=grid["window_samples"],
        tolerance_s=tolerance_s,
        tuning_hz=tuning_hz,
    )
    if grid["hop_samples"] % learnt.settings["hop_samples"]:
        raise RefusedValue(
            "a refiner's window must be a multiple of 8 samples without a prime factor above 11, and its hop a "
            f"multiple of an eighth of it, got {grid}; choose others, such as 4096 and 1024"
        )
    return learnt


def models_of_stretch(learnt: Any, waveform: np.ndarray, grid: dict[str, int], start_s: float) -> np.ndarray:
    """The models of one chunk of a recording on the refiner's grid, float32 (sources, freq, frames)."""
    from .. import transforms

    magnitude = transforms.common_magnitude(transforms.stft(waveform, **learnt.settings))
    models: np.ndarray = learnt.models_of(magnitude, start_s, start_s + waveform.shape[1] / grid["sample_rate_hz"])
    # NMF has a shorter hop, and its frames have the same centres.
    return models[:, 0, :, :: grid["hop_samples"] // learnt.settings["hop_samples"]]


def _refined(
    model: Any, mixture: np.ndarray, score: Score, tolerance_s: float, tuning_hz: float | None, strength: float
) -> Iterator[np.ndarray]:
    """Yield the estimates at the network's rate, (sources * channels, samples), piece by piece."""
    settings = model.settings
    grid = {name: getattr(settings, name) for name in ("sample_rate_hz", "window_samples", "hop_samples")}
    rate_hz = grid["sample_rate_hz"]
    learnt = learnt_models(mixture, score, grid, tolerance_s=tolerance_s, tuning_hz=tuning_hz)
    indices = {source: index for index, source in enumerate(score.sources)}
    notes = np.array([(indices[note.source], note.midi, note.onset_s, note.offset_s) for note in score.notes])
    notes = notes[np.argsort(notes[:, 2], kind="stable")]
    fade, tail = round(FADE_S * rate_hz), np.zeros((len(indices) * len(mixture), 0), np.float32)
    for start, stop, gains in chunks(mixture.shape[1], rate_hz, chunk_s=CHUNK_S, fade_s=FADE_S):
        piece = mixture[:, start:stop]
        models = models_of_stretch(learnt, piece, grid, start / rate_hz)
        note_cues = cues.fundamentals(
            notes,
            len(indices),
            models.shape[2],
            grid["hop_samples"] / rate_hz,
            rate_hz / grid["window_samples"],
            start_s=start / rate_hz,
            tuning_hz=learnt.tuning_hz,
        )
        estimates = _separated_chunk(model, piece, {"models": models, **note_cues}, strength) * gains
        estimates = estimates.reshape(len(tail), -1)
        estimates[:, : tail.shape[1]] += tail
        kept_samples = estimates.shape[1] if stop == mixture.shape[1] else estimates.shape[1] - fade
        tail = estimates[:, kept_samples:].copy()
        yield estimates[:, :kept_samples]


def _separated_chunk(model: Any, piece: np.ndarray, chunk_cues: dict[str, np.ndarray], strength: float) -> np.ndarray:
    """Separate one chunk: (channels, samples) to (sources, channels, samples)."""
    if not piece.any():
        return np.zeros((len(chunk_cues["models"]), *piece.shape), np.float32)
    device = next(model.parameters()).device
    with torch.inference_mode():
        waveform = torch.from_numpy(np.ascontiguousarray(piece)).to(device)
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(array))[None].to(device) for name, array in chunk_cues.items()
        }
        estimates: np.ndarray = model.separate_channels(waveform, tensors, strength=strength).cpu().numpy()
        return estimates
