"""Conv-TasNet: masks on a learned representation of the waveform in place of the STFT.

An encoder of short learned filters turns the waveform into features; a stack of dilated convolutions, whose view of
time doubles from block to block, computes a mask for each source; and a decoder of learned filters turns the masked
features into waveforms. The filters are about a millisecond long, so that a network can follow each period of a sound.

Global normalisation uses the mean and the variance over all frames. So the estimate of a moment depends on the whole
excerpt that the network reads, and chunks of a recording give other estimates than the whole. Normalisation of single
frames does not have this property.

Symbols of the reference: N filters, L their length, B channels between blocks, H channels inside a block, P kernel of a
block, X blocks in a repeat, R repeats.

Contents: ConvTasNetSettings, ConvTasNet.
"""

import dataclasses
from typing import Any

import torch
from torch import nn

from ... import checks
from ...refusals import RefusedValue
from ..layers import FrameNorm
from ..waveforms import WaveformNetwork, WaveformSettings

MASKS = ("sigmoid", "relu")
NORMS = ("global", "frame")

# Added to the variance.
LEAST_VARIANCE = 1e-8


@dataclasses.dataclass(frozen=True)
class ConvTasNetSettings(WaveformSettings):
    """Sizes of the network; the defaults are those of the reference.

    Attributes
    ----------
    filters, filter_samples : int
        N and L, which must be even; the filters move by half their length.
    channels, hidden : int
        B and H.
    kernel : int, odd
        P.
    blocks, repeats : int
        X and R. Block x of every repeat reads frames that are 2^x apart.
    masks : {"sigmoid", "relu"}
    norm : {"global", "frame"}
        Whether features are normalised over channels and all frames, as in the reference, or over the channels of each
        frame.
    """

    sample_rate_hz: int = 8_000
    loss: str = "si-sdr"
    filters: int = 512
    filter_samples: int = 16
    channels: int = 128
    hidden: int = 512
    kernel: int = 3
    blocks: int = 8
    repeats: int = 3
    masks: str = "sigmoid"
    norm: str = "global"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("filters", "filter_samples", "channels", "hidden", "kernel", "blocks", "repeats"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        if self.filter_samples % 2:
            raise RefusedValue(f"filter_samples must be even, got {self.filter_samples}; add 1")
        if self.kernel % 2 == 0:
            raise RefusedValue(f"kernel must be odd, so that it has a middle, got {self.kernel}; add 1")
        checks.check_choice("masks", self.masks, MASKS)
        checks.check_choice("norm", self.norm, NORMS)


class ConvTasNet(WaveformNetwork):
    """Learned filters, masks from dilated convolutions, learned filters back to waveforms.

    The masks do not depend on the level of the mixture, because its features are normalised first.

    Parameters
    ----------
    settings : ConvTasNetSettings

    Attributes
    ----------
    reach_samples : int
        How far before and after a sample the convolutions read. Global normalisation reads everything.

    Reference: Luo and Mesgarani, "Conv-TasNet: surpassing ideal time-frequency magnitude masking for speech
    separation", IEEE/ACM TASLP 2019; the non-causal form, with as many channels for skip connections as between
    blocks. Differences: each estimate belongs to one instrument, so the loss needs no search for the best order.
    """

    Settings = ConvTasNetSettings
    settings: ConvTasNetSettings

    def __init__(self, settings: ConvTasNetSettings):
        stride = settings.filter_samples // 2
        super().__init__(settings, stride)
        grid: dict[str, Any] = {"stride": stride, "padding": stride, "bias": False}
        self.encoder = nn.Conv1d(1, settings.filters, settings.filter_samples, **grid)
        self.norm = _norm(settings.filters, settings.norm)
        self.narrow = nn.Conv1d(settings.filters, settings.channels, 1)
        dilations = [2**block for block in range(settings.blocks)] * settings.repeats
        # What the last block adds to the features is read by no other block.
        self.blocks = nn.ModuleList(
            _Block(settings, dilation, last=number == len(dilations) - 1) for number, dilation in enumerate(dilations)
        )
        self.activation = nn.PReLU()
        self.to_masks = nn.Conv1d(settings.channels, len(settings.sources) * settings.filters, 1)
        self.decoder = nn.ConvTranspose1d(settings.filters, 1, settings.filter_samples, **grid)
        frames = sum(dilations) * (settings.kernel // 2)
        self.reach_samples = frames * stride + settings.filter_samples

    def padding(self, samples: int) -> tuple[int, int]:
        """Zeros after the recording, so that its length is a multiple of the filters' step."""
        return 0, -samples % self.hop_samples

    def waveforms(self, mixture: torch.Tensor) -> torch.Tensor:
        """Estimates (batch, sources, samples) of mixtures whose length is a multiple of the filters' step."""
        features = self.encoder(mixture.unsqueeze(1))
        masked = self.masks(features) * features.unsqueeze(1)
        estimates: torch.Tensor = self.decoder(masked.flatten(0, 1)).unflatten(0, (len(mixture), -1)).squeeze(2)
        return estimates

    def masks(self, features: torch.Tensor) -> torch.Tensor:
        """Features (batch, filters, frames) to masks (batch, sources, filters, frames), 0 or more."""
        hidden = self.narrow(self.norm(features))
        skips = torch.zeros_like(hidden)
        for block in self.blocks:
            residual, skip = block(hidden)
            skips = skips + skip
            hidden = hidden if residual is None else hidden + residual
        outputs: torch.Tensor = self.to_masks(self.activation(skips)).unflatten(1, (len(self.sources), -1))
        return outputs.sigmoid() if self.settings.masks == "sigmoid" else outputs.relu()


class _Block(nn.Module):
    """More channels, a dilated convolution of each channel by itself, and two ways out: to the next block, to the sum.

    The last block has only the way to the sum.
    """

    def __init__(self, settings: ConvTasNetSettings, dilation: int, last: bool):
        super().__init__()
        channels, hidden, kernel = settings.channels, settings.hidden, settings.kernel
        self.layers = nn.Sequential(
            nn.Conv1d(channels, hidden, 1),
            nn.PReLU(),
            _norm(hidden, settings.norm),
            nn.Conv1d(hidden, hidden, kernel, padding=dilation * (kernel // 2), dilation=dilation, groups=hidden),
            nn.PReLU(),
            _norm(hidden, settings.norm),
        )
        self.to_residual = None if last else nn.Conv1d(hidden, channels, 1)
        self.to_skip = nn.Conv1d(hidden, channels, 1)

    def forward(self, hidden: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
        inner = self.layers(hidden)
        return None if self.to_residual is None else self.to_residual(inner), self.to_skip(inner)


def _norm(channels: int, norm: str) -> nn.GroupNorm:
    # One group for all channels: mean and variance over channels and frames.
    return (nn.GroupNorm if norm == "global" else FrameNorm)(1, channels, eps=LEAST_VARIANCE)
