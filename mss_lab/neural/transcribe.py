"""Transcribe a recording of any length, sample rate and number of channels with a network.

The channels are averaged, brought to the level of the training data and cut into chunks, each with some of the
recording before and after it. What the network gives for each frame, how likely a pitch sounds, is put together again,
and made a score: `mss_lab.score.files` writes it as MIDI.

Contents: rolls, transcribe. Lesson: notebooks/21_separate_and_transcribe.ipynb
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from .. import audio, checks
from ..refusals import RefusedType, RefusedValue
from ..score.from_roll import score_of_roll
from ..score.notes import Score
from ..score.roll import PITCHES
from . import apply
from .contracts import Network
from .levels import LEVEL

CHUNK_S = 30.0
CONTEXT_S = 2.0


def rolls(
    model: Network,
    mixture: np.ndarray,
    sample_rate_hz: int,
    sources: Mapping[str, np.ndarray] | None = None,
    *,
    chunk_s: float = CHUNK_S,
    context_s: float = CONTEXT_S,
) -> np.ndarray:
    """How likely each pitch of each source sounds in each frame.

    Parameters
    ----------
    model : Network
        One with a method `transcribe`: "cerberus" or "transcriber" of `mss_lab.neural.models`.
    mixture : float (channels, samples)
    sample_rate_hz : int
    sources : dict of source name -> float (channels, samples), optional
        The sources of the network, or estimates of them, for one that reads them.
    chunk_s, context_s : float > 0, seconds
        Length of a chunk, and of what the network reads beyond both of its ends.

    Returns
    -------
    float32 (sources, 128, frames)
        With `model.sample_rate_hz / model.hop_samples` frames a second. Nothing sounds in silence.

    Raises
    ------
    TypeError, ValueError
        If the mixture is no waveform, the network does not transcribe or has learnt no notes, or sources are missing or
        of another length.

    Lesson: notebooks/21_separate_and_transcribe.ipynb. Reference: Manilow, PhD thesis 2022, chapters 3 and 4.
    """
    network: Any = model
    if not hasattr(network, "transcribe"):
        raise RefusedType(f"model must be a network that transcribes, got a {type(model).__name__}; see cerberus")
    if not getattr(network, "learns_notes", True):
        raise RefusedValue("model has learnt no notes: its transcription had the weight 0; train it with a higher one")
    mixture = checks.check_waveform("mixture", mixture)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("chunk_s", chunk_s, above=0, unit="seconds")
    checks.check_number("context_s", context_s, above=0, unit="seconds")
    waveforms = [_mono(mixture, sample_rate_hz, network.sample_rate_hz)]
    if sources is not None:
        missing = [name for name in network.sources if name not in sources]
        if missing:
            raise RefusedValue(f"sources must hold {', '.join(network.sources)}, got no {', '.join(missing)}; add them")
        for name in network.sources:
            checks.check_same_shape(f"sources[{name!r}]", sources[name], "the mixture", mixture)
            waveforms.append(_mono(np.asarray(sources[name]), sample_rate_hz, network.sample_rate_hz))
    samples = waveforms[0].size
    frames = 1 + samples // network.hop_samples
    result = np.zeros((len(network.sources), PITCHES, frames), np.float32)
    level = float(np.sqrt(np.mean(np.square(waveforms[0], dtype=np.float64))))
    if level == 0:
        return result
    levelled = np.stack(waveforms) * np.float32(LEVEL / level)
    chunk, context = (max(1, round(length * network.sample_rate_hz / network.hop_samples)) for length in
                      (chunk_s, context_s))  # fmt: skip
    for first in range(0, frames, chunk):
        last = min(frames, first + chunk)
        result[:, :, first:last] = _chunk(network, levelled, first, last, context)
    return result


def transcribe(
    model: Network,
    mixture: np.ndarray,
    sample_rate_hz: int,
    sources: Mapping[str, np.ndarray] | None = None,
    *,
    threshold: float | Mapping[str, float] = 0.5,
    least_s: float = 0.06,
    **options: float,
) -> Score:
    """The notes of a recording.

    Parameters
    ----------
    model, mixture, sample_rate_hz, sources
        As for `rolls`.
    threshold, least_s
        As for `mss_lab.score.from_roll.score_of_roll`.
    **options
        Options of `rolls`.

    Returns
    -------
    Score
        Every source of the network is named, also those without a note.

    Raises
    ------
    TypeError, ValueError
        As for `rolls` and `score_of_roll`.

    Lesson: notebooks/21_separate_and_transcribe.ipynb. Reference: Manilow, PhD thesis 2022, chapter 3.
    """
    roll = rolls(model, mixture, sample_rate_hz, sources, **options)
    frame_rate_hz = model.sample_rate_hz / model.hop_samples
    return score_of_roll(roll, frame_rate_hz, model.sources, threshold=threshold, least_s=least_s)


def _mono(waveform: np.ndarray, sample_rate_hz: int, network_rate_hz: int) -> np.ndarray:
    mono = waveform.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    result: np.ndarray = audio.resample(mono, sample_rate_hz, network_rate_hz)[0]
    return result


def _chunk(network: Any, waveforms: np.ndarray, first: int, last: int, context: int) -> np.ndarray:
    """The rolls of frames `first` to `last`, from waveforms (1 + sources or 1, samples)."""
    hop = network.hop_samples
    start = max(0, first - context) * hop
    piece = waveforms[:, start : (last + context) * hop]
    with apply.evaluating(network) as device:
        tensor = torch.from_numpy(apply.at_least(piece, network)).to(device)
        conditions = {"sources": tensor[None, 1:]} if len(tensor) > 1 else None
        roll = network.transcribe(tensor[:1], conditions)[0].float().cpu().numpy()
    begin = first - start // hop
    result: np.ndarray = roll[:, begin : begin + last - first].swapaxes(1, 2)
    return result
