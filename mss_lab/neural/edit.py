"""Separate one recording again and again while its notes are edited.

What does not depend on the notes is done once: the recording is resampled, cut into chunks as in
`mss_lab.neural.apply.separate`, transformed and normalised. After an edit the network runs only on the chunks in which
a roll has changed, so that an edit takes about equally long in a short and in a long recording.

Contents: Editor, separator. Lesson: notebooks/20_steer_a_network.ipynb
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from .. import audio, checks, memory
from ..method import Separator
from ..refusals import RefusedType
from ..score.notes import Score
from . import apply
from .contracts import Network

Estimates = dict[str, np.ndarray]


def separator(model: Network, **options: Any) -> Separator:
    """A separator that keeps the front end of the last mixture, and so is fast where only the score changes.

    Parameters
    ----------
    model : Network
        As for `Editor`.
    **options
        Of `Editor`.

    Returns
    -------
    separator
        Called with a mixture, its sample rate and a score, which may have no notes.

    Lesson: notebooks/20_steer_a_network.ipynb
    """
    last: dict[str, Any] = {}

    def separate(mixture: np.ndarray, sample_rate_hz: int, score: Any = None, /) -> Estimates:
        same = last and last["rate"] == sample_rate_hz and np.array_equal(last["mixture"], mixture)
        if not same:
            last.update(editor=Editor(model, mixture, sample_rate_hz, **options), rate=sample_rate_hz, mixture=mixture)
        estimates: Estimates = last["editor"].separate(score)
        return estimates

    return separate


@dataclasses.dataclass
class _Prepared:
    """A chunk with what the network's front end gave for it, and the rolls and estimates of the last edit."""

    chunk: apply.Chunk
    samples: int
    padded_samples: int
    front_end: tuple[torch.Tensor, torch.Tensor] | None
    rolls: torch.Tensor | None = None
    estimate: np.ndarray | None = None


class Editor:
    """A recording that is ready to be separated with changing notes.

    Parameters
    ----------
    model : Network
        One with a front end of its own, which "dsis" of `mss_lab.neural.models` has.
    mixture : float (channels, samples)
    sample_rate_hz : int
    chunk_s, overlap_s, players, even_level
        As for `mss_lab.neural.apply.separate`.

    Attributes
    ----------
    computed : int
        How many chunks the network separated in the last call of `separate`; the others were as before.

    Raises
    ------
    TypeError, ValueError
        If the network has no front end of its own, the mixture is no waveform, the lengths do not fit, or the recording
        is too long to be kept in memory.

    Lesson: notebooks/20_steer_a_network.ipynb
    """

    def __init__(
        self,
        model: Network,
        mixture: np.ndarray,
        sample_rate_hz: int,
        *,
        chunk_s: float = apply.CHUNK_S,
        overlap_s: float = apply.OVERLAP_S,
        players: Mapping[str, str] | None = None,
        even_level: bool = False,
    ):
        if not hasattr(model, "front_end"):
            raise RefusedType(
                f"model must be a network with a front end of its own, such as dsis, got a {type(model).__name__}; "
                "separate with mss_lab.neural.apply.separate instead"
            )
        mixture = checks.check_waveform("mixture", mixture)
        apply.check_lengths(chunk_s, overlap_s)
        self._model: Any = model
        self._shape = mixture.shape
        self._sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
        self._players = players
        self.computed = 0
        memory.check("an editor", self._needed_bytes(), advice="edit an excerpt, or separate without an editor")
        self._gains = apply.level_gains(mixture) if even_level else np.ones((len(mixture), 1), np.float32)
        self._prepared = [
            self._prepare(chunk, waveform)
            for chunk, waveform in apply.chunks_of(
                model, mixture, self._gains, self._sample_rate_hz, chunk_s, overlap_s
            )
        ]

    def separate(self, score: Score) -> Estimates:
        """The estimates for these notes, those of `mss_lab.neural.apply.separate`.

        Parameters
        ----------
        score : Score
            Its sources are the network's, as `mss_lab.neural.apply.players_for` assigns them. It may have no notes at
            all, as an editor has before the first one is written.

        Returns
        -------
        dict of source name -> float32 (channels, samples)

        Raises
        ------
        ValueError
            If all notes of the score lie after the recording's end, or it has a source that the network does not have,
            or notes outside of the network's range.

        Lesson: notebooks/20_steer_a_network.ipynb
        """
        from ..score.guards import check_score, check_score_fits

        channels, samples = self._shape
        if check_score(score).notes:
            check_score_fits(score, samples / self._sample_rate_hz)
        index_of_source = apply.players_for(self._model.sources, score, self._players)
        inputs = apply.Inputs(apply.notes_of(score, index_of_source), {})
        sounding = {name: index for name, index in index_of_source.items() if index is not None}
        rows = [channels * index + channel for index in sounding.values() for channel in range(channels)]
        result = memory.zeros_for(index_of_source, self._shape)
        written = 0
        pieces = apply.joined(self._chunks(inputs, rows))
        for piece in audio.resample_pieces(pieces, self._model.sample_rate_hz, self._sample_rate_hz):
            piece = piece[:, : samples - written].reshape(len(sounding), channels, -1)
            for name, estimate in zip(sounding, piece, strict=True):
                result[name][:, written : written + estimate.shape[-1]] = estimate / self._gains
            written += piece.shape[-1]
        return result

    def _chunks(self, inputs: apply.Inputs, rows: list[int]) -> Iterator[tuple[apply.Chunk, np.ndarray]]:
        self.computed = 0
        for one in self._prepared:
            yield one.chunk, self._estimate(one, inputs)[rows]

    def _prepare(self, chunk: apply.Chunk, waveform: np.ndarray) -> _Prepared:
        padded = apply.at_least(waveform, self._model)
        front_end = None
        if waveform.any():
            with apply.evaluating(self._model) as device:
                front_end = self._model.front_end(torch.from_numpy(padded).to(device))
        return _Prepared(chunk, waveform.shape[1], padded.shape[1], front_end)

    def _estimate(self, one: _Prepared, inputs: apply.Inputs) -> np.ndarray:
        """Estimates of a chunk, (sources * channels, samples)."""
        channels = self._shape[0]
        if one.front_end is None:
            return np.zeros((len(self._model.sources) * channels, one.samples), np.float32)
        device = one.front_end[0].device
        conditions = inputs.of_chunk(self._model, one.chunk.first, one.padded_samples, channels, device)
        assert conditions is not None
        rolls = conditions["rolls"]
        if one.estimate is None or one.rolls is None or not torch.equal(one.rolls, rolls[:1]):
            with apply.evaluating(self._model):
                estimates = self._model.steered(one.front_end, conditions, one.padded_samples)[..., : one.samples]
            by_channel: np.ndarray = estimates.float().cpu().numpy()
            one.estimate = by_channel.swapaxes(0, 1).reshape(-1, one.samples)
            one.rolls = rolls[:1].clone()
            self.computed += 1
        return one.estimate

    def _needed_bytes(self) -> float:
        """What is kept of a recording: transforms, levels and estimates of each channel, and the rolls."""
        model, (channels, samples) = self._model, self._shape
        frames = samples / self._sample_rate_hz * model.sample_rate_hz / model.hop_samples
        sources, bins = len(model.sources), model.settings.bins
        of_channel = frames * (12 * bins + 4 * sources * model.hop_samples)
        return float(channels * of_channel + 4 * 128 * sources * frames)
