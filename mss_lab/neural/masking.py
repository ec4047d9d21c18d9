"""A base class for networks that give a mask for each source; a derived class only computes the masks.

Contents: MaskSettings, MaskNetwork. Lesson: notebooks/16_learn_a_mask.ipynb
Reference: Erdogan et al., ICASSP 2015, in its simplest form.
"""

import dataclasses
from typing import ClassVar

import torch
from torch import nn

from . import frontend
from .contracts import Batch


@dataclasses.dataclass(frozen=True)
class MaskSettings:
    """Settings of every such network; add your own fields in a dataclass that derives from this one.

    Attributes
    ----------
    sources : tuple of str
        The sources that are separated, in the order of the masks.
    sample_rate_hz : int
    window_samples, hop_samples : int
        Window and hop of the STFT.
    """

    sources: tuple[str, ...] = ("violin", "clarinet", "tenor_sax", "bassoon")
    sample_rate_hz: int = 16_000
    window_samples: int = 1024
    hop_samples: int = 256


class MaskNetwork(nn.Module):
    """Separates by masks on the mixture's STFT; a class that derives from it has `masks(magnitude, conditions)`.

    Attributes
    ----------
    bins : int
        Number of frequencies of the STFT, window_samples // 2 + 1.
    """

    Settings: ClassVar[type] = MaskSettings
    needs_score = False

    def __init__(self, settings: MaskSettings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz, self.hop_samples = settings.sample_rate_hz, settings.hop_samples
        self.bins = settings.window_samples // 2 + 1

    def masks(self, magnitude: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Masks, float (batch, sources, freq, frames), from magnitudes (batch, freq, frames)."""
        raise NotImplementedError("a class that derives from MaskNetwork must have masks(magnitude, conditions)")

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Estimates, float (batch, sources, samples), of mixtures (batch, samples)."""
        grid = (self.settings.window_samples, self.settings.hop_samples)
        transform = frontend.stft(mixture, *grid)
        masked = self.masks(transform.abs(), conditions) * transform[:, None]
        return frontend.istft(masked, *grid, length=mixture.shape[-1])

    def loss(self, batch: Batch) -> torch.Tensor:
        """The mean absolute error of the estimates, relative to the mixture's mean absolute value."""
        sources = batch["sources"]
        mixture = sources.sum(dim=1)
        level = mixture.abs().mean(dim=-1)[:, None, None].clamp_min(1e-5)
        errors: torch.Tensor = (self(mixture, batch) - sources).abs() / level
        return errors.mean()
