"""X-UMX: one network for each source, joined by bridges; without a score, with a score, or from a score alone.

Every source has a branch: an encoder of a frame's magnitudes, a recurrent network that reads the frames forwards and
backwards, and a decoder that gives the source's mask. At two points each branch receives the mean over all branches:
these bridges have no weights of their own. The masks have no upper limit, and need not add up to 1.

With a score (Tunturi et al.), each branch also reads the piano roll of its own source. In the score-only form the
branch reads nothing else: its mask follows from the score alone, and is then applied to the mixture. A timbre that is
not in the training data cannot change the masks of such a network.

One difference from the authors' programs: like all of this package, the transform pads the ends of a recording with
zeros, while theirs pads by reflection. Only frames within half a window of the ends are different.

The layers read (batch, frames, features); the channels of a frame are joined in its features.

Contents: FAMILIES; XumxSettings, Branch, Xumx; and XumxInformed, XumxScoreOnly with their settings.
Lessons: notebooks/17_xumx.ipynb, notebooks/18_with_a_score_from_a_score.ipynb
References: Stöter et al., JOSS 2019 (Open-Unmix); Sawata et al., ICASSP 2021 (X-UMX); Tunturi et al. 2025 (score).
"""

import dataclasses
import itertools

import torch
from torch import nn
from torch.nn import functional

from ... import checks
from ...refusals import RefusedValue, ShapeError
from .. import frontend, layers, losses
from ..contracts import Batch, BatchSource
from ..layers import Lstm

PITCHES = 128

# How a branch uses the score of its source.
SCORES = ("none", "concatenate", "multiply", "late", "only")

# The least standard deviation of a bin, relative to the largest; an almost constant bin would get a very large scale.
LEAST_DEVIATION = 1e-4

# Number of training batches on which `prepare` measures the bins.
PREPARING_STEPS = 30

# The four networks of Tunturi et al., whose sources are the 15 instruments of their orchestra.
FAMILIES: dict[str, tuple[str, ...]] = {
    "strings": ("violin", "viola", "cello", "bass"),
    "woodwinds": ("flute", "clarinet", "oboe", "bassoon"),
    "brass": ("horn", "trumpet", "trombone", "tuba"),
    "percussion": ("harp", "timpani", "untuned_percussion"),
}


@dataclasses.dataclass(frozen=True)
class XumxSettings:
    """Sizes of the network and of its loss; the defaults are those of Tunturi et al. for one family of instruments.

    Attributes
    ----------
    sources : tuple of str
        Two or more names, each once, in the order of rolls and estimates.
    score : {"none", "concatenate", "multiply", "late", "only"}
        Whether and where a branch reads its roll. "concatenate": the output of a small recurrent network for the roll
        is joined to the magnitudes at the encoder. "multiply": it decides the gain of each bin at the encoder instead.
        "late": it is joined to the input of the decoder, after the last bridge. The reference uses the first of these
        three; the others are our interpretation of its experiments. "only": the encoder reads only the roll itself.
    bridging : bool
        Whether branches receive the mean over branches. If not, they only share the loss.
    sample_rate_hz, window_samples, hop_samples : int
        The hop divides the window, and is a quarter of it or less. Hann window.
    bandwidth_hz : float
        Upper limit of the bins that the encoder reads; masks cover all bins.
    hidden : int
        Features of an encoded frame; the recurrent network has half as many in each direction.
    layers : int
        Number of layers of the recurrent networks.
    dropout : float, 0 <= dropout < 1
        Between the layers of the recurrent network.
    score_hidden : int
        Features of a frame of the roll, half as many in each direction.
    score_dropout : float, 0 <= score_dropout < 1
        Between the layers of the recurrent network for the roll.
    channels : int
        1; the reference X-UMX has 2. Rolls are the same for all channels.
    combine : bool
        Whether the loss also compares sums of sources (`mss_lab.neural.losses`).
    frequency_weight, time_weight : float >= 0
        Weights of the two terms of the loss, not both 0.
    """

    sources: tuple[str, ...] = FAMILIES["strings"]
    score: str = "none"
    bridging: bool = True
    sample_rate_hz: int = 44_100
    window_samples: int = 4096
    hop_samples: int = 1024
    bandwidth_hz: float = 16_000.0
    hidden: int = 512
    layers: int = 3
    dropout: float = 0.4
    score_hidden: int = 128
    score_dropout: float = 0.3
    channels: int = 1
    combine: bool = True
    frequency_weight: float = 1.0
    time_weight: float = 10.0

    def __post_init__(self) -> None:
        # A list when it is read from a card.
        object.__setattr__(self, "sources", tuple(self.sources))
        if len(self.sources) < 2 or len(set(self.sources)) != len(self.sources):
            raise RefusedValue(f"sources must be 2 names or more, each once, got {self.sources}; name every player")
        checks.check_choice("score", self.score, SCORES)
        checks.check_sample_rate(self.sample_rate_hz)
        for name in ("window_samples", "hop_samples", "layers", "channels"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        layers.check_hop(self.window_samples, self.hop_samples, least_parts=4)
        for name in ("hidden", "score_hidden"):
            size = checks.check_number(name, getattr(self, name), at_least=2, whole=True)
            if size % 2:
                raise RefusedValue(f"{name} must be even, half for each direction of time, got {size}; add one")
        for name in ("dropout", "score_dropout"):
            checks.check_number(name, getattr(self, name), at_least=0, below=1)
        checks.check_number("bandwidth_hz", self.bandwidth_hz, above=0, at_most=self.sample_rate_hz / 2, unit="Hz")
        weights = [
            checks.check_number(name, getattr(self, name), at_least=0) for name in ("frequency_weight", "time_weight")
        ]
        if not any(weights):
            raise RefusedValue(
                "frequency_weight and time_weight must not both be 0: nothing would be learnt; raise one"
            )

    @property
    def bins(self) -> int:
        """Number of frequencies of the STFT."""
        return self.window_samples // 2 + 1

    @property
    def input_bins(self) -> int:
        """Number of frequencies that the encoder reads: 1487 in the paper."""
        return min(self.bins, int(self.bandwidth_hz * self.window_samples / self.sample_rate_hz) + 1)


class Branch(nn.Module):
    """The layers of one source: a reader of its roll, an encoder, a recurrent network and a decoder.

    Parameters
    ----------
    settings : XumxSettings

    Lesson: notebooks/17_xumx.ipynb. Reference: Sawata et al. 2021; the reader: Tunturi et al. 2025.
    """

    def __init__(self, settings: XumxSettings):
        super().__init__()
        score, hidden = settings.score, settings.hidden
        self.score = score
        magnitudes = settings.channels * settings.input_bins
        if score != "only":
            self.input_shift = nn.Parameter(torch.zeros(settings.input_bins))
            self.input_scale = nn.Parameter(torch.ones(settings.input_bins))
            self.output_scale = nn.Parameter(torch.ones(settings.bins))
            self.output_shift = nn.Parameter(torch.ones(settings.bins))
        if score not in ("none", "only"):
            self.reader = _recurrent(PITCHES, settings.score_hidden, settings.layers, settings.score_dropout)
            self.reader_norm = nn.BatchNorm1d(settings.score_hidden)
        if score == "multiply":
            self.gate = nn.Linear(settings.score_hidden, settings.input_bins)
        encoded = PITCHES if score == "only" else magnitudes + settings.score_hidden * (score == "concatenate")
        self.encoder = nn.Linear(encoded, hidden, bias=False)
        self.encoder_norm = nn.BatchNorm1d(hidden)
        self.memory = _recurrent(hidden, hidden, settings.layers, settings.dropout)
        decoded = 2 * hidden + settings.score_hidden * (score == "late")
        self.decoder = nn.Linear(decoded, hidden, bias=False)
        self.decoder_norm = nn.BatchNorm1d(hidden)
        self.output = nn.Linear(hidden, settings.channels * settings.bins, bias=False)
        self.output_norm = nn.BatchNorm1d(settings.channels * settings.bins)

    def read(self, roll: torch.Tensor) -> torch.Tensor:
        """Features of the score, (batch, frames, features): the roll itself, or the reader's output for it."""
        if self.score in ("none", "only"):
            return roll
        return functional.relu(_normalised(self.reader_norm, self.reader(roll)[0]))

    def encode(self, magnitude: torch.Tensor, score: torch.Tensor) -> torch.Tensor:
        """Magnitudes (batch, frames, channels, bins) and score (batch, frames, features) -> (batch, frames, hidden)."""
        if self.score == "only":
            return torch.tanh(_normalised(self.encoder_norm, self.encoder(score)))
        channels, bins = magnitude.shape[-2:]
        if self.score == "multiply":
            magnitude = magnitude * torch.sigmoid(self.gate(score)).unsqueeze(-2)
        # Scale and shift are folded into the encoder, which is linear too. So no branch copies all magnitudes, and no
        # gradient is computed for the magnitudes, which are data.
        weight = self.encoder.weight[:, : channels * bins] * self.input_scale.repeat(channels)
        encoded = functional.linear(magnitude.flatten(-2), weight, weight @ self.input_shift.repeat(channels))
        if self.score == "concatenate":
            encoded = encoded + functional.linear(score, self.encoder.weight[:, channels * bins :])
        return torch.tanh(_normalised(self.encoder_norm, encoded))

    def decode(self, joined: torch.Tensor, score: torch.Tensor) -> torch.Tensor:
        """Encoded frames and recurrent outputs (batch, frames, 2 hidden) -> masks (batch, frames, channels * bins)."""
        if self.score == "late":
            joined = torch.cat([joined, score], -1)
        hidden = functional.relu(_normalised(self.decoder_norm, self.decoder(joined)))
        if self.score == "only":
            return functional.relu(_normalised(self.output_norm, self.output(hidden)))
        # The mask's own scale and shift are linear, as the normalisation is: both are applied in one pass over the
        # largest array of the network.
        channels = self.output_norm.num_features // len(self.output_scale)
        scale_and_shift = self.output_scale.repeat(channels), self.output_shift.repeat(channels)
        return functional.relu(_normalised(self.output_norm, self.output(hidden), *scale_and_shift))


class Xumx(nn.Module):
    """The network of `mss_lab.neural.models.xumx`.

    Parameters
    ----------
    settings : XumxSettings

    Lesson: notebooks/17_xumx.ipynb. Reference: Sawata et al. 2021; Tunturi et al. 2025.
    """

    Settings: type[XumxSettings] = XumxSettings

    def __init__(self, settings: XumxSettings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        self.hop_samples = settings.hop_samples
        self.needs_score = settings.score != "none"
        self.branches = nn.ModuleList(Branch(settings) for _ in settings.sources)

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate a mixture.

        Parameters
        ----------
        mixture : float (batch, samples), or (batch, channels, samples) where settings.channels is over 1
        conditions : mapping
            With `rolls`, float (batch, sources, frames, 128), if `needs_score`; the frames are those of the STFT. A
            network that needs no score ignores them.

        Returns
        -------
        float (batch, sources, samples), or (batch, sources, channels, samples)
            In general they do not add up to the mixture.

        Raises
        ------
        ShapeError, ValueError
            If the shapes do not fit, or the rolls are missing.
        """
        waveforms = self._with_channels("mixture", mixture, "batch")
        transform = self._stft(waveforms)
        masks = self._masks(transform.abs(), (conditions or {}).get("rolls"))
        estimates = self._masked_waveforms(masks, transform, waveforms.shape[-1])
        return estimates if self.settings.channels > 1 else estimates.squeeze(2)

    def masks(self, mixture: torch.Tensor, rolls: torch.Tensor | None = None) -> torch.Tensor:
        """The masks, (batch, sources, channels, freq, frames), 0 or more; parameters as for `forward`."""
        return self._masks(self._stft(self._with_channels("mixture", mixture, "batch")).abs(), rolls)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Frequency loss plus ten times the weighted SDR loss, or with the weights of the settings.

        Parameters
        ----------
        batch : mapping
            `sources` (batch, sources, samples) or with channels before samples; `rolls` (batch, sources, frames, 128)
            if `needs_score`; `mixture` (batch, samples) if there are other players, else it is the sum of the sources.

        Returns
        -------
        scalar >= 0
            0 for perfect estimates.

        Lesson: notebooks/17_xumx.ipynb. Reference: Sawata et al. 2021; Tunturi et al. 2025.
        """
        settings = self.settings
        sources = self._with_channels("sources", batch["sources"], "batch sources")
        mixture = self._with_channels("mixture", batch["mixture"], "batch") if "mixture" in batch else sources.sum(1)
        transform = self._stft(mixture)
        magnitude = transform.abs()
        masks = self._masks(magnitude, batch.get("rolls"))
        loss = masks.new_zeros(())
        if settings.frequency_weight:
            targets = self._stft(sources).abs()
            frequency_loss = losses.frequency_loss(masks, magnitude, targets, combine=settings.combine)
            loss = loss + settings.frequency_weight * frequency_loss
        if settings.time_weight:
            # Each channel is compared separately, as an item of the batch.
            pairs = (self._masked_waveforms(masks, transform, sources.shape[-1]), sources)
            estimates, true_sources = (pair.transpose(1, 2).flatten(0, 1) for pair in pairs)
            loss = loss + settings.time_weight * losses.weighted_sdr_loss(
                estimates, true_sources, combine=settings.combine
            )
        return loss

    @torch.no_grad()
    def prepare(self, batches: BatchSource) -> None:
        """Measure mean and deviation of every bin of training mixtures, which give the initial input shift and scale.

        Parameters
        ----------
        batches : callable
            step -> batch, the same as for training; the first 30 are used.

        Reference: Stöter et al. 2019: shift = -mean, scale = 1 / deviation, the latter at least 1e-4 of its maximum.
        """
        if self.settings.score == "only":
            return
        shift = self._branches()[0].input_shift
        count, sums, squares = 0, torch.zeros_like(shift, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for batch in itertools.islice(map(batches, itertools.count()), PREPARING_STEPS):
            mixture = batch["mixture"] if "mixture" in batch else batch["sources"].sum(1)
            magnitudes = self._encoder_input(
                self._stft(self._with_channels("mixture", mixture.to(shift), "batch")).abs()
            ).double()
            count += magnitudes[..., 0].numel()
            sums, squares = sums + magnitudes.sum((0, 1, 2)), squares + magnitudes.square().sum((0, 1, 2))
        mean = sums / count
        deviation = (squares / count - mean.square()).clamp(min=0).sqrt()
        deviation = deviation.clamp(min=LEAST_DEVIATION * deviation.max())
        # The deviation of silence is 0, by which nothing can be divided.
        scale = 1 / deviation if deviation.max() > 0 else torch.ones_like(deviation)
        for branch in self._branches():
            branch.input_shift.copy_(-mean)
            branch.input_scale.copy_(scale)

    def _masks(self, magnitude: torch.Tensor, rolls: torch.Tensor | None) -> torch.Tensor:
        """Magnitudes (batch, channels, freq, frames) -> masks (batch, sources, channels, freq, frames)."""
        batch, channels, bins, frames = magnitude.shape
        branches = self._branches()
        scores = self._scores(rolls, batch, frames)
        encoder_input = self._encoder_input(magnitude)
        encoded = self._bridge(
            [branch.encode(encoder_input, score) for branch, score in zip(branches, scores, strict=True)]
        )
        recurrent = [branch.memory(own)[0] for branch, own in zip(branches, encoded, strict=True)]
        joined = self._bridge([torch.cat(pair, -1) for pair in zip(encoded, recurrent, strict=True)])
        parts = zip(branches, joined, scores, strict=True)
        masks = torch.stack([branch.decode(own, score) for branch, own, score in parts], 1)
        # Sums over a whole segment need full precision, also where the layers compute in half precision.
        by_channel: torch.Tensor = masks.unflatten(-1, (channels, bins)).permute(0, 1, 3, 4, 2)
        return by_channel.to(magnitude.dtype)

    def _bridge(self, features: list[torch.Tensor]) -> list[torch.Tensor]:
        if not self.settings.bridging:
            return features
        return [torch.stack(features).mean(0)] * len(features)

    def _scores(self, rolls: torch.Tensor | None, batch: int, frames: int) -> list[torch.Tensor]:
        """The score features of each branch; of size 0 if the network needs no score."""
        weight = self._branches()[0].encoder.weight
        if not self.needs_score:
            return [weight.new_empty(batch, frames, 0)] * len(self.branches)
        expected = (batch, len(self.branches), frames, PITCHES)
        if rolls is None or rolls.shape != expected:
            raise ShapeError(
                f"rolls must be (batch, sources, frames, pitches) = {expected} for a network that reads a score, got "
                f"{None if rolls is None else tuple(rolls.shape)}; make them with a hop of {self.hop_samples} samples"
            )
        return [branch.read(roll) for branch, roll in zip(self._branches(), rolls.to(weight).unbind(1), strict=True)]

    def _encoder_input(self, magnitude: torch.Tensor) -> torch.Tensor:
        """Magnitudes (batch, channels, freq, frames) -> input of the encoders (batch, frames, channels, bins)."""
        lowest = magnitude[..., : self.settings.input_bins, :].permute(0, 3, 1, 2)
        return lowest.to(self._branches()[0].encoder.weight.dtype)

    def _branches(self) -> list[Branch]:
        return [branch for branch in self.branches if isinstance(branch, Branch)]

    def _stft(self, waveforms: torch.Tensor) -> torch.Tensor:
        return frontend.stft(waveforms, self.settings.window_samples, self.settings.hop_samples)

    def _masked_waveforms(self, masks: torch.Tensor, transform: torch.Tensor, length: int) -> torch.Tensor:
        """The masked mixture as waveforms, (batch, sources, channels, samples); each channel is an item of its own."""
        batch, channels = transform.shape[:2]
        items = masks.transpose(1, 2).flatten(0, 1)
        settings = self.settings
        waveforms = layers.masked_waveforms(
            items, transform.flatten(0, 1), settings.window_samples, settings.hop_samples, length=length
        )
        by_channel: torch.Tensor = waveforms.unflatten(0, (batch, channels))
        return by_channel.transpose(1, 2)

    def _with_channels(self, name: str, waveforms: torch.Tensor, axes: str) -> torch.Tensor:
        """Waveforms with an axis of channels before the samples; ShapeError if the shape does not fit."""
        channels, leading = self.settings.channels, len(axes.split())
        sources = waveforms.shape[1:2] if leading == 2 else ()
        if channels == 1 and waveforms.ndim == leading + 1:
            waveforms = waveforms.unsqueeze(-2)
        has_axes = waveforms.ndim == leading + 2 and waveforms.shape[-2] == channels and all(waveforms.shape)
        if not has_axes or (sources and sources[0] != len(self.sources)):
            expected = [*axes.split(), *(["channels"] if channels > 1 else []), "samples"]
            raise ShapeError(
                f"{name} must be ({', '.join(expected)}), not empty, for {len(self.sources)} sources and {channels} "
                f"channel(s), got shape {tuple(waveforms.shape)}; this network separates {', '.join(self.sources)}"
            )
        return waveforms


@dataclasses.dataclass(frozen=True)
class XumxInformedSettings(XumxSettings):
    """As `XumxSettings`, with a score besides the magnitudes."""

    score: str = "concatenate"


class XumxInformed(Xumx):
    """X-UMX that also reads the score; see `Xumx`."""

    Settings = XumxInformedSettings


@dataclasses.dataclass(frozen=True)
class XumxScoreOnlySettings(XumxSettings):
    """As `XumxSettings`, with masks that follow from the score alone."""

    score: str = "only"


class XumxScoreOnly(Xumx):
    """X-UMX whose masks follow from the score alone; see `Xumx`."""

    Settings = XumxScoreOnlySettings


def _recurrent(features: int, hidden: int, layers: int, dropout: float) -> Lstm:
    """A recurrent network over frames in both directions, half of its features from each."""
    # With one layer, torch warns that there is no dropout between layers.
    between = dropout if layers > 1 else 0.0
    return Lstm(features, hidden // 2, layers, bidirectional=True, batch_first=True, dropout=between)


def _normalised(
    norm: nn.BatchNorm1d, features: torch.Tensor, scale: torch.Tensor | None = None, shift: torch.Tensor | None = None
) -> torch.Tensor:
    """Batch normalisation of the last axis over all others, then times scale plus shift, in one pass."""
    weight: torch.Tensor = norm.weight
    bias: torch.Tensor = norm.bias
    if scale is not None and shift is not None:
        weight, bias = weight * scale, bias * scale + shift
    rows = features.reshape(-1, features.shape[-1])
    rows = functional.batch_norm(
        rows, norm.running_mean, norm.running_var, weight, bias, norm.training, norm.momentum or 0.0, norm.eps
    )
    return rows.view(features.shape)
