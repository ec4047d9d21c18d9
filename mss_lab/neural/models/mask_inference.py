"""Mask inference: a recurrent network reads the mixture in both directions of time and gives a mask for each source.

Larger systems are built on this network. Its loss requires the masks that come nearest to the sources when the phase of
the mixture is kept.

Contents: MaskInferenceSettings, MaskInference. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses

import torch
from torch import nn

from ... import checks
from ...refusals import RefusedValue
from .. import frontend, levels, targets
from ..contracts import Batch

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

    def __post_init__(self) -> None:
        # A list when it is read from a card.
        object.__setattr__(self, "sources", tuple(self.sources))
        if len(set(self.sources)) != len(self.sources) or not self.sources:
            raise RefusedValue(f"sources must be names, each once, got {self.sources}; name every player")
        for name in ("window_samples", "hidden", "layers"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("hop_samples", self.hop_samples, at_least=1, at_most=self.window_samples // 4, whole=True)
        checks.check_number("dropout", self.dropout, at_least=0, below=1)
        checks.check_choice("masks", self.masks, MASKS)


class MaskInference(nn.Module):
    """Magnitude in dB, batch normalisation of every bin, recurrent layers in both directions, a mask for each source.

    Parameters
    ----------
    settings : MaskInferenceSettings

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Manilow, PhD thesis 2022 (mask inference, tPSA loss).
    Difference: the loss is a mean, not a sum.
    """

    Settings = MaskInferenceSettings

    def __init__(self, settings: MaskInferenceSettings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        self.hop_samples = settings.hop_samples
        self.needs_score = False
        bins = settings.window_samples // 2 + 1
        self.normalise = nn.BatchNorm1d(bins)
        self.recurrent = nn.LSTM(
            bins,
            settings.hidden,
            settings.layers,
            batch_first=True,
            bidirectional=True,
            dropout=settings.dropout if settings.layers > 1 else 0.0,
        )
        self.to_masks = nn.Linear(2 * settings.hidden, len(settings.sources) * bins)

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate mixtures.

        Parameters
        ----------
        mixture : float (batch, samples)
        conditions
            Ignored.

        Returns
        -------
        float (batch, sources, samples)
            With softmax masks they add up to the mixture, with sigmoid masks in general not.
        """
        transform = self._stft(mixture)
        gain = self._gain(mixture)[..., None]
        return frontend.istft(
            self.masks(transform.abs() * gain) * transform.unsqueeze(1),
            self.settings.window_samples,
            self.settings.hop_samples,
            length=mixture.shape[-1],
        )

    def masks(self, magnitude: torch.Tensor) -> torch.Tensor:
        """Magnitudes (batch, freq, frames) to masks in [0, 1], (batch, sources, freq, frames)."""
        level_db = 20 * torch.log10(magnitude.clamp(min=10 ** (FLOOR_DB / 20)))
        hidden, _ = self.recurrent(self.normalise(level_db).transpose(1, 2))
        outputs: torch.Tensor = self.to_masks(hidden).float().transpose(1, 2).unflatten(1, (len(self.sources), -1))
        return outputs.sigmoid() if self.settings.masks == "sigmoid" else outputs.softmax(dim=1)

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
        sources = batch["sources"]
        transforms = self._stft(sources) * self._gain(sources.sum(dim=1))[:, None, None]
        # The transform of a sum is the sum of the transforms.
        mixture = transforms.sum(dim=1)
        return targets.phase_sensitive_loss(self.masks(mixture.abs()), transforms, mixture)

    def _stft(self, waveform: torch.Tensor) -> torch.Tensor:
        return frontend.stft(waveform, self.settings.window_samples, self.settings.hop_samples)

    def _gain(self, mixture: torch.Tensor) -> torch.Tensor:
        return levels.level_gain(mixture) if self.settings.even_level else torch.ones_like(mixture[:, :1])
