"""The attentive MultiResUNet on the short-time discrete cosine transform (STDCT), which is real and has no phase.

A U-Net reads the signed coefficients of the mixture and writes the signed coefficients of every source, so that nothing
of the mixture's phase is reused. Its blocks (MultiRes) chain three small convolutions and use the outputs of all three,
which have seen 3, 5 and 7 bins and frames. What the encoder passes to the decoder goes through residual layers first;
at the coarser levels, an attention gate lets the decoder select channels of it.

In place of coefficients, the network can write signed masks, which multiply the coefficients of the mixture.

Symbols: F[k, n] coefficients of the mixture, F_j[k, n] those of source j, U filters of a level, W = 1.72 U.

Contents: MultiResUNetSettings, MultiResUNet.
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional

from ... import checks
from .. import frontend, levels
from ..contracts import Batch, check_source_names

OUTPUTS = ("coefficients", "masks")
LOSSES = ("absolute", "squared")

# W = WIDTH * U, and the shares of W that the three convolutions of a block have.
WIDTH = 1.72
SHARES = (0.167, 0.333, 0.5)


@dataclasses.dataclass(frozen=True)
class MultiResUNetSettings:
    """Sizes of the network; the defaults are those of the reference.

    Attributes
    ----------
    sources : tuple of str
        Names of the sources, in the order of the estimates.
    sample_rate_hz, window_samples, hop_samples : int
        Sample rate, and the grid of the STDCT.
    window : {"hann", "hamming", "blackman-harris", "sine"}
    coefficients : int, optional
        How many coefficients of a frame the network reads and writes, from the lowest; None for all. The others, whose
        frequencies are coefficients / (2 window_samples) of the sample rate and higher, are silent in all estimates.
    filters : int
        U of the first level; each level has twice as many as the one before it.
    levels : int >= 1
        How often the coefficients are halved along frequency and time.
    outputs : {"coefficients", "masks"}
        Whether the network writes coefficients of the sources, as in the reference, or masks of either sign.
    loss : {"absolute", "squared"}
        How coefficients are compared.
    even_level : bool
        Whether each mixture is first brought to one level; in the reference it is not.
    """

    sources: tuple[str, ...] = ("violin", "clarinet", "tenor_sax", "bassoon")
    sample_rate_hz: int = 16_000
    window_samples: int = 2048
    hop_samples: int = 256
    window: str = "hamming"
    coefficients: int | None = None
    filters: int = 32
    levels: int = 4
    outputs: str = "coefficients"
    loss: str = "squared"
    even_level: bool = False

    def __post_init__(self) -> None:
        # A list when it is read from a card.
        object.__setattr__(self, "sources", check_source_names(self.sources))
        checks.check_sample_rate(self.sample_rate_hz)
        for name in ("window_samples", "filters", "levels"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("hop_samples", self.hop_samples, at_least=1, at_most=self.window_samples // 2, whole=True)
        checks.check_choice("window", self.window, frontend.WINDOWS)
        if self.coefficients is not None:
            checks.check_number("coefficients", self.coefficients, at_least=1, at_most=self.window_samples, whole=True)
        checks.check_choice("outputs", self.outputs, OUTPUTS)
        checks.check_choice("loss", self.loss, LOSSES)
        checks.check_switch("even_level", self.even_level)


class MultiResUNet(nn.Module):
    """Coefficients of the mixture to coefficients of every source, by blocks of several resolutions and attention.

    Parameters
    ----------
    settings : MultiResUNetSettings

    Reference: Sgouros, Bousis and Mitianoudis, "An efficient short-time discrete cosine transform and attentive
    MultiResUNet framework for music source separation", IEEE Access 2022; Ibtehaz and Rahman, "MultiResUNet", Neural
    Networks 2020. Differences: one network for all sources, with a channel of the last layer for each; the inverse
    divides by the sum of the squared windows, as `mss_lab.transforms.istdct`; coefficients are divided by a fixed level
    before the network and multiplied by it afterwards; the loss is a mean, not a sum.
    """

    Settings = MultiResUNetSettings
    needs_score = False

    def __init__(self, settings: MultiResUNetSettings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        # Frames are halved `levels` times. Chunks that begin on this grid have the same frames at every level.
        self.hop_samples = settings.hop_samples * 2**settings.levels
        filters = [settings.filters * 2**level for level in range(settings.levels)]
        self.encoder = nn.ModuleList()
        self.paths = nn.ModuleList()
        channels = 1
        for level, count in enumerate(filters):
            block = _MultiRes(channels, count)
            channels = block.channels
            self.encoder.append(block)
            self.paths.append(_ResidualPath(channels, count, settings.levels - level))
        self.bottom = _MultiRes(channels, 2 * filters[-1])
        channels = self.bottom.channels
        # From the coarsest level.
        self.gates, self.up, self.decoder = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level in range(settings.levels - 1, -1, -1):
            count = filters[level]
            self.gates.append(_AttentionGate(channels, count) if level else _NoGate())
            self.up.append(nn.ConvTranspose2d(channels, count, 2, stride=2))
            block = _MultiRes(2 * count, count)
            channels = block.channels
            self.decoder.append(block)
        self.to_outputs = nn.Conv2d(channels, len(settings.sources), 1)

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
            In general they do not add up to the mixture.
        """
        gain = self._gain(mixture).unsqueeze(-1)
        estimates = self.coefficients_of_sources(gain * self._coefficients(mixture)) / gain.unsqueeze(1)
        settings = self.settings
        whole = functional.pad(estimates, (0, 0, 0, settings.window_samples - estimates.shape[2]))
        grid = (settings.window_samples, settings.hop_samples, settings.window)
        return frontend.istdct(whole, *grid, length=mixture.shape[-1])

    def coefficients_of_sources(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Coefficients of mixtures (batch, freq, frames) to those of the sources (batch, sources, freq, frames)."""
        bins, frames = coefficients.shape[1:]
        step = 2**self.settings.levels
        hidden = (coefficients / levels.LEVEL).unsqueeze(1)
        hidden = functional.pad(hidden, (0, -frames % step, 0, -bins % step))
        skips = []
        for block, path in zip(self.encoder, self.paths, strict=True):
            hidden = block(hidden)
            skips.append(path(hidden))
            hidden = functional.max_pool2d(hidden, 2)
        hidden = self.bottom(hidden)
        for gate, up, block in zip(self.gates, self.up, self.decoder, strict=True):
            hidden = block(torch.cat([up(hidden), gate(hidden, skips.pop())], dim=1))
        outputs: torch.Tensor = self.to_outputs(hidden).float()[..., :bins, :frames]
        return outputs * (coefficients.unsqueeze(1) if self.settings.outputs == "masks" else levels.LEVEL)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Mean of | E_j - F_j | or of its square over batch, sources, coefficients and frames.

        Parameters
        ----------
        batch : dict of Tensor
            `sources` (batch, sources, samples).

        Returns
        -------
        float ()
        """
        sources = batch["sources"]
        gain = self._gain(sources.sum(dim=1))
        # The transform of a sum is the sum of the transforms.
        targets = self._coefficients(sources) * gain[..., None, None]
        errors = self.coefficients_of_sources(targets.sum(dim=1)) - targets
        return errors.abs().mean() if self.settings.loss == "absolute" else errors.square().mean()

    def _coefficients(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Those that the network reads, (..., freq, frames)."""
        settings = self.settings
        transform = frontend.stdct(waveforms, settings.window_samples, settings.hop_samples, settings.window)
        return transform[..., : settings.coefficients, :]

    def _gain(self, mixture: torch.Tensor) -> torch.Tensor:
        """(batch, 1)"""
        return levels.level_gain(mixture) if self.settings.even_level else torch.ones_like(mixture[:, :1]).float()


def _convolved(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """A convolution and batch normalisation, whose offset replaces a bias."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs))


class _MultiRes(nn.Module):
    """Three convolutions in a chain, the outputs of all of them together, and a shortcut; it has `channels` outputs."""

    def __init__(self, inputs: int, filters: int):
        super().__init__()
        counts = [max(1, int(WIDTH * filters * share)) for share in SHARES]
        self.channels = sum(counts)
        self.chain = nn.ModuleList(
            _convolved(before, count, 3) for before, count in zip([inputs, *counts], counts, strict=False)
        )
        self.joined_norm = nn.BatchNorm2d(self.channels)
        self.shortcut = _convolved(inputs, self.channels, 1)
        self.norm = nn.BatchNorm2d(self.channels)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        shortcut = self.shortcut(hidden)
        outputs = []
        for layer in self.chain:
            hidden = layer(hidden).relu()
            outputs.append(hidden)
        normalised: torch.Tensor = self.norm((shortcut + self.joined_norm(torch.cat(outputs, dim=1))).relu())
        return normalised


class _ResidualPath(nn.Module):
    """Residual layers between encoder and decoder: a convolution of 3 x 3 and a shortcut of 1 x 1 in each."""

    def __init__(self, inputs: int, filters: int, length: int):
        super().__init__()
        sizes = [inputs, *[filters] * (length - 1)]
        self.wide = nn.ModuleList(_convolved(size, filters, 3) for size in sizes)
        self.short = nn.ModuleList(_convolved(size, filters, 1) for size in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(filters) for _ in sizes)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        for wide, short, norm in zip(self.wide, self.short, self.norms, strict=True):
            hidden = norm((wide(hidden).relu() + short(hidden)).relu())
        return hidden


class _AttentionGate(nn.Module):
    """Weights of the channels of a skip connection, which add up to 1 in every bin and frame, and two convolutions.

    The weights follow from the skip connection and from the coarser level of the decoder.
    """

    def __init__(self, coarse: int, filters: int):
        super().__init__()
        self.from_coarse = nn.Sequential(
            _convolved(coarse, filters, 1), nn.ConvTranspose2d(filters, filters, 2, stride=2)
        )
        self.from_skip = _convolved(filters, filters, 1)
        self.to_weights = _convolved(filters, filters, 1)
        self.after = nn.Sequential(_convolved(filters, filters, 1), _convolved(filters, filters, 1), nn.ReLU())

    def forward(self, coarse: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        weights = self.to_weights((self.from_coarse(coarse) + self.from_skip(skip)).relu()).softmax(dim=1)
        gated: torch.Tensor = self.after(weights * skip)
        return gated


class _NoGate(nn.Module):
    """Passes a skip connection on."""

    def forward(self, coarse: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return skip
