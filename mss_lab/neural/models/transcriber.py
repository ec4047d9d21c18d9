"""Networks that transcribe: from sound to a piano roll for each source.

- "mixture": reads the mixture alone: transcription of several instruments at once
- "vanilla": source-informed, reads the mixture and the spectrum of every source, frame by frame
- "processed": recurrent layers of their own read the sources first, and what they give is joined to the mixture
- "residual": both: the spectra of the sources, and what their layers give

The last three are deep score-informed separation (`mss_lab.neural.models.dsis`) with the roles exchanged: there the
notes of the sources help to separate, here the sources help to find the notes.

Contents: READS, TranscriberSettings, Transcriber. Lesson: notebooks/21_separate_and_transcribe.ipynb
Reference: Manilow, PhD thesis 2022, chapters 3 and 4.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ... import checks
from ...refusals import RefusedValue, ShapeError
from ...score.roll import PITCHES
from .. import frontend, levels
from ..contracts import Batch
from .mask_inference import level_db, recurrent_layers

READS = ("mixture", "vanilla", "processed", "residual")


@dataclasses.dataclass(frozen=True)
class TranscriberSettings:
    """Sizes of the network; the defaults are those of the thesis.

    Attributes
    ----------
    sources : tuple of str
        Names of the sources, in the order of the rolls.
    reads : {"mixture", "vanilla", "processed", "residual"}
        What the network reads; see the module.
    sample_rate_hz, window_samples, hop_samples : int
        Sample rate, and the grid of the STFT with a Hann window.
    hidden, layers : int
        Units in each direction, and number, of the recurrent layers.
    dropout : float in [0, 1)
        Between recurrent layers.
    source_hidden, source_layers, embedding : int
        Units in each direction, and number, of the layers that read the sources, and the features that they give.
    lowest_midi, pitches : int
        The range of pitches that is transcribed: by default the 88 keys of a piano.
    even_level : bool
        Whether each mixture, and its sources with it, is first brought to one level.
    """

    sources: tuple[str, ...] = ("violin", "clarinet", "tenor_sax", "bassoon")
    reads: str = "mixture"
    sample_rate_hz: int = 16_000
    window_samples: int = 1024
    hop_samples: int = 256
    hidden: int = 600
    layers: int = 4
    dropout: float = 0.3
    source_hidden: int = 600
    source_layers: int = 2
    embedding: int = 512
    lowest_midi: int = 21
    pitches: int = 88
    even_level: bool = False

    def __post_init__(self) -> None:
        # A list when it is read from a card.
        object.__setattr__(self, "sources", tuple(self.sources))
        if len(set(self.sources)) != len(self.sources) or not self.sources:
            raise RefusedValue(f"sources must be names, each once, got {self.sources}; name every player")
        checks.check_choice("reads", self.reads, READS)
        for name in ("window_samples", "hidden", "layers", "source_hidden", "source_layers", "embedding"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("hop_samples", self.hop_samples, at_least=1, at_most=self.window_samples // 4, whole=True)
        checks.check_number("dropout", self.dropout, at_least=0, below=1)
        checks.check_number("lowest_midi", self.lowest_midi, at_least=0, below=PITCHES, whole=True)
        checks.check_number("pitches", self.pitches, at_least=1, at_most=PITCHES - self.lowest_midi, whole=True)

    @property
    def bins(self) -> int:
        """Number of frequencies of the STFT."""
        return self.window_samples // 2 + 1

    @property
    def inputs(self) -> int:
        """Number of features of a frame that the last recurrent layers read."""
        spectra = len(self.sources) * self.bins if self.reads in ("vanilla", "residual") else 0
        return self.bins + spectra + (self.embedding if self.reads in ("processed", "residual") else 0)


class Transcriber(nn.Module):
    """Levels in dB, recurrent layers in both directions of time, and a roll for each source.

    Parameters
    ----------
    settings : TranscriberSettings

    Lesson: notebooks/21_separate_and_transcribe.ipynb. Reference: Manilow, PhD thesis 2022, chapter 4.
    Difference: rolls end in a sigmoid, as in the thesis's chapter 3; its chapter 4 has a leaky ReLU, whose outputs are
    not limited to 0 and 1.
    """

    Settings = TranscriberSettings
    needs_score = False
    learns_notes = True
    separates = False

    def __init__(self, settings: TranscriberSettings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        self.hop_samples = settings.hop_samples
        self.reads_sources = settings.reads != "mixture"
        self.normalise = nn.BatchNorm1d(settings.bins)
        if self.reads_sources:
            self.normalise_sources = nn.BatchNorm1d(len(settings.sources) * settings.bins)
        if settings.reads in ("processed", "residual"):
            self.reader = recurrent_layers(
                len(settings.sources) * settings.bins, settings.source_hidden, settings.source_layers, settings.dropout
            )
            self.embed = nn.Linear(2 * settings.source_hidden, settings.embedding)
        self.recurrent = recurrent_layers(settings.inputs, settings.hidden, settings.layers, settings.dropout)
        self.to_rolls = nn.Linear(2 * settings.hidden, len(settings.sources) * settings.pitches)

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """How likely each pitch of each source sounds.

        Parameters
        ----------
        mixture : float (batch, samples)
        conditions : mapping
            `sources`, float (batch, sources, samples), unless the network reads the mixture alone: true stems, or
            estimates of them.

        Returns
        -------
        float (batch, sources, frames, 128)

        Raises
        ------
        ValueError
            If the sources are missing or have another shape.
        """
        sources = None
        if self.reads_sources:
            sources = (conditions or {}).get("sources")
            expected = (mixture.shape[0], len(self.sources), mixture.shape[-1])
            if sources is None:
                raise RefusedValue("conditions must hold sources, one for each name, got none; separate first")
            if tuple(sources.shape) != expected:
                raise ShapeError(
                    f"sources must be (batch, sources, samples), here {expected}, got {tuple(sources.shape)}"
                )
        rolls = self._rolls(mixture, sources).sigmoid()
        above = PITCHES - self.settings.lowest_midi - self.settings.pitches
        return functional.pad(rolls, (self.settings.lowest_midi, above))

    def transcribe(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """As `forward`, under the name that all networks have that transcribe."""
        return self.forward(mixture, conditions)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The mean squared error of the rolls.

        Parameters
        ----------
        batch : dict of Tensor
            `sources` (batch, sources, samples) and `rolls` (batch, sources, frames, 128).

        Returns
        -------
        float ()
        """
        first = self.settings.lowest_midi
        rolls = self._rolls(batch["sources"].sum(dim=1), batch["sources"]).sigmoid()
        return functional.mse_loss(rolls, batch["rolls"][..., first : first + self.settings.pitches])

    def judge(self, batches: Iterable[Batch]) -> list[dict[str, Any]]:
        """Precision, recall and F1 of frames for each source, at the threshold 0.5, and their means."""
        counts = torch.zeros(3, len(self.sources))
        with torch.inference_mode():
            for batch in batches:
                transcribed = self(batch["sources"].sum(dim=1), batch) >= 0.5
                true = batch["rolls"] > 0
                # Right, transcribed and true bins of each source.
                counts += torch.stack(
                    [(part).sum(dim=(0, 2, 3)).float() for part in (transcribed & true, transcribed, true)]
                )
        return _table(dict(zip(self.sources, counts.T.tolist(), strict=True)))

    def _rolls(self, mixture: torch.Tensor, sources: torch.Tensor | None) -> torch.Tensor:
        gain = levels.level_gain(mixture) if self.settings.even_level else torch.ones_like(mixture[:, :1])
        features = [self.normalise(self._levels(mixture * gain)).transpose(1, 2)]
        if self.reads_sources and sources is not None:
            spectra = self.normalise_sources(self._levels(sources * gain[:, None]).flatten(1, 2)).transpose(1, 2)
            if self.settings.reads != "processed":
                features.append(spectra)
            if self.settings.reads != "vanilla":
                features.append(functional.leaky_relu(self.embed(self.reader(spectra)[0])))
        hidden = self.recurrent(torch.cat(features, dim=-1))[0]
        rolls: torch.Tensor = self.to_rolls(hidden).float().unflatten(-1, (len(self.sources), self.settings.pitches))
        return rolls.transpose(1, 2)

    def _levels(self, waveform: torch.Tensor) -> torch.Tensor:
        return level_db(frontend.stft(waveform, self.settings.window_samples, self.settings.hop_samples).abs())


def _table(counts: Mapping[str, list[float]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for source, (right, transcribed, true) in counts.items():
        precision, recall = right / max(transcribed, 1), right / max(true, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        rows.append({"source": source, "precision": precision, "recall": recall, "f1": f1})
    names = ("precision", "recall", "f1")
    rows.append({"source": "mean", **{name: sum(row[name] for row in rows) / len(rows) for name in names}})
    return [{name: value if name == "source" else round(value, 3) for name, value in row.items()} for row in rows]
