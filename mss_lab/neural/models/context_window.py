"""The context-window network: each frame is masked from what lies around it, by fully connected layers.

The first kind of network that separated music well. It knows nothing of time but the order of the frames in its
window, and it is trained in minutes.

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

# Magnitudes are heard in dB, none below this.
FLOOR_DB = -80.0

# No bin of the input is divided by less than this part of the largest spread.
SMALLEST_SPREAD = 0.1

# Batches that the input's mean and spread are taken from.
PREPARING_BATCHES = 8


@dataclasses.dataclass(frozen=True)
class ContextWindowSettings:
    """Sizes of the network.

    Attributes
    ----------
    sources : tuple of str
        Who plays, in the order of estimates.
    sample_rate_hz, window_samples, hop_samples : int
        Hann windows.
    context_frames : int
        C: 5 to 10 on either side in the survey's figure.
    hidden, layers : int
        Width and number of hidden layers.
    output : {"masks", "magnitudes"}
        Whether the last layer gives shares, which add up to 1 by a softmax, or magnitudes, whose shares are the masks.
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
        # A card gives a list.
        object.__setattr__(self, "sources", tuple(self.sources))
        if len(set(self.sources)) != len(self.sources) or not self.sources:
            raise RefusedValue(f"sources must be names, each once, got {self.sources}; name every player")
        for name in ("window_samples", "hidden", "layers"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("hop_samples", self.hop_samples, at_least=1, at_most=self.window_samples // 4, whole=True)
        checks.check_number("context_frames", self.context_frames, at_least=0, whole=True)
        checks.check_choice("output", self.output, OUTPUTS)


class ContextWindow(nn.Module):
    """Mask every frame from the 2C + 1 frames around it.

    The input is the magnitude in dB, every bin with its mean taken away and divided by its spread, both from
    `prepare`. Beyond the ends of a recording lie frames of that mean. Every mixture is first brought to one level.

    Parameters
    ----------
    settings : ContextWindowSettings

    Lesson: notebooks/16_learn_a_mask.ipynb. Source: Cano et al., IEEE Signal Processing Magazine 2019, Fig. 7, after
    Uhlich, Giron and Mitsufuji, ICASSP 2015, who train layer by layer and give the network linear magnitudes.
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
        # A layer that sees a window of frames, moved along, is a convolution over time: the same numbers without
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
        """Take the mean and spread of each bin, and its typical magnitude, from the first batches."""
        heard = [
            self._heard(batches(step)["sources"].sum(dim=1)).transpose(0, 1).flatten(1)
            for step in range(PREPARING_BATCHES)
        ]
        magnitude = torch.cat(heard, dim=1).to(self.mean_db.device)
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
            Not used.

        Returns
        -------
        float (batch, sources, samples)
            They add up to the mixture.
        """
        settings = self.settings
        transform = frontend.stft(mixture, settings.window_samples, settings.hop_samples)
        made = self.output_of(transform.abs() * levels.level_gain(mixture)[..., None])
        if settings.output == "magnitudes":
            # Where all of them are 0, all share alike.
            made = made + 1e-6 * self.typical[:, None]
            made = made / made.sum(dim=1, keepdim=True)
        return frontend.istft(
            made * transform.unsqueeze(1), settings.window_samples, settings.hop_samples, length=mixture.shape[-1]
        )

    def output_of(self, magnitude: torch.Tensor) -> torch.Tensor:
        """What the network makes of magnitudes at the common level, (batch, freq, frames).

        Returns
        -------
        float (batch, sources, freq, frames)
            Masks, or magnitudes, as the settings say.
        """
        level = (_decibels(magnitude) - self.mean_db[:, None]) / self.spread_db[:, None]
        made: torch.Tensor = self.network(level).float().unflatten(1, (len(self.sources), -1))
        if self.settings.output == "masks":
            return made.softmax(dim=1)
        # Magnitudes of a common size are easier to learn than those of treble and bass as they are.
        return torch.relu(made) * self.typical[:, None]

    def loss(self, batch: Batch) -> torch.Tensor:
        """Mean square of M_j X - S_j, or of what stands for M_j X, over batch, sources, bins and frames.

        Parameters
        ----------
        batch : dict of Tensor
            sources (batch, sources, samples).

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
        made = self.output_of(magnitude)
        if settings.output == "masks":
            made = made * magnitude.unsqueeze(1)
        return (made - transforms.abs()).square().mean()

    def _heard(self, mixture: torch.Tensor) -> torch.Tensor:
        transform = frontend.stft(mixture, self.settings.window_samples, self.settings.hop_samples)
        return transform.abs() * levels.level_gain(mixture)[..., None]


def _decibels(magnitude: torch.Tensor) -> torch.Tensor:
    return 20 * torch.log10(magnitude.clamp(min=10 ** (FLOOR_DB / 20)))
