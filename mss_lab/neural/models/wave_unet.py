"""Wave-U-Net: a U-Net over the waveform itself, without a transform.

The encoder halves the waveform's rate at every level and computes more channels of it; the decoder doubles the rate
again, and also receives what the encoder computed at each rate. So the network has many time scales, and it estimates
samples, not magnitudes: no phase is taken from the mixture. With difference output, the last source is what remains of
the mixture without the others.

Convolutions at the ends of an excerpt read beyond it. Without input context they read zeros there. With input context
they read the recording around the excerpt, and the network gives fewer samples than it reads.

Contents: WaveUNetSettings, WaveUNet.
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional

from ... import checks
from ...refusals import RefusedValue
from ..contracts import Batch
from ..waveforms import WaveformNetwork, WaveformSettings, waveform_loss

OUTPUTS = ("difference", "direct")
SLOPE = 0.2


@dataclasses.dataclass(frozen=True)
class WaveUNetSettings(WaveformSettings):
    """Sizes of the network; the defaults are those of the reference.

    Attributes
    ----------
    levels : int
        L: how often the rate is halved.
    channels : int
        F: level l has l F channels.
    down_kernel, up_kernel : int, odd
        Samples that the convolutions of encoder and decoder read.
    context : bool
        Whether the network reads more samples than it gives.
    output : {"difference", "direct"}
        Whether the last source is the mixture without the others, or is estimated like them.
    """

    sample_rate_hz: int = 22_050
    loss: str = "squared"
    levels: int = 12
    channels: int = 24
    down_kernel: int = 15
    up_kernel: int = 5
    context: bool = False
    output: str = "difference"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("levels", "channels", "down_kernel", "up_kernel"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        for name in ("down_kernel", "up_kernel"):
            if getattr(self, name) % 2 == 0:
                raise RefusedValue(f"{name} must be odd, so that it has a middle, got {getattr(self, name)}; add 1")
        checks.check_switch("context", self.context)
        checks.check_choice("output", self.output, OUTPUTS)

    def sizes(self, samples: int) -> tuple[int, int]:
        """How many samples a network with context reads and gives, so that it gives at least `samples`.

        Examples
        --------
        >>> WaveUNetSettings().sizes(16_384)
        (147443, 16389)
        """
        step, lost = 2**self.levels, self.up_kernel
        # Of n values, a level of the decoder makes 2 n - 1, and its convolution takes up_kernel - 1 of them away.
        lowest = -(-(samples + lost * (step - 1)) // step)
        read = lowest + self.down_kernel - 1
        for _ in range(self.levels):
            read = 2 * read - 1 + self.down_kernel - 1
        return read, step * lowest - lost * (step - 1)


class WaveUNet(WaveformNetwork):
    """Waveform to waveforms over many rates.

    Parameters
    ----------
    settings : WaveUNetSettings

    Reference: Stoller, Ewert and Dixon, "Wave-U-Net: a multi-scale neural network for end-to-end audio source
    separation", ISMIR 2018. Differences: one channel, as every network here; any length.
    """

    Settings = WaveUNetSettings
    settings: WaveUNetSettings

    def __init__(self, settings: WaveUNetSettings):
        # In every position that is a multiple of this number, all levels have a sample.
        super().__init__(settings, 2**settings.levels)
        widths = [settings.channels * level for level in range(1, settings.levels + 2)]
        pairs = list(zip([1, *widths], widths, strict=False))
        down, up = settings.down_kernel, settings.up_kernel
        self.down = nn.ModuleList(nn.Conv1d(inputs, outputs, down) for inputs, outputs in pairs)
        self.up = nn.ModuleList(
            nn.Conv1d(coarse + fine, fine, up) for fine, coarse in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        estimated = len(settings.sources) - (settings.output == "difference")
        self.to_sources = nn.Conv1d(widths[0] + 1, estimated, 1) if estimated else None

    def padding(self, samples: int) -> tuple[int, int]:
        """Zeros before and after a recording: with context on both sides, without it only up to a fitting length."""
        if not self.settings.context:
            return 0, -samples % self.hop_samples
        read, written = self.settings.sizes(samples)
        before = (read - written) // 2
        return before, read - before - samples

    def waveforms(self, mixture: torch.Tensor) -> torch.Tensor:
        """Estimates of mixtures (batch, samples): as many samples, or with context those in the middle."""
        hidden = mixture.unsqueeze(1)
        down, up = self.settings.down_kernel, self.settings.up_kernel
        skips = []
        *levels, bottom = self.down
        for convolution in levels:
            hidden = self._convolved(convolution, hidden, down)
            skips.append(hidden)
            hidden = hidden[..., ::2]
        hidden = self._convolved(bottom, hidden, down)
        for convolution in self.up:
            hidden = self._doubled(hidden)
            hidden = torch.cat([hidden, _middle(skips.pop(), hidden)], dim=1)
            hidden = self._convolved(convolution, hidden, up)
        remaining = _middle(mixture.unsqueeze(1), hidden)
        if self.to_sources is None:
            return remaining
        estimates = torch.tanh(self.to_sources(torch.cat([hidden, remaining], dim=1)).float())
        if self.settings.output == "direct":
            return estimates
        return torch.cat([estimates, remaining - estimates.sum(dim=1, keepdim=True)], dim=1)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The loss of the settings; with context only of the samples that have context on both sides.

        An excerpt that is too short for any such sample has zeros around it.
        """
        sources = batch["sources"]
        samples = sources.shape[-1]
        least_read, least_written = self.settings.sizes(1)
        if not self.settings.context or samples < least_read:
            return super().loss(batch)
        # The longest excerpt that fits, from the beginning.
        read, written = self.settings.sizes(samples - (least_read - least_written) - self.hop_samples + 1)
        before = (read - written) // 2
        estimates = self.waveforms(sources[..., :read].sum(dim=1)).float()
        return waveform_loss(estimates, sources[..., before : before + written], self.settings.loss)

    def _convolved(self, convolution: nn.Module, hidden: torch.Tensor, kernel: int) -> torch.Tensor:
        if not self.settings.context:
            hidden = functional.pad(hidden, (kernel // 2, kernel // 2))
        return functional.leaky_relu(convolution(hidden), SLOPE)

    def _doubled(self, hidden: torch.Tensor) -> torch.Tensor:
        """Linear interpolation: between two samples comes their mean. Without context, the last sample is repeated."""
        following = torch.cat([hidden[..., 1:], hidden[..., -1:]], dim=-1)
        doubled = torch.stack([hidden, (hidden + following) / 2], dim=-1).flatten(-2)
        return doubled[..., :-1] if self.settings.context else doubled


def _middle(signals: torch.Tensor, shorter: torch.Tensor) -> torch.Tensor:
    """The middle of signals (..., samples), of the length of others."""
    side = (signals.shape[-1] - shorter.shape[-1]) // 2
    return signals[..., side : side + shorter.shape[-1]]
