"""The context-window network: fully connected layers compute the masks of a frame from the frames around it.

The first kind of network that separated music well. The order of the frames in its window is all that it uses of time,
and it is trained in minutes.

Symbols: X[f, n] mixture's magnitude, S_j[f, n] that of source j, M_j[f, n] mask, C frames of context on either side.

Contents: ContextWindowSettings, ContextWindow. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses

import torch
from torch import nn

from ... import checks
from ...refusals import RefusedValue
from .. import frontend, levels
from ..contracts import Batch, BatchSource

OUTPUTS = ("masks", "magnitudes")

# The network reads magnitudes in dB, limited to this value from below.
FLOOR_DB = -80.0

# The least divisor of a bin of the input, relative to the largest standard deviation.
SMALLEST_SPREAD = 0.1

# Number of batches from which mean and standard deviation of the input are computed.
PREPARING_BATCHES = 8


@dataclasses.dataclass(frozen=True)
class ContextWindowSettings:
    """Sizes of the network.

    Attributes
    ----------
    sources : tuple of str
        Names of the sources, in the order of the estimates.
    sample_rate_hz, window_samples, hop_samples : int
        Sample rate, and the grid of the STFT with a Hann window.
    context_frames : int
        C: 5 to 10 on either side in the figure of the reference.
    hidden, layers : int
        Width and number of hidden layers.
    output : {"masks", "magnitudes"}
        Whether the last layer gives masks, which a softmax makes add up to 1, or magnitudes, whose shares of their sum
        are the masks.
    """

    sources: tuple[str, ...] = ("violin", "clarinet", "tenor_sax", "bassoon")
    sample_rate_hz: int = 16_000
    window_samples: int = 1024
    hop_samples: int = 256
    context_frames: int = 8
    hidden: int = 256
    layers: int = 2
    output: str = "masks"

    def __post_init__(self) -> None:
        # A list when it is read from a card.
        object.__setattr__(self, "sources", tuple(self.sources))
        if len(set(self.sources)) != len(self.sources) or not self.sources:
            raise RefusedValue(f"sources must be names, each once, got {self.sources}; name every player")
        for name in ("window_samples", "hidden", "layers"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("hop_samples", self.hop_samples, at_least=1, at_most=self.window_samples // 4, whole=True)
        checks.check_number("context_frames", self.context_frames, at_least=0, whole=True)
        checks.check_choice("output", self.output, OUTPUTS)


class ContextWindow(nn.Module):
    """Compute the masks of every frame from the 2C + 1 frames around it.

    The input is the magnitude in dB; from every bin its mean is subtracted, and the result is divided by its standard
    deviation, both from `prepare`. Before and after the recording the input is 0. Every mixture is first brought to one
    level.

    Parameters
    ----------
    settings : ContextWindowSettings

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Cano et al., IEEE Signal Processing Magazine 2019, Fig. 7, after
    Uhlich, Giron and Mitsufuji, ICASSP 2015. Difference: the latter train layer by layer and on linear magnitudes.
    """

    Settings = ContextWindowSettings
    mean_db: torch.Tensor
    spread_db: torch.Tensor
    typical: torch.Tensor

    def __init__(self, settings: ContextWindowSettings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        self.hop_samples = settings.hop_samples
        self.needs_score = False
        bins = settings.window_samples // 2 + 1
        # A layer that reads a moving window of frames is a convolution over time: it gives the same numbers without
        # 2C + 1 copies of every frame.
        first = nn.Conv1d(bins, settings.hidden, 2 * settings.context_frames + 1, padding=settings.context_frames)
        layers: list[nn.Module] = [first, nn.ReLU()]
        for _ in range(settings.layers - 1):
            layers += [nn.Conv1d(settings.hidden, settings.hidden, 1), nn.ReLU()]
        self.network = nn.Sequential(*layers, nn.Conv1d(settings.hidden, len(settings.sources) * bins, 1))
        self.register_buffer("mean_db", torch.zeros(bins))
        self.register_buffer("spread_db", torch.full((bins,), 20.0))
        self.register_buffer("typical", torch.ones(bins))

    @torch.no_grad()
    def prepare(self, batches: BatchSource) -> None:
        """Measure the mean and standard deviation of each bin, and its typical magnitude, on the first batches."""
        magnitudes = [
            self._even_magnitude(batches(step)["sources"].sum(dim=1)).transpose(0, 1).flatten(1)
            for step in range(PREPARING_BATCHES)
        ]
        magnitude = torch.cat(magnitudes, dim=1).to(self.mean_db.device)
        level_db = _decibels(magnitude)
        spread = level_db.std(dim=1, correction=0)
        self.mean_db.copy_(level_db.mean(dim=1))
        self.spread_db.copy_(spread.clamp(min=max(SMALLEST_SPREAD * float(spread.max()), 1e-3)))
        typical = magnitude.square().mean(dim=1).sqrt()
        self.typical.copy_(typical.clamp(min=max(1e-4 * float(typical.max()), 1e-8)))

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
            They add up to the mixture.
        """
        settings = self.settings
        transform = frontend.stft(mixture, settings.window_samples, settings.hop_samples)
        masks = self.output_of(transform.abs() * levels.level_gain(mixture)[..., None])
        if settings.output == "magnitudes":
            # Where all magnitudes are 0, the masks are equal.
            masks = masks + 1e-6 * self.typical[:, None]
            masks = masks / masks.sum(dim=1, keepdim=True)
        return frontend.istft(
            masks * transform.unsqueeze(1), settings.window_samples, settings.hop_samples, length=mixture.shape[-1]
        )

    def output_of(self, magnitude: torch.Tensor) -> torch.Tensor:
        """The output of the network for magnitudes at the common level, (batch, freq, frames).

        Returns
        -------
        float (batch, sources, freq, frames)
            Masks, or magnitudes, as the settings say.
        """
        level = (_decibels(magnitude) - self.mean_db[:, None]) / self.spread_db[:, None]
        output: torch.Tensor = self.network(level).float().unflatten(1, (len(self.sources), -1))
        if self.settings.output == "masks":
            return output.softmax(dim=1)
        # Outputs of similar size in all bins are easier to learn than magnitudes, which differ between bass and treble.
        return torch.relu(output) * self.typical[:, None]

    def loss(self, batch: Batch) -> torch.Tensor:
        """Mean square of M_j X - S_j over batch, sources, bins and frames; output magnitudes take the place of M_j X.

        Parameters
        ----------
        batch : dict of Tensor
            `sources` (batch, sources, samples).

        Returns
        -------
        float ()
        """
        settings = self.settings
        sources = batch["sources"]
        transforms = frontend.stft(sources, settings.window_samples, settings.hop_samples)
        transforms = transforms * levels.level_gain(sources.sum(dim=1))[:, None, None]
        # The transform of a sum is the sum of the transforms.
        magnitude = transforms.sum(dim=1).abs()
        estimated = self.output_of(magnitude)
        if settings.output == "masks":
            estimated = estimated * magnitude.unsqueeze(1)
        return (estimated - transforms.abs()).square().mean()

    def _even_magnitude(self, mixture: torch.Tensor) -> torch.Tensor:
        transform = frontend.stft(mixture, self.settings.window_samples, self.settings.hop_samples)
        return transform.abs() * levels.level_gain(mixture)[..., None]


def _decibels(magnitude: torch.Tensor) -> torch.Tensor:
    return 20 * torch.log10(magnitude.clamp(min=10 ** (FLOOR_DB / 20)))
