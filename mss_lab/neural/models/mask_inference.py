"""Mask inference: a recurrent network reads the mixture in both directions of time and gives a mask for each source.

Its loss requires the masks that come nearest to the sources when the phase of the mixture is kept. Larger systems are
built on this network: they read more than the mixture (`features`), or have more to give (`hidden`).

Contents: MaskInferenceSettings, MaskInference, level_db, recurrent_layers. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from ... import checks
from ...refusals import RefusedValue
from .. import frontend, levels, targets
from ..contracts import Batch
from ..layers import Lstm

MASKS = ("sigmoid", "softmax")

# The network reads magnitudes in dB, limited to this value from below.
FLOOR_DB = -80.0


@dataclasses.dataclass(frozen=True)
class MaskInferenceSettings:
    """Sizes of the network; the defaults are those of the reference, for four sources.

    Attributes
    ----------
    sources : tuple of str
        Names of the sources, in the order of the estimates.
    sample_rate_hz, window_samples, hop_samples : int
        Sample rate, and the grid of the STFT with a Hann window.
    hidden, layers : int
        Units of the recurrent layers in each direction, and the number of layers.
    dropout : float in [0, 1)
        Between recurrent layers.
    masks : {"sigmoid", "softmax"}
        Independent masks, as in the reference, or masks that add up to 1.
    even_level : bool
        Whether each mixture is first brought to one level; in the reference it is not.
    """

    sources: tuple[str, ...] = ("violin", "clarinet", "tenor_sax", "bassoon")
    sample_rate_hz: int = 16_000
    window_samples: int = 1024
    hop_samples: int = 256
    hidden: int = 600
    layers: int = 4
    dropout: float = 0.3
    masks: str = "sigmoid"
    even_level: bool = False

    mask_choices: ClassVar[tuple[str, ...]] = MASKS

    def __post_init__(self) -> None:
        # A list when it is read from a card.
        object.__setattr__(self, "sources", tuple(self.sources))
        if len(set(self.sources)) != len(self.sources) or not self.sources:
            raise RefusedValue(f"sources must be names, each once, got {self.sources}; name every player")
        for name in ("window_samples", "hidden", "layers"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("hop_samples", self.hop_samples, at_least=1, at_most=self.window_samples // 4, whole=True)
        checks.check_number("dropout", self.dropout, at_least=0, below=1)
        checks.check_choice("masks", self.masks, self.mask_choices)

    @property
    def bins(self) -> int:
        """Number of frequencies of the STFT."""
        return self.window_samples // 2 + 1

    @property
    def inputs(self) -> int:
        """Number of features of a frame that the recurrent layers read."""
        return self.bins


class MaskInference(nn.Module):
    """Magnitude in dB, batch normalisation of every bin, recurrent layers in both directions, a mask for each source.

    Parameters
    ----------
    settings : MaskInferenceSettings

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Manilow, PhD thesis 2022 (mask inference, tPSA loss).
    Difference: the loss is a mean, not a sum.
    """

    Settings: type[MaskInferenceSettings] = MaskInferenceSettings
    settings: MaskInferenceSettings
    needs_score = False

    def __init__(self, settings: MaskInferenceSettings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        self.hop_samples = settings.hop_samples
        self.normalise = nn.BatchNorm1d(settings.bins)
        self.recurrent = recurrent_layers(settings.inputs, settings.hidden, settings.layers, settings.dropout)
        self.to_masks = nn.Linear(2 * settings.hidden, len(settings.sources) * settings.bins)

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate mixtures.

        Parameters
        ----------
        mixture : float (batch, samples)
        conditions
            Ignored by this network; larger ones read their other input from it.

        Returns
        -------
        float (batch, sources, samples)
            With softmax masks they add up to the mixture, with others in general not.
        """
        transform = self._stft(mixture)
        gain = self._gain(mixture)[..., None]
        masks = self.masks(transform.abs() * gain, conditions).clamp(0, 1)
        return frontend.istft(
            masks * transform.unsqueeze(1),
            self.settings.window_samples,
            self.settings.hop_samples,
            length=mixture.shape[-1],
        )

    def features(self, magnitude: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """What the recurrent layers read of magnitudes (batch, freq, frames): (batch, frames, features)."""
        normalised: torch.Tensor = self.normalise(level_db(magnitude))
        return normalised.transpose(1, 2)

    def hidden(self, magnitude: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """What the recurrent layers make of it, (batch, frames, 2 hidden)."""
        hidden: torch.Tensor = self.recurrent(self.features(magnitude, conditions))[0]
        return hidden

    def masks(self, magnitude: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Magnitudes (batch, freq, frames) to masks (batch, sources, freq, frames).

        They lie between 0 and 1, except for "leaky" ones, which `forward` limits to this range.
        """
        return self.masks_of(self.hidden(magnitude, conditions))

    def masks_of(self, hidden: torch.Tensor) -> torch.Tensor:
        """The masks, from the output of the recurrent layers."""
        outputs: torch.Tensor = self.to_masks(hidden).float().transpose(1, 2).unflatten(1, (len(self.sources), -1))
        if self.settings.masks == "softmax":
            return outputs.softmax(dim=1)
        return outputs.sigmoid() if self.settings.masks == "sigmoid" else functional.leaky_relu(outputs)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The truncated phase-sensitive loss, `mss_lab.neural.targets.phase_sensitive_loss`.

        Parameters
        ----------
        batch : dict of Tensor
            `sources` (batch, sources, samples).

        Returns
        -------
        float ()
        """
        transforms, mixture = self.transforms_of(batch["sources"])
        return targets.phase_sensitive_loss(self.masks(mixture.abs(), batch), transforms, mixture)

    def transforms_of(self, sources: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The STFT of sources (batch, sources, samples) and of their mixture, at the level that the network reads."""
        transforms = self._stft(sources) * self._gain(sources.sum(dim=1))[:, None, None]
        # The transform of a sum is the sum of the transforms.
        return transforms, transforms.sum(dim=1)

    def _stft(self, waveform: torch.Tensor) -> torch.Tensor:
        return frontend.stft(waveform, self.settings.window_samples, self.settings.hop_samples)

    def _gain(self, mixture: torch.Tensor) -> torch.Tensor:
        return levels.level_gain(mixture) if self.settings.even_level else torch.ones_like(mixture[:, :1])


def level_db(magnitude: torch.Tensor) -> torch.Tensor:
    """Magnitudes in dB, limited to the range from -80 dB up."""
    return 20 * torch.log10(magnitude.clamp(min=10 ** (FLOOR_DB / 20)))


def recurrent_layers(inputs: int, hidden: int, layers: int, dropout: float) -> Lstm:
    """Recurrent layers that read (batch, frames, inputs) in both directions and give (batch, frames, 2 hidden)."""
    return Lstm(inputs, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout if layers > 1 else 0.0)
