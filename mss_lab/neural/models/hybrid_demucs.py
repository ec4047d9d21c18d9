"""A small hybrid Demucs: one network with a branch over the complex spectrogram and a branch over the waveform.

The spectral branch reads the real and the imaginary part of the STFT as two channels, and its convolutions move along
frequency. The temporal branch reads samples, and its convolutions move along time. The STFT moves on by as many samples
as all levels of the temporal branch together, and the last level of the spectral branch joins all bins that are left.
So both branches end in the same frames; they are added there, and recurrent layers read the sum. Two decoders go back
level by level. An estimate is the inverse STFT of the one plus the waveform of the other, so that the network itself
decides which sounds it writes as a spectrogram and which as samples.

Contents: HybridDemucsSettings, HybridDemucs.
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional

from ... import checks
from ...refusals import RefusedValue
from .. import frontend
from ..layers import FrameNorm, RecurrentFrames, rescale_convolutions
from ..levels import LEVEL
from ..waveforms import WaveformNetwork, WaveformSettings

# A window of the STFT has this many hops.
HOPS = 4

# Zeros before and after a recording, in hops: all frames that reach into the recording are frames of the network.
SIDE_HOPS = HOPS // 2

# Standard deviation of the frequency embedding, and what the outputs of residual layers are multiplied by, at first.
EMBEDDING_SIZE = 0.2
RESIDUAL_SIZE = 0.1

# The convolutions of a residual branch read frames that are this far apart; it has a quarter of the channels.
DILATIONS = (1, 2)
COMPRESSION = 4

# Levels and frames that a gated layer of the decoder reads.
GATE_KERNEL = 3


@dataclasses.dataclass(frozen=True)
class HybridDemucsSettings(WaveformSettings):
    """Sizes of the network; the defaults make a small one for 16 kHz.

    Attributes
    ----------
    channels : int
        Of the first level; each level has twice as many as the one before it.
    levels : int >= 2
        How often the samples, and the bins, are reduced.
    kernel, stride : int
        Samples or bins that a level reads, and how many it moves on; their difference must be even.
    recurrent_layers : int >= 0
        At the innermost level. Without any, an estimate depends only on the recording near it.
    rescale : float > 0, optional
        As for Demucs; None leaves the initial weights unchanged.
    """

    sample_rate_hz: int = 16_000
    channels: int = 16
    levels: int = 4
    kernel: int = 8
    stride: int = 4
    recurrent_layers: int = 1
    rescale: float | None = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.check_number("channels", self.channels, at_least=1, whole=True)
        checks.check_number("levels", self.levels, at_least=2, whole=True)
        checks.check_number("kernel", self.kernel, at_least=2, whole=True)
        checks.check_number("stride", self.stride, at_least=2, at_most=self.kernel, whole=True)
        checks.check_number("recurrent_layers", self.recurrent_layers, at_least=0, whole=True)
        if (self.kernel - self.stride) % 2:
            raise RefusedValue(
                f"kernel must differ from stride by an even number, so that both sides are alike, got {self.kernel} "
                f"and {self.stride}; add 1 to the kernel"
            )
        if self.rescale is not None:
            checks.check_number("rescale", self.rescale, above=0)

    @property
    def hop_samples(self) -> int:
        """Samples between two frames of the STFT, and between two frames of the innermost level."""
        return int(self.stride**self.levels)

    @property
    def window_samples(self) -> int:
        """Samples of a window of the STFT."""
        return HOPS * self.hop_samples


class HybridDemucs(WaveformNetwork):
    """Mixture to estimates that are a spectrogram, inverted, plus a waveform.

    Parameters
    ----------
    settings : HybridDemucsSettings

    Reference: Défossez, "Hybrid spectrogram and waveform source separation", MDX workshop at ISMIR 2021. Differences:
    small sizes and one channel; the branches are added at the innermost level, and the recurrent layers are there
    alone; no attention; no residual layers at the first level; only the innermost level is normalised, over the
    channels of each frame; the mixture is divided by a fixed level and not by its own; the embedding has the learning
    rate of the other weights.
    """

    Settings = HybridDemucsSettings
    settings: HybridDemucsSettings

    def __init__(self, settings: HybridDemucsSettings):
        super().__init__(settings, settings.hop_samples)
        sources, bins = len(settings.sources), settings.window_samples // 2
        widths = [settings.channels * 2**level for level in range(settings.levels)]
        bins_left = bins // settings.stride ** (settings.levels - 1)
        plan = _Plan(widths, settings.kernel, settings.stride)
        self.spectral = _Branch(plan, 2, 2 * sources, joined_bins=bins_left)
        self.temporal = _Branch(plan, 1, sources)
        self.embedding = nn.Parameter(_smooth_embedding(widths[0], bins // settings.stride))
        self.middle = _Middle(widths[-1], settings.recurrent_layers)
        if settings.rescale is not None:
            rescale_convolutions(self, settings.rescale)

    def padding(self, samples: int) -> tuple[int, int]:
        """Zeros before a recording and after it, up to a multiple of the hop."""
        side = SIDE_HOPS * self.hop_samples
        return side, side + -samples % self.hop_samples

    def waveforms(self, mixture: torch.Tensor) -> torch.Tensor:
        """Estimates (batch, sources, samples) of mixtures with silence on both sides, a multiple of the hop long."""
        inputs = mixture.float() / LEVEL
        bins, spectral_skips = self.spectral.encode(self.spectrum(inputs), self.embedding)
        frames, temporal_skips = self.temporal.encode(inputs.unsqueeze(1))
        hidden = self.middle(bins.squeeze(2) + frames)
        spectra = self.spectral.decode(hidden.unsqueeze(2), spectral_skips)
        estimates = self.temporal.decode(hidden, temporal_skips).float() + self.from_spectra(spectra.float())
        return LEVEL * estimates[..., SIDE_HOPS * self.hop_samples :]

    def spectrum(self, waveform: torch.Tensor) -> torch.Tensor:
        """The STFT of waveforms (batch, samples) as channels: (batch, 2, freq, frames), without the highest bin.

        Frame n is centred on the samples of frame n of the innermost level: (n + 1/2) hops after the first sample.
        """
        window, hop = self.settings.window_samples, self.hop_samples
        transform = frontend.stft(waveform[..., hop // 2 :], window, hop)[:, :-1]
        return torch.view_as_real(transform / window**0.5).permute(0, 3, 1, 2)

    def from_spectra(self, spectra: torch.Tensor) -> torch.Tensor:
        """The inverse of `spectrum`: (batch, 2 sources, freq, frames) to waveforms (batch, sources, samples)."""
        window, hop = self.settings.window_samples, self.hop_samples
        parts = functional.pad(spectra.unflatten(1, (-1, 2)), (0, 0, 0, 1))
        transform = window**0.5 * torch.view_as_complex(parts.permute(0, 1, 3, 4, 2).contiguous())
        length = spectra.shape[-1] * hop - hop // 2
        return functional.pad(frontend.istft(transform, window, hop, length=length), (hop // 2, 0))


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What both branches share: the channels of each level, and how a level reduces."""

    widths: list[int]
    kernel: int
    stride: int


class _Branch(nn.Module):
    """An encoder and a decoder along frequency, where `joined_bins` are what is left for the last level; or along time.

    The spectral branch works with (batch, channels, freq, frames), the temporal one with (batch, channels, samples).
    """

    def __init__(self, plan: _Plan, inputs: int, outputs: int, joined_bins: int | None = None):
        super().__init__()
        spectral = joined_bins is not None
        widths, kernel, stride = plan.widths, plan.kernel, plan.stride
        encoder: type[nn.Module] = nn.Conv2d if spectral else nn.Conv1d
        decoder: type[nn.Module] = nn.ConvTranspose2d if spectral else nn.ConvTranspose1d

        def level(kind: type[nn.Module], first: int, second: int, size: int, step: int) -> nn.Module:
            side = (size - step) // 2
            return (
                kind(first, second, (size, 1), (step, 1), (side, 0))
                if spectral
                else kind(first, second, size, step, side)
            )

        pairs = list(zip([inputs, *widths], widths, strict=False))
        last = (joined_bins, joined_bins) if joined_bins is not None else (kernel, stride)
        self.down = nn.ModuleList(level(encoder, *pair, kernel, stride) for pair in pairs[:-1])
        self.down.append(level(encoder, *pairs[-1], *last))
        # At the first level, which has most of the values, residual layers would take longer than all others.
        self.refine = nn.ModuleList(
            _Refine(width, spectral) if number else _gated(width, 1, spectral)
            for number, width in enumerate(widths[:-1])
        )
        self.gates = nn.ModuleList(_gated(width, GATE_KERNEL, spectral) for width in widths[-2::-1])
        self.up = nn.ModuleList([level(decoder, widths[-1], widths[-2], *last)])
        self.up.extend(
            level(decoder, width, target, kernel, stride)
            for width, target in zip(widths[-2::-1], [*widths[-3::-1], outputs], strict=True)
        )

    def encode(
        self, hidden: torch.Tensor, embedding: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The outputs of the last convolution, and those of the levels before it."""
        *levels, last = self.down
        skips: list[torch.Tensor] = []
        for reduce, refine in zip(levels, self.refine, strict=True):
            hidden = refine(functional.gelu(reduce(hidden)))
            if embedding is not None and not skips:
                hidden = hidden + embedding
            skips.append(hidden)
        return last(hidden), skips

    def decode(self, hidden: torch.Tensor, skips: list[torch.Tensor]) -> torch.Tensor:
        """The outputs of the last transposed convolution; what the encoder computed is added at each level."""
        first, *levels = self.up
        hidden = first(hidden)
        for gate, enlarge, skip in zip(self.gates, levels, skips[::-1], strict=True):
            hidden = enlarge(gate(functional.gelu(hidden) + skip))
        return hidden


class _Refine(nn.Module):
    """Residual convolutions along time with few channels, and a layer with gates."""

    def __init__(self, channels: int, spectral: bool):
        super().__init__()
        convolution: type[nn.Module] = nn.Conv2d if spectral else nn.Conv1d
        few = max(1, channels // COMPRESSION)

        def along_time(dilation: int) -> nn.Module:
            if spectral:
                return convolution(channels, few, (1, 3), padding=(0, dilation), dilation=(1, dilation))
            return convolution(channels, few, 3, padding=dilation, dilation=dilation)

        self.residual = nn.ModuleList(
            nn.Sequential(along_time(dilation), nn.GELU(), convolution(few, 2 * channels, 1), nn.GLU(dim=1))
            for dilation in DILATIONS
        )
        self.sizes = nn.Parameter(torch.full((len(DILATIONS), channels), RESIDUAL_SIZE))
        self.gate = _gated(channels, 1, spectral)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        for layer, size in zip(self.residual, self.sizes, strict=True):
            hidden = hidden + size.view(-1, *[1] * (hidden.ndim - 2)) * layer(hidden)
        gated: torch.Tensor = self.gate(hidden)
        return gated


class _Middle(nn.Module):
    """The innermost level (batch, channels, frames), which both branches share."""

    def __init__(self, channels: int, recurrent_layers: int):
        super().__init__()
        self.norm = FrameNorm(1, channels)
        self.refine = _Refine(channels, spectral=False)
        self.recurrent = RecurrentFrames(channels, recurrent_layers) if recurrent_layers else None
        self.gate = _gated(channels, GATE_KERNEL, spectral=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = self.refine(functional.gelu(self.norm(hidden)))
        if self.recurrent is not None:
            hidden = hidden + self.recurrent(hidden)
        gated: torch.Tensor = self.gate(hidden)
        return gated


def _gated(channels: int, kernel: int, spectral: bool) -> nn.Sequential:
    """A layer with gates, which keeps the shape."""
    convolution: type[nn.Module] = nn.Conv2d if spectral else nn.Conv1d
    return nn.Sequential(convolution(channels, 2 * channels, kernel, padding=kernel // 2), nn.GLU(dim=1))


def _smooth_embedding(channels: int, bins: int) -> torch.Tensor:
    """Numbers (channels, freq, 1) for each bin, which are alike for bins that lie close together."""
    walks = torch.randn(channels, bins).cumsum(dim=1) / torch.arange(1, bins + 1).sqrt()
    return EMBEDDING_SIZE * walks.unsqueeze(2)
