"""The score-filtered convolutional network: an autoencoder that reads the mixture after filtering by the score.

The masks of the score divide the mixture into one rough spectrogram for each player. An encoder of two convolutions,
the first along frequency, the second along time, reduces about a second of all these spectrograms to a narrow layer; a
branch for each player leads back through the transposed convolutions. The outputs are rough magnitudes, and their
shares of the sum are the masks. The score need not be exact: its notes are widened on both sides, and the network
learns which of these bins belong to a note.

Symbols: X[t, f] mixture's magnitude, R_j score mask, X_j = X R_j input of the network, E_j its output,
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

# Added to E, whose size is that of its input: small enough not to change the shares, large enough that their derivative
# (one over the sum of E) can be represented in float32, also where E is nearly 0.
FLOOR = 1e-6

# Segments that the network processes at once when a whole recording is separated.
BLOCK_SEGMENTS = 32

LOSSES = ("sum", "mean")


@dataclasses.dataclass(frozen=True)
class ScoreCnnSettings:
    """Sizes of the network; the defaults are those of the paper.

    Attributes
    ----------
    sources : tuple of str
        Names of the sources, in the order of rolls and estimates.
    sample_rate_hz, window_samples, hop_samples : int
    window : str
        Sample rate, and window and hop of the STFT.
    bins : int
        Number of lowest bins, which the network reads. Above them the masks are those of the score or, without a score,
        the shares of the estimated magnitude in the upper half of these bins.
    frames, step : int
        Length of a segment, and the distance between the starts of segments when a recording is separated.
    filters, frequency_kernel, frequency_stride, time_kernel, bottleneck : int
        Convolutions (1, frequency_kernel) and (time_kernel, 1), with `filters` channels each, and the narrow layer.
    shared_branch : bool
        Whether there is one branch for all players, with an output for each input of the first convolution, as in the
        authors' program. The paper has a branch for each player.
    timbre_only : bool
        CNN-T: no score; the network reads only the mixture's magnitude.
    tolerance_s : float >= 0, seconds
        How much every note is widened on both sides. 0, with exact notes, is CNN-PA.
    harmonics, width_cents, width_bins
        The bins that a note claims, as for `mss_lab.neural.score_filter.pitch_claims`.
    input_scale : float > 0
        The input of the network is the magnitude divided by the square root of the window's length, times this factor.
    even_level : bool
        Whether each mixture is first brought to one level; in the paper it is not.
    masks_times_score : bool
        Whether the masks are the shares of E_j R_j, so that a bin that the score gives only to other players cannot
        belong to player j. In the paper they are the shares of E_j.
    loss : {"sum", "mean"}
        Whether squared errors are added up over the frames and bins of a segment, as in the paper, or averaged.
        AdaDelta needs the sum: its own small constant is not small compared with the gradients of the mean, and the
        loss does not decrease. Adam works with both, but a limit on the gradient's length suits the mean.
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
        # A list when it is read from a card.
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
    """Two convolutions, a narrow layer, and for each branch the transposed convolutions.

    Parameters
    ----------
    settings : ScoreCnnSettings

    Attributes
    ----------
    positions : int
        Size along frequency after the first convolution: 505 for 2049 bins in the paper.
    moments : int
        Size along time after the second convolution: 11 for 30 frames.
    units : int
        Number of inputs of the narrow layer, and of outputs of each branch's first layer: 166 650 in the paper.

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Reference: Miron, Janer and Gómez, ISMIR 2017.
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
        # The layers of all branches in one matrix, for a single multiplication.
        self.expand = nn.Linear(settings.bottleneck, self.branches * self.units)
        self.bias = nn.Parameter(torch.zeros(outputs))
        for weight in (self.along_frequency.weight, self.along_time.weight, self.squeeze.weight):
            nn.init.xavier_uniform_(weight)
        # The range follows from the size of one branch, not of the whole matrix.
        bound = (6 / (settings.bottleneck + self.units)) ** 0.5
        nn.init.uniform_(self.expand.weight, -bound, bound)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, segments: torch.Tensor) -> torch.Tensor:
        """Segments (batch, inputs, frames, bins), 0 or more, to rough magnitudes E (batch, sources, frames, bins)."""
        hidden = self.along_time(self.along_frequency(segments))
        code = torch.relu(self.squeeze(hidden.flatten(1)))
        expanded = torch.relu(self.expand(code))
        expanded = expanded.view(-1, self.settings.filters, self.moments, self.positions)
        return torch.relu(self.back(expanded) + self.bias[:, None, None])

    def back(self, expanded: torch.Tensor) -> torch.Tensor:
        """Apply both transposed convolutions.

        Parameters
        ----------
        expanded : float (batch * branches, filters, moments, positions)

        Returns
        -------
        float (batch, sources, frames, bins)
        """
        expanded = nn.functional.conv_transpose2d(expanded, self.along_time.weight)
        stride = self.settings.frequency_stride
        # The last bins, which the convolution with its stride does not cover, receive only the bias.
        covered = (self.positions - 1) * stride + self.settings.frequency_kernel
        uncovered = self.settings.bins - covered
        weight = self.along_frequency.weight
        outputs, groups = len(self.settings.sources), 1
        if not self.settings.shared_branch:
            # Branch j has one output, and uses the kernel for input j.
            groups = outputs
            expanded = expanded.reshape(-1, groups * self.settings.filters, self.settings.frames, self.positions)
            weight = weight.expand(-1, outputs, -1, -1).transpose(0, 1).reshape(-1, 1, 1, weight.shape[-1])
        rough = nn.functional.conv_transpose2d(expanded, weight, stride=(1, stride), groups=groups)
        return nn.functional.pad(rough, (0, uncovered))


class ScoreCnn(nn.Module):
    """Separate the instruments of training by a convolutional network that reads the mixture times the score's masks.

    Parameters
    ----------
    settings : ScoreCnnSettings

    Differs from the paper: bins that no source claims are shared equally, and the masks add up to 1 also where E is 0;
    the loss is averaged over the segments of a batch; each branch has one output, while in the paper it has as many as
    the first convolution has inputs, and the paper does not state which of them is used. The optimizer (AdaDelta in the
    paper) and the end of training (in the paper, when the loss changes by less than 0.2) are options of the training.

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Reference: Miron, Janer and Gómez, "Monaural score-informed source
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
            # It follows from the settings, so it is not stored with the weights.
            self.register_buffer("claims", torch.from_numpy(claims), persistent=False)

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate whole recordings.

        Parameters
        ----------
        mixture : float (batch, samples)
        conditions : mapping
            With `rolls`, float 0/1 (batch, sources, frames, 128), 1 + samples // hop frames. Not needed with
            timbre_only.

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
        """The masks M of whole recordings: segments overlap, and their masks fade into each other.

        Parameters
        ----------
        magnitude : float >= 0 (batch, frames, freq)
            All bins of the STFT.
        rolls
            As in `forward`.
        scale : float (batch, 1, 1, 1)
            Factor of the network's input.

        Returns
        -------
        float (batch, sources, frames, freq)
            They add up to 1.
        """
        bins, frames = self.settings.bins, magnitude.shape[1]
        score_masks = self._score_masks(magnitude, rolls)
        network_input = self._network_input(magnitude, score_masks) * scale
        segments = overlap.cut(network_input, self.settings.frames, self.settings.step)
        priors = None
        if score_masks is not None and self.settings.masks_times_score:
            priors = overlap.cut(score_masks[..., :bins], self.settings.frames, self.settings.step)

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
        return torch.cat([low, self._above(low, magnitude, score_masks)], dim=-1)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Squared distance of the masked mixture from the sources' magnitudes, summed over sources.

        The excerpts are cut into segments that do not overlap. The rest after the last whole segment is not used,
        unless an excerpt is shorter than one segment. An excerpt of (n * frames - 1) * hop samples has no rest.

        Parameters
        ----------
        batch : dict of Tensor
            `sources` (batch, sources, samples), and `rolls` (batch, sources, frames, 128) if the score is used.

        Returns
        -------
        float ()
            Mean over segments; over the frames and bins of each segment the sum or the mean, as the settings specify.
        """
        settings = self.settings
        sources = batch["sources"]
        transforms = self._stft(sources)
        scale = self._scale(sources.sum(dim=1))
        # The transform of a sum is the sum of the transforms.
        mixture = transforms.sum(dim=1).abs().transpose(-1, -2)
        score_masks = self._score_masks(mixture, batch.get("rolls"))
        targets = transforms.abs().transpose(-1, -2)[..., : settings.bins] * scale
        network_input = self._network_input(mixture, score_masks) * scale
        magnitude = mixture[:, None, :, : settings.bins] * scale
        whole_frames = max(settings.frames, mixture.shape[1] // settings.frames * settings.frames)

        def segments(spectrograms: torch.Tensor) -> torch.Tensor:
            return overlap.cut(spectrograms[:, :, :whole_frames], settings.frames, settings.frames).flatten(0, 1)

        prior = (
            segments(score_masks[..., : settings.bins])
            if score_masks is not None and settings.masks_times_score
            else None
        )
        error = self._shares(segments(network_input), prior) * segments(magnitude) - segments(targets)
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
        expected = (batch, len(self.sources), frames, score_filter.PITCHES)
        if rolls is None:
            raise RefusedValue("this network needs a score, got none; give rolls, or use one with timbre_only")
        if tuple(rolls.shape) != expected:
            raise ShapeError(
                f"rolls must be {expected} (batch, sources, frames, pitches), got shape {tuple(rolls.shape)}; "
                f"make one frame for each hop of {self.hop_samples} samples"
            )
        wide = score_filter.widen(rolls, self.settings.tolerance_s, self.sample_rate_hz / self.hop_samples)
        return score_filter.score_masks(wide.to(self.claims.dtype), self.claims)

    def _network_input(self, magnitude: torch.Tensor, score_masks: torch.Tensor | None) -> torch.Tensor:
        """The input of the network before scaling, (batch, inputs, frames, bins)."""
        magnitude = magnitude[:, None, :, : self.settings.bins]
        return magnitude if score_masks is None else magnitude * score_masks[..., : self.settings.bins]

    def _shares(self, segments: torch.Tensor, prior: torch.Tensor | None) -> torch.Tensor:
        """The masks M of segments, (segments, sources, frames, bins), from the network's input of the same shape."""
        rough: torch.Tensor = self.network(segments).float()
        if prior is not None:
            rough = rough * prior
        rough = rough + (FLOOR if prior is None else FLOOR * prior)
        # The sum is below FLOOR only after the end of a recording, where all score masks are 0.
        return rough / rough.sum(dim=1, keepdim=True).clamp(min=FLOOR / 2)

    def _above(self, low: torch.Tensor, magnitude: torch.Tensor, score_masks: torch.Tensor | None) -> torch.Tensor:
        """Masks of the bins above those that the network reads."""
        bins = self.settings.bins
        if score_masks is not None:
            return score_masks[..., bins:]
        upper = magnitude[:, None, :, bins // 2 : bins]
        share = (low[..., bins // 2 :] * upper).sum(dim=-1, keepdim=True)
        total = share.sum(dim=1, keepdim=True)
        # In silence all masks are equal.
        share = torch.where(total > 0, share / total.clamp(min=torch.finfo(share.dtype).tiny), 1 / low.shape[1])
        return share.expand(*share.shape[:-1], magnitude.shape[-1] - bins)
