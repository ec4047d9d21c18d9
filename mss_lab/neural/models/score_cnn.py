"""The score-filtered convolutional network: an autoencoder that sees what the score leaves of the mixture.

The score's masks cut the mixture into one rough spectrogram per player. An encoder of two convolutions, the first along
frequency, the second along time, squeezes a second or so of them all through a narrow layer; one branch for each player
leads back through the same convolutions turned round. What comes out are rough magnitudes, and their shares are the
masks. The score need not be exact: its notes are widened on either side, and the network learns what lies in between.

Symbols: X[t, f] mixture's magnitude, R_j score mask, X_j = X R_j what the network sees, E_j what it makes,
M_j = E_j / sum over i of E_i the mask.

Contents: ScoreCnnSettings, Autoencoder, ScoreCnn. Lesson: notebooks/19_score_filtered_cnn.ipynb
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ... import checks
from ...refusals import RefusedValue, ShapeError
from .. import frontend, levels, overlap, score_filter
from ..contracts import Batch

# Beside the size of E, which is of the order of its input: small enough to leave shares alone, large enough that their
# slope (one over the sum of E) stays in float32's reach, also where E is nearly 0.
FLOOR = 1e-6

# Segments that go through the network at once when a whole recording is separated.
BLOCK_SEGMENTS = 32

LOSSES = ("sum", "mean")


@dataclasses.dataclass(frozen=True)
class ScoreCnnSettings:
    """Sizes of the network; the defaults are those of the paper.

    Attributes
    ----------
    sources : tuple of str
        Who plays, in the order of rolls and estimates.
    sample_rate_hz, window_samples, hop_samples : int
    window : str
        Of the STFT.
    bins : int
        The lowest bins, which the network sees. Those above are shared as the score says, or, without a score, as the
        upper half of these.
    frames, step : int
        Length of a segment, and how far apart segments begin when a recording is separated.
    filters, frequency_kernel, frequency_stride, time_kernel, bottleneck : int
        Convolutions (1, frequency_kernel) and (time_kernel, 1), with `filters` channels each, and the narrow layer.
    shared_branch : bool
        One branch for all players, whose output leads through the first convolution's inputs to as many outputs: what
        the authors' program amounts to, where the paper draws one branch for each.
    timbre_only : bool
        CNN-T: no score; the network sees the mixture's magnitude alone.
    tolerance_s : float >= 0, seconds
        How much every note is widened on either side. 0, with exact notes, is CNN-PA.
    harmonics, width_cents, width_bins
        What a note claims, as for `mss_lab.neural.score_filter.pitch_claims`.
    input_scale : float > 0
        The network sees magnitudes divided by the root of the window's length, times this.
    even_level : bool
        Whether each mixture is first brought to one level. The paper does not.
    masks_times_score : bool
        Whether the masks are those of E_j R_j, so that the network cannot give a bin to a player to whom the score
        gives nothing while it gives it to others. The paper's masks are those of E_j.
    loss : {"sum", "mean"}
        Whether squared errors are added up over the frames and bins of a segment, as in the paper, or their mean is
        taken. AdaDelta needs the sum: its own small constant is not small beside the gradients of the mean, and the
        loss stands still. Adam minds neither, but a limit on the gradient's size suits the mean.
    """

    sources: tuple[str, ...] = ("violin", "clarinet", "tenor_sax", "bassoon")
    sample_rate_hz: int = 44_100
    window_samples: int = 4096
    hop_samples: int = 512
    window: str = "blackman-harris"
    bins: int = 2049
    frames: int = 30
    step: int = 5
    filters: int = 30
    frequency_kernel: int = 30
    frequency_stride: int = 4
    time_kernel: int = 20
    bottleneck: int = 256
    shared_branch: bool = False
    timbre_only: bool = False
    tolerance_s: float = 0.2
    harmonics: int = 20
    width_cents: float = 40.0
    width_bins: float = 0.5
    input_scale: float = 0.3
    even_level: bool = False
    masks_times_score: bool = False
    loss: str = "sum"

    def __post_init__(self) -> None:
        # A card gives a list.
        object.__setattr__(self, "sources", tuple(self.sources))
        if len(set(self.sources)) != len(self.sources) or not self.sources:
            raise RefusedValue(f"sources must be names, each once, got {self.sources}; name every player")
        whole: dict[str, Any] = {"at_least": 1, "whole": True}
        for name in ("window_samples", "frames", "filters", "frequency_stride", "bottleneck", "harmonics"):
            checks.check_number(name, getattr(self, name), **whole)
        checks.check_number("hop_samples", self.hop_samples, at_most=self.window_samples // 4, **whole)
        checks.check_number("bins", self.bins, at_most=self.window_samples // 2 + 1, **whole)
        checks.check_number("frequency_kernel", self.frequency_kernel, at_most=self.bins, **whole)
        checks.check_number("time_kernel", self.time_kernel, at_most=self.frames, **whole)
        checks.check_number("step", self.step, at_most=self.frames, **whole)
        checks.check_number("input_scale", self.input_scale, above=0)
        checks.check_number("tolerance_s", self.tolerance_s, at_least=0, unit="seconds")
        checks.check_choice("loss", self.loss, LOSSES)
        if self.timbre_only and (self.shared_branch or self.masks_times_score):
            raise RefusedValue(
                "timbre_only leaves the network one input, got shared_branch or masks_times_score, which need one for "
                "each player; set them to False"
            )


class Autoencoder(nn.Module):
    """Two convolutions, a narrow layer, and for each branch the way back through the same convolutions.

    Parameters
    ----------
    settings : ScoreCnnSettings

    Attributes
    ----------
    positions : int
        What the first convolution leaves of the bins: 505 of 2049 in the paper.
    moments : int
        What the second leaves of the frames: 11 of 30.
    units : int
        Size of what goes into the narrow layer, and of what each branch makes of it: 166 650 in the paper.

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Source: Miron, Janer and Gómez, ISMIR 2017.
    """

    def __init__(self, settings: ScoreCnnSettings):
        super().__init__()
        self.settings = settings
        outputs = len(settings.sources)
        inputs = 1 if settings.timbre_only else outputs
        self.branches = 1 if settings.shared_branch else outputs
        self.positions = 1 + (settings.bins - settings.frequency_kernel) // settings.frequency_stride
        self.moments = 1 + settings.frames - settings.time_kernel
        self.units = settings.filters * self.moments * self.positions
        filters = settings.filters
        stride = (1, settings.frequency_stride)
        self.along_frequency = nn.Conv2d(inputs, filters, (1, settings.frequency_kernel), stride=stride)
        self.along_time = nn.Conv2d(filters, filters, (settings.time_kernel, 1))
        self.squeeze = nn.Linear(self.units, settings.bottleneck)
        # The branches' layers side by side: one multiplication for all of them.
        self.expand = nn.Linear(settings.bottleneck, self.branches * self.units)
        self.bias = nn.Parameter(torch.zeros(outputs))
        for weight in (self.along_frequency.weight, self.along_time.weight, self.squeeze.weight):
            nn.init.xavier_uniform_(weight)
        # By the size of one branch, not of all side by side.
        bound = (6 / (settings.bottleneck + self.units)) ** 0.5
        nn.init.uniform_(self.expand.weight, -bound, bound)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, segments: torch.Tensor) -> torch.Tensor:
        """(batch, inputs, frames, bins), 0 or more, to rough magnitudes E (batch, sources, frames, bins)."""
        hidden = self.along_time(self.along_frequency(segments))
        code = torch.relu(self.squeeze(hidden.flatten(1)))
        grown = torch.relu(self.expand(code))
        grown = grown.view(-1, self.settings.filters, self.moments, self.positions)
        return torch.relu(self.back(grown) + self.bias[:, None, None])

    def back(self, grown: torch.Tensor) -> torch.Tensor:
        """The way back through both convolutions.

        Parameters
        ----------
        grown : float (batch * branches, filters, moments, positions)

        Returns
        -------
        float (batch, sources, frames, bins)
        """
        grown = nn.functional.conv_transpose2d(grown, self.along_time.weight)
        stride = self.settings.frequency_stride
        # The last bins, which the strided convolution never reached, get nothing but the bias.
        reached = (self.positions - 1) * stride + self.settings.frequency_kernel
        beyond = self.settings.bins - reached
        weight = self.along_frequency.weight
        outputs, groups = len(self.settings.sources), 1
        if not self.settings.shared_branch:
            # Branch j has one output, through the plane of the kernel that reads input j.
            groups = outputs
            grown = grown.reshape(-1, groups * self.settings.filters, self.settings.frames, self.positions)
            weight = weight.expand(-1, outputs, -1, -1).transpose(0, 1).reshape(-1, 1, 1, weight.shape[-1])
        rough = nn.functional.conv_transpose2d(grown, weight, stride=(1, stride), groups=groups)
        return nn.functional.pad(rough, (0, beyond))


class ScoreCnn(nn.Module):
    """Separate known instruments by a convolutional network that sees the mixture through the score's masks.

    Parameters
    ----------
    settings : ScoreCnnSettings

    Differs from the paper: the masks share equally what nobody claims, and add up to 1 also where E is 0; the loss is
    averaged over the segments of a batch; each branch has one output, for the paper's way back leads to as many outputs
    as the first convolution has inputs, and leaves open which of them to take. Which optimiser (AdaDelta in the paper),
    and when to stop (there, when the loss changes by less than 0.2), is for whoever fits it to choose.

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Source: Miron, Janer and Gómez, "Monaural score-informed source
    separation for classical music using convolutional neural networks", ISMIR 2017.
    """

    Settings = ScoreCnnSettings
    claims: torch.Tensor

    def __init__(self, settings: ScoreCnnSettings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        self.hop_samples = settings.hop_samples
        self.needs_score = not settings.timbre_only
        self.network = Autoencoder(settings)
        if self.needs_score:
            claims = score_filter.pitch_claims(
                settings.window_samples,
                settings.sample_rate_hz,
                harmonics=settings.harmonics,
                width_cents=settings.width_cents,
                width_bins=settings.width_bins,
            )
            # Made from the settings, so not stored with the weights.
            self.register_buffer("claims", torch.from_numpy(claims), persistent=False)

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate whole recordings.

        Parameters
        ----------
        mixture : float (batch, samples)
        conditions : mapping
            With `rolls`, float 0/1 (batch, sources, frames, 128), one frame for each hop, 1 + samples // hop. Not
            needed with timbre_only.

        Returns
        -------
        float (batch, sources, samples)
            They add up to the mixture.
        """
        transform = self._stft(mixture)
        rolls = (conditions or {}).get("rolls")
        masks = self.masks(transform.abs().transpose(-1, -2), rolls, self._scale(mixture))
        return frontend.istft(
            masks.transpose(-1, -2) * transform.unsqueeze(1),
            self.settings.window_samples,
            self.settings.hop_samples,
            window=self.settings.window,
            length=mixture.shape[-1],
        )

    def masks(self, magnitude: torch.Tensor, rolls: torch.Tensor | None, scale: torch.Tensor) -> torch.Tensor:
        """M of whole recordings: segments overlap, and their masks fade into each other.

        Parameters
        ----------
        magnitude : float >= 0 (batch, frames, freq)
            All bins of the STFT.
        rolls
            As in `forward`.
        scale : float (batch, 1, 1, 1)
            By which the network's input is multiplied.

        Returns
        -------
        float (batch, sources, frames, freq)
            They add up to 1.
        """
        bins, frames = self.settings.bins, magnitude.shape[1]
        given = self._score_masks(magnitude, rolls)
        seen = self._seen(magnitude, given) * scale
        segments = overlap.cut(seen, self.settings.frames, self.settings.step)
        priors = None
        if given is not None and self.settings.masks_times_score:
            priors = overlap.cut(given[..., :bins], self.settings.frames, self.settings.step)

        def in_order() -> Iterator[torch.Tensor]:
            batch = len(segments)
            block = max(1, BLOCK_SEGMENTS // batch)
            for start in range(0, segments.shape[1], block):
                prior = None if priors is None else priors[:, start : start + block].flatten(0, 1)
                shares = self._shares(segments[:, start : start + block].flatten(0, 1), prior)
                yield from shares.unflatten(0, (batch, -1)).unbind(1)

        low = overlap.overlap_add(in_order(), frames, self.settings.step)
        if bins == magnitude.shape[-1]:
            return low
        return torch.cat([low, self._above(low, magnitude, given)], dim=-1)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Squared distance of the masked mixture from the sources' magnitudes, summed over sources.

        The excerpts are cut into segments that do not overlap; what is left of them after the last whole one is not
        used, unless an excerpt is shorter than one. For full use, let an excerpt have (n * frames - 1) * hop samples.

        Parameters
        ----------
        batch : dict of Tensor
            sources (batch, sources, samples), and rolls (batch, sources, frames, 128) where the score is used.

        Returns
        -------
        float ()
            Mean over segments; the sum, or the mean, over the frames and bins of each, as the settings say.
        """
        settings = self.settings
        sources = batch["sources"]
        transforms = self._stft(sources)
        scale = self._scale(sources.sum(dim=1))
        # The transform of a sum is the sum of the transforms.
        mixture = transforms.sum(dim=1).abs().transpose(-1, -2)
        given = self._score_masks(mixture, batch.get("rolls"))
        wanted = transforms.abs().transpose(-1, -2)[..., : settings.bins] * scale
        seen = self._seen(mixture, given) * scale
        heard = mixture[:, None, :, : settings.bins] * scale
        whole = max(settings.frames, mixture.shape[1] // settings.frames * settings.frames)

        def segments(spectrograms: torch.Tensor) -> torch.Tensor:
            return overlap.cut(spectrograms[:, :, :whole], settings.frames, settings.frames).flatten(0, 1)

        prior = segments(given[..., : settings.bins]) if given is not None and settings.masks_times_score else None
        error = self._shares(segments(seen), prior) * segments(heard) - segments(wanted)
        mean = error.square().sum(dim=1).mean()
        return mean if settings.loss == "mean" else mean * settings.frames * settings.bins

    def _stft(self, waveform: torch.Tensor) -> torch.Tensor:
        settings = self.settings
        return frontend.stft(waveform, settings.window_samples, settings.hop_samples, window=settings.window)

    def _scale(self, mixture: torch.Tensor) -> torch.Tensor:
        scale = torch.full_like(mixture[:, :1], self.settings.input_scale / self.settings.window_samples**0.5)
        if self.settings.even_level:
            scale = scale * levels.level_gain(mixture)
        return scale[:, :, None, None]

    def _score_masks(self, magnitude: torch.Tensor, rolls: torch.Tensor | None) -> torch.Tensor | None:
        """R of all bins, (batch, sources, frames, freq); None for a network without a score."""
        if not self.needs_score:
            return None
        batch, frames, _ = magnitude.shape
        wanted = (batch, len(self.sources), frames, score_filter.PITCHES)
        if rolls is None:
            raise RefusedValue("this network needs a score, got none; give rolls, or use one with timbre_only")
        if tuple(rolls.shape) != wanted:
            raise ShapeError(
                f"rolls must be {wanted} (batch, sources, frames, pitches), got shape {tuple(rolls.shape)}; "
                f"draw one frame for each hop of {self.hop_samples} samples"
            )
        wide = score_filter.widen(rolls, self.settings.tolerance_s, self.sample_rate_hz / self.hop_samples)
        return score_filter.score_masks(wide.to(self.claims.dtype), self.claims)

    def _seen(self, magnitude: torch.Tensor, given: torch.Tensor | None) -> torch.Tensor:
        """What the network sees of the mixture, (batch, inputs, frames, bins)."""
        magnitude = magnitude[:, None, :, : self.settings.bins]
        return magnitude if given is None else magnitude * given[..., : self.settings.bins]

    def _shares(self, segments: torch.Tensor, prior: torch.Tensor | None) -> torch.Tensor:
        """M of segments, (segments, sources, frames, bins), from the network's input of the same shape."""
        rough: torch.Tensor = self.network(segments).float()
        if prior is not None:
            rough = rough * prior
        rough = rough + (FLOOR if prior is None else FLOOR * prior)
        # Less than the floor is there only beyond the end of a recording, where no score gives anything to anyone.
        return rough / rough.sum(dim=1, keepdim=True).clamp(min=FLOOR / 2)

    def _above(self, low: torch.Tensor, magnitude: torch.Tensor, given: torch.Tensor | None) -> torch.Tensor:
        """Masks of the bins above those that the network sees."""
        bins = self.settings.bins
        if given is not None:
            return given[..., bins:]
        upper = magnitude[:, None, :, bins // 2 : bins]
        share = (low[..., bins // 2 :] * upper).sum(dim=-1, keepdim=True)
        everyone = share.sum(dim=1, keepdim=True)
        # In silence all players share alike.
        share = torch.where(everyone > 0, share / everyone.clamp(min=torch.finfo(share.dtype).tiny), 1 / low.shape[1])
        return share.expand(*share.shape[:-1], magnitude.shape[-1] - bins)
