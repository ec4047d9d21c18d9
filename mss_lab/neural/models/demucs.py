"""Demucs, first version: a U-Net over the waveform with gated layers, and recurrent layers at its lowest rate.

An encoder's level reads 8 samples at every 4th one, and a layer with gates (GLU) selects what is passed on: half of its
channels, each times the sigmoid of one of the others. At the lowest rate, recurrent layers read the whole excerpt in
both directions. The decoder goes back level by level; what the encoder computed at each rate is added to the decoder's
input, not appended to it as in Wave-U-Net.

Contents: DemucsSettings, Demucs.
"""

import dataclasses

import torch
from torch import nn

from ... import checks
from ...refusals import RefusedValue
from ..layers import RecurrentFrames, rescale_convolutions
from ..waveforms import WaveformNetwork, WaveformSettings


@dataclasses.dataclass(frozen=True)
class DemucsSettings(WaveformSettings):
    """Sizes of the network; the defaults are those of the reference.

    Attributes
    ----------
    channels : int
        Of the first level; each level has twice as many as the one before it.
    levels : int
        How often the rate is reduced.
    kernel, stride : int
        Samples that a level reads, and how many it moves on.
    decoder_kernel : int, odd
        Frames that a gated layer of the decoder reads.
    recurrent_layers : int >= 0
        At the lowest rate. Without any, an estimate depends only on the recording near it.
    rescale : float > 0, optional
        r: the weights of a convolution, of standard deviation s, begin multiplied by the square root of r / s, which
        brings the levels closer to one size. None leaves them unchanged.
    """

    channels: int = 64
    levels: int = 6
    kernel: int = 8
    stride: int = 4
    decoder_kernel: int = 3
    recurrent_layers: int = 2
    rescale: float | None = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("channels", "levels", "kernel", "decoder_kernel"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("stride", self.stride, at_least=1, at_most=self.kernel, whole=True)
        checks.check_number("recurrent_layers", self.recurrent_layers, at_least=0, whole=True)
        if self.decoder_kernel % 2 == 0:
            raise RefusedValue(f"decoder_kernel must be odd, so that it has a middle, got {self.decoder_kernel}; add 1")
        if self.rescale is not None:
            checks.check_number("rescale", self.rescale, above=0)

    def valid_length(self, samples: int) -> int:
        """The least number of samples, at least this many, that every level of the encoder covers without a rest.

        Examples
        --------
        >>> DemucsSettings(levels=2).valid_length(101)
        116
        """
        frames = samples
        for _ in range(self.levels):
            frames = 1 + max(0, -(-(frames - self.kernel) // self.stride))
        for _ in range(self.levels):
            frames = (frames - 1) * self.stride + self.kernel
        return frames


class Demucs(WaveformNetwork):
    """Waveform to waveforms by convolutions with gates, recurrent layers, and skip connections that are added.

    Parameters
    ----------
    settings : DemucsSettings

    Reference: Défossez, Usunier, Bottou and Bach, "Music source separation in the waveform domain", 2019. Differences:
    one channel, as every network here; the gated layers of the decoder read zeros beyond the ends; silence is added
    only after a recording, so that the levels begin at its first sample; the estimates of several shifted copies are
    not averaged.
    """

    Settings = DemucsSettings
    settings: DemucsSettings

    def __init__(self, settings: DemucsSettings):
        super().__init__(settings, settings.stride**settings.levels)
        widths = [settings.channels * 2**level for level in range(settings.levels)]
        kernel, stride, side = settings.kernel, settings.stride, settings.decoder_kernel // 2
        self.encoder = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(inputs, width, kernel, stride), nn.ReLU(), nn.Conv1d(width, 2 * width, 1), nn.GLU(dim=1)
            )
            for inputs, width in zip([1, *widths], widths, strict=False)
        )
        self.recurrent = (
            RecurrentFrames(widths[-1], settings.recurrent_layers) if settings.recurrent_layers else nn.Identity()
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(width, 2 * width, settings.decoder_kernel, padding=side),
                nn.GLU(dim=1),
                nn.ConvTranspose1d(width, outputs, kernel, stride),
                # The last level gives waveforms.
                nn.ReLU() if number < settings.levels - 1 else nn.Identity(),
            )
            for number, (width, outputs) in enumerate(
                zip(widths[::-1], [*widths[-2::-1], len(settings.sources)], strict=True)
            )
        )
        if settings.rescale is not None:
            rescale_convolutions(self, settings.rescale)

    def padding(self, samples: int) -> tuple[int, int]:
        """Zeros after the recording, up to a valid length."""
        return 0, self.settings.valid_length(samples) - samples

    def waveforms(self, mixture: torch.Tensor) -> torch.Tensor:
        """Estimates (batch, sources, samples) of mixtures of a valid length."""
        hidden = mixture.unsqueeze(1)
        skips = []
        for level in self.encoder:
            hidden = level(hidden)
            skips.append(hidden)
        hidden = self.recurrent(hidden)
        for level in self.decoder:
            hidden = level(hidden + skips.pop())
        estimates: torch.Tensor = hidden
        return estimates
