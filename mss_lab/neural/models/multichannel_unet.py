"""The multichannel U-Net: one convolutional network reads a spectrogram and gives a mask for each source.

The encoder halves the spectrogram along frequency and time at every level, and the decoder doubles it again. At every
level the decoder also receives what the encoder computed at the same size (the skip connections of a U-Net), so that
coarse knowledge of the whole excerpt and fine detail meet. Earlier systems trained one such network for each source;
here the last layer has one channel for each, and the loss weighs them.

Symbols: X[f, n] mixture, S_j[f, n] source j, M_j[f, n] mask, w_j weight of source j in the loss, K sources.

Contents: MultichannelUNetSettings, MultichannelUNet.
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional

from ... import checks
from .. import frontend
from ..contracts import Batch, BatchSource, check_source_names
from ..source_weights import WEIGHTINGS, SourceWeights
from .mask_inference import FLOOR_DB, level_db

MASKS = ("relu", "softmax")

# The largest mask that a source can require in the loss: where sources cancel each other, |S_j| is larger than |X|.
LARGEST_MASK = 10.0

KERNEL = 5
SLOPE = 0.2

# The decoder's levels with dropout, from the coarsest.
DROPOUT_LEVELS = 3


@dataclasses.dataclass(frozen=True)
class MultichannelUNetSettings:
    """Sizes of the network; the defaults are those of the reference.

    Attributes
    ----------
    sources : tuple of str
        Names of the sources, in the order of the masks.
    sample_rate_hz, window_samples, hop_samples : int
        Sample rate, and the grid of the STFT with a Hann window. 1022 samples give 512 bins, which can be halved often.
    channels : int
        Channels of the first level; each level has twice as many as the one before it.
    levels : int
        How often the spectrogram is halved.
    dropout : float in [0, 1)
        In the three coarsest levels of the decoder.
    masks : {"relu", "softmax"}
        Independent masks without an upper limit, as in the reference, or masks that add up to 1.
    weighting : {"unit", "energy", "dynamic"}
        Weights of the sources in the loss; see `mss_lab.neural.source_weights`.
    epoch_steps : int
        Steps for which dynamic weights stay the same.
    temperature : float > 0
        How little dynamic weights differ.
    """

    sources: tuple[str, ...] = ("violin", "clarinet", "tenor_sax", "bassoon")
    sample_rate_hz: int = 10_880
    window_samples: int = 1022
    hop_samples: int = 256
    channels: int = 16
    levels: int = 6
    dropout: float = 0.1
    masks: str = "relu"
    weighting: str = "unit"
    epoch_steps: int = 100
    temperature: float = 2.0

    def __post_init__(self) -> None:
        # A list when it is read from a card.
        object.__setattr__(self, "sources", check_source_names(self.sources))
        for name in ("window_samples", "channels", "levels", "epoch_steps"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("hop_samples", self.hop_samples, at_least=1, at_most=self.window_samples // 2, whole=True)
        checks.check_number("dropout", self.dropout, at_least=0, below=1)
        checks.check_number("temperature", self.temperature, above=0)
        checks.check_choice("masks", self.masks, MASKS)
        checks.check_choice("weighting", self.weighting, WEIGHTINGS)


class MultichannelUNet(nn.Module):
    """Log magnitude to one mask for each source, which multiplies the linear magnitude; the mixture's phase is kept.

    The masks of a frame depend on the frames around it only, not on the level or the length of the recording.

    Parameters
    ----------
    settings : MultichannelUNetSettings

    Reference: Kadandale, Montesinos, Haro and Gómez, MMSP 2020; the U-Net of Jansson et al., ISMIR 2017. Differences:
    frequencies are not resampled to a logarithmic scale; the level is in dB above -80 dB, so that silence is 0; the
    bias of the last layer starts at 1 / K, since masks that start below 0 cannot learn; the weighted losses are
    averaged, not added up.
    """

    Settings = MultichannelUNetSettings
    needs_score = False

    def __init__(self, settings: MultichannelUNetSettings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        # Frames are halved `levels` times. Chunks that begin on this grid have the same frames at every level.
        self.hop_samples = settings.hop_samples * 2**settings.levels
        widths = [settings.channels * 2**level for level in range(settings.levels)]
        self.encoder = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(SLOPE),
            )
            for inputs, outputs in zip([1, *widths[:-1]], widths, strict=True)
        )
        # From the coarsest level. Below it, inputs are doubled by what the encoder computed.
        inputs = [widths[-1], *(2 * width for width in widths[-2::-1])]
        self.decoder = nn.ModuleList(
            nn.Sequential(
                _doubling(inputs[number], width),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.Dropout(settings.dropout if number < DROPOUT_LEVELS else 0.0),
            )
            for number, width in enumerate(widths[-2::-1])
        )
        self.to_masks = _doubling(inputs[-1], len(settings.sources))
        bias = self.to_masks.bias
        assert bias is not None
        nn.init.constant_(bias, 1 / len(settings.sources))
        self.source_weights = SourceWeights(
            len(settings.sources), settings.weighting, settings.epoch_steps, settings.temperature
        )

    def prepare(self, batches: BatchSource) -> None:
        """Measure the energies of the sources, if the weights of the loss follow from them."""
        self.source_weights.prepare(batches)

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
            With softmax masks they add up to the mixture, with others in general not.
        """
        grid = (self.settings.window_samples, self.settings.hop_samples)
        transform = frontend.stft(mixture, *grid)
        masked = self.masks(transform.abs()) * transform.unsqueeze(1)
        return frontend.istft(masked, *grid, length=mixture.shape[-1])

    def masks(self, magnitude: torch.Tensor) -> torch.Tensor:
        """Magnitudes (batch, freq, frames) to masks (batch, sources, freq, frames), 0 or more."""
        bins, frames = magnitude.shape[1:]
        step = 2**self.settings.levels
        # From 0 at the floor to 1 at 0 dB; zeros around it are silence.
        hidden = (1 - level_db(magnitude) / FLOOR_DB).unsqueeze(1)
        hidden = functional.pad(hidden, (0, -frames % step, 0, -bins % step))
        skips = []
        for level in self.encoder:
            hidden = level(hidden)
            skips.append(hidden)
        skips.pop()
        for level in self.decoder:
            hidden = torch.cat([level(hidden), skips.pop()], dim=1)
        outputs: torch.Tensor = self.to_masks(hidden).float()[..., :bins, :frames]
        return outputs.softmax(dim=1) if self.settings.masks == "softmax" else outputs.relu()

    def loss(self, batch: Batch) -> torch.Tensor:
        """Mean of w_j | M_j |X| - |S_j| | over batch, sources, bins and frames; |S_j| is limited to 10 |X|.

        Parameters
        ----------
        batch : dict of Tensor
            `sources` (batch, sources, samples).

        Returns
        -------
        float ()
        """
        transforms = frontend.stft(batch["sources"], self.settings.window_samples, self.settings.hop_samples)
        # The transform of a sum is the sum of the transforms.
        magnitude = transforms.sum(dim=1).abs()
        targets = torch.minimum(transforms.abs(), LARGEST_MASK * magnitude.unsqueeze(1))
        errors = (self.masks(magnitude) * magnitude.unsqueeze(1) - targets).abs()
        loss: torch.Tensor = self.source_weights(errors.mean(dim=(0, 2, 3)))
        return loss


def _doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2, output_padding=1)
