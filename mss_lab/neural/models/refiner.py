"""A network that refines score-informed NMF, for any number of players and any instruments.

NMF with a score already gives where each player sounds. What its model does not contain is how instruments behave: that
the level of a harmonic is near those of its neighbours, that the harmonics of a note rise and fall together, that the
pitch of a string instrument has vibrato and that of an oboe hardly any. For every player the network reads the mixture,
the model of this player, the sum of the models of the other players, and the position of the notes' harmonics; it gives
a correction of the model's logarithm for every bin. A softmax over players turns the corrected models into masks, so
that they always add up to 1. The last layer starts at zero: training starts from the result of NMF.

All players are processed by the same network, and receive information about one another only through the mean over
players. So their order does not matter, and there may be any number of them.

Phase carries information that magnitude does not. Its change over time gives the frequency of the sound in a bin to a
fraction of a bin, and its change over frequency gives the time (reassignment, by Auger and Flandrin). So the network
reads how many cents the sound of a bin is off the player's harmonic: where two players overlap, each has its own
offset, and it is the same at all harmonics.

The harmonics of a note are further apart in a spectrogram than a convolution reaches. So the features of every bin
include those of the bins one fundamental above and below it, where the neighbouring harmonics of the same note are.
Four neighbouring bins are folded into channels, since corrections are smooth and the cost of a convolution grows with
the number of bins.

Symbols: X mixture, M_j model of player j, c_j correction, m_j = M_j² exp(c_j) / sum_i M_i² exp(c_i) mask.

Contents: Refiner, reassigned. Lesson: notebooks/18_with_a_score_from_a_score.ipynb
"""

import dataclasses
import itertools
import math

import torch
from torch import nn
from torch.nn import functional

from ... import checks
from ...refusals import RefusedValue
from .. import frontend
from ..contracts import Batch

# Added to magnitudes, relative to the loudest bin of the mixture: bins below this level count as silent.
FLOOR = 1e-4
# Added to models before the logarithm, relative to the same bin.
MODEL_FLOOR = 1e-5
# Bins below this factor times the lowest fundamental of a frame are not corrected. The factor is about a fourth, since
# lower notes may still decay.
LOWEST = 0.7
# The input of a refiner besides the mixture.
CUES = ("models", "fundamentals", "sounding", "key_length_s")
# Features of a bin: five of levels, six of frequency, time and key, and four of each neighbouring harmonic.
LEVELS, POSITIONS, NEIGHBOURS = 5, 6, 4
# The unit of offsets from a harmonic, which are limited to two units in both directions.
OFFSET_CENTS = 40.0


class Refiner(nn.Module):
    """Corrects the models of score-informed NMF, bin by bin; the module describes its input.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb. Reference: none, own method; the architecture follows
    Ronneberger et al., MICCAI 2015 (U-Net), and Zaheer et al., NIPS 2017 (networks for sets).
    """

    @dataclasses.dataclass(frozen=True)
    class Settings:
        """Sizes and grid of a `Refiner`.

        Attributes
        ----------
        sample_rate_hz : int
        window_samples, hop_samples : int
            Grid of the STFT: a long window, since the harmonics of two players are distinguished by frequency.
        bins : int
            Number of lowest bins, which are refined; a multiple of `fold` times 2 to the number of levels minus 1.
            Above them, the masks are those of NMF.
        fold : int
            Neighbouring bins that are folded into one position of the convolutions.
        channels : tuple of int
            Channels of the levels of the U-Net, from fine to coarse; multiples of 4.
        exponent : float > 0
            Exponent of the generalised Wiener filter from which the network starts.
        """

        sample_rate_hz: int = 16_000
        window_samples: int = 4096
        hop_samples: int = 1024
        bins: int = 1024
        fold: int = 4
        channels: tuple[int, ...] = (24, 32, 48, 64)
        exponent: float = 2.0

    def __init__(self, settings: "Refiner.Settings"):
        super().__init__()
        checks.check_number("exponent", settings.exponent, above=0)
        divisor = settings.fold * 2 ** (len(settings.channels) - 1)
        if settings.bins % divisor or settings.bins > settings.window_samples // 2:
            raise RefusedValue(
                f"bins must be a multiple of {divisor}, at most {settings.window_samples // 2}, got {settings.bins}; "
                "choose another, or fewer levels"
            )
        self.settings = settings
        self.sample_rate_hz, self.hop_samples = settings.sample_rate_hz, settings.hop_samples
        # Empty: the sources are those of the score.
        self.sources: tuple[str, ...] = ()
        self.needs_score = True
        channels, fold = settings.channels, settings.fold
        # Two more channels hold the frequency of a bin, on a linear and on a logarithmic scale.
        self.inward = nn.Conv2d((LEVELS + POSITIONS + 2 * NEIGHBOURS) * fold + 2, channels[0], 3, padding=1)
        self.down = nn.ModuleList(_Block(channels[max(0, i - 1)], wide) for i, wide in enumerate(channels))
        self.others = nn.ModuleList(nn.Conv2d(2 * wide, wide, 1) for wide in channels)
        self.up = nn.ModuleList(_Block(wide + coarser, wide) for wide, coarser in itertools.pairwise(channels))
        self.outward = nn.Conv2d(channels[0], fold, 3, padding=1)
        nn.init.zeros_(self.outward.weight)
        nn.init.zeros_(self.outward.bias)  # type: ignore[arg-type]

    def masks(
        self,
        magnitude: torch.Tensor,
        offsets: torch.Tensor,
        models: torch.Tensor,
        fundamentals: torch.Tensor,
        sounding: torch.Tensor,
        key_length_s: torch.Tensor,
        *,
        strength: float = 1.0,
    ) -> torch.Tensor:
        """The masks of all players in the lowest bins.

        Parameters
        ----------
        magnitude : float >= 0 (batch, bins, frames)
            Magnitude of the mixture in the lowest bins.
        offsets : float (batch, 2, bins, frames)
            How far the sound of each bin is from the centre of the bin and of the frame; see `reassigned`.
        models : float >= 0 (batch, players, bins, frames)
            Models of NMF, in the same unit.
        fundamentals : float >= 0 (batch, players, frames)
            Fundamental frequency in bins of each player's note, or of the nearest in time; 0 where there is none.
        sounding : 0 or 1 (batch, players, frames)
            1 where the note is written.
        key_length_s : float >= 0 (batch, players, frames)
            Total length in seconds of the notes of this pitch and player in the recording.
        strength : float
            Factor of the corrections.

        Returns
        -------
        float in [0, 1] (batch, players, bins, frames)
            They add up to 1 over players.
        """
        peak = magnitude.amax(dim=(1, 2), keepdim=True).clamp_min(1e-9)
        magnitude, models = magnitude / peak, models / peak[:, None]
        corrections = self._corrections(_features(magnitude, offsets, models, fundamentals, sounding, key_length_s))
        corrections = corrections * _may_have_notes(fundamentals, magnitude.shape[1])
        return torch.softmax(
            self.settings.exponent * torch.log(models + MODEL_FLOOR) + strength * corrections.float(), dim=1
        )

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Estimates of the players, float (batch, players, samples).

        Parameters
        ----------
        mixture : float (batch, samples)
        conditions : mapping
            `models` (batch, players, bins, frames), of all bins or of the lowest; `fundamentals`, `sounding` and
            `key_length_s`, as for `masks`. Above the refined bins the masks are those of NMF, and equal for all players
            where there are no models.
        """
        settings = self.settings
        grid = (settings.window_samples, settings.hop_samples)
        transform = frontend.stft(mixture, *grid)
        cues = self._cues(conditions)
        masks = self.all_masks(transform.abs(), reassigned(mixture, transform, *grid), cues)
        return frontend.istft(masks * transform[:, None], *grid, length=mixture.shape[-1])

    def baseline(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """The estimates of NMF alone, without corrections; parameters and result as for `forward`."""
        cues = self._cues(conditions)
        return torch.cat(
            [
                self.separate_channels(
                    waveform[None], {name: cues[name][i : i + 1] for name in CUES}, strength=0.0
                ).transpose(0, 1)
                for i, waveform in enumerate(mixture)
            ]
        )

    def separate_channels(self, mixture: torch.Tensor, cues: Batch, *, strength: float = 1.0) -> torch.Tensor:
        """Separate one recording whose channels share their masks.

        Parameters
        ----------
        mixture : float (channels, samples)
        cues : mapping
            As for `forward`, with a batch of one, and common to all channels.
        strength : float
            Factor of the corrections.

        Returns
        -------
        float (players, channels, samples)
        """
        settings = self.settings
        grid = (settings.window_samples, settings.hop_samples)
        transform = frontend.stft(mixture, *grid)
        common = transform.abs().square().mean(dim=0, keepdim=True).sqrt()
        # Phase is read from the mean of the channels, or from the first channel where they cancel each other.
        mean = mixture.mean(dim=0, keepdim=True)
        mono = mean if mean.square().sum() > 1e-4 * mixture.square().mean(dim=0).sum() else mixture[:1]
        offsets = reassigned(mono, frontend.stft(mono, *grid), *grid)
        masked = self.all_masks(common, offsets, cues, strength)[0][:, None] * transform
        return frontend.istft(masked, *grid, length=mixture.shape[-1])

    def all_masks(
        self, magnitude: torch.Tensor, offsets: torch.Tensor, cues: Batch, strength: float = 1.0
    ) -> torch.Tensor:
        """Masks of all bins, (batch, players, freq, frames): the lowest are refined, the others follow from NMF."""
        low, models = self.settings.bins, cues["models"]
        notes = cues["fundamentals"], cues["sounding"], cues["key_length_s"]
        refined = self.masks(magnitude[:, :low], offsets[:, :, :low], models[:, :, :low], *notes, strength=strength)
        above = functional.pad(models[:, :, low:], (0, 0, 0, magnitude.shape[1] - max(low, models.shape[2])))
        powers = above**self.settings.exponent + 1e-20
        return torch.cat([refined, powers / powers.sum(dim=1, keepdim=True)], dim=2)

    def _cues(self, conditions: Batch | None) -> Batch:
        missing = [name for name in CUES if name not in (conditions or {})]
        if conditions is None or missing:
            raise RefusedValue(
                f"a refiner needs {', '.join(CUES)}, got no {', '.join(missing)}; mss_lab.neural.cues makes them"
            )
        return conditions

    def loss(self, batch: Batch) -> torch.Tensor:
        """The negative SDR of the estimates in dB, as a mean over players that sound; it levels off at 30 dB.

        Parameters
        ----------
        batch : dict
            `sources` (batch, players, samples), and the cues of `forward`.
        """
        sources = batch["sources"]
        estimates = self(sources.sum(dim=1), batch)
        source_energy = sources.square().sum(dim=-1)
        error_energy = (sources - estimates).square().sum(dim=-1)
        loudest = source_energy.amax(dim=1, keepdim=True).clamp_min(1e-9)
        ratios_db = 10 * torch.log10(
            (error_energy + 1e-3 * source_energy + 1e-6 * loudest) / (source_energy + 1e-6 * loudest)
        )
        sounds = source_energy > 1e-4 * loudest
        return (ratios_db * sounds).sum() / sounds.sum().clamp_min(1)

    def _corrections(self, features: torch.Tensor) -> torch.Tensor:
        """From features (batch, players, kinds, bins, frames) to corrections (batch, players, bins, frames)."""
        batch, players, kinds, bins, frames = features.shape
        fold = self.settings.fold
        rows, count = bins // fold, batch * players
        folded = features.reshape(count, kinds, rows, fold, frames).transpose(2, 3).reshape(count, -1, rows, frames)
        heights = torch.linspace(0, 1, rows, device=features.device)
        octaves = torch.log(torch.linspace(1, rows, rows, device=features.device)) / 5
        scales = torch.stack([heights, octaves])[None, :, :, None].expand(count, -1, -1, frames)
        hidden = torch.cat([folded, scales], dim=1)
        # Every level halves rows and frames.
        hidden = functional.pad(hidden, (0, -frames % 2 ** (len(self.down) - 1)))
        hidden = self.inward(hidden.contiguous(memory_format=torch.channels_last))
        skipped = []
        for level, block in enumerate(self.down):
            hidden = block(functional.avg_pool2d(hidden, 2) if level else hidden)
            hidden = hidden + self.others[level](_with_mean(hidden, players))
            skipped.append(hidden)
        for level in reversed(range(len(self.up))):
            finer = functional.interpolate(hidden, scale_factor=2.0, mode="nearest")
            hidden = self.up[level](torch.cat([finer, skipped[level]], dim=1))
        corrections: torch.Tensor = self.outward(hidden)[..., :frames]
        return corrections.transpose(1, 2).reshape(batch, players, bins, frames)


class _Block(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.first_norm = nn.GroupNorm(4, after)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.second_norm = nn.GroupNorm(4, after)
        self.past = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        new = functional.silu(self.first_norm(self.first(hidden)))
        return functional.silu(self.second_norm(self.second(new)) + self.past(hidden))


def _may_have_notes(fundamentals: torch.Tensor, bins: int) -> torch.Tensor:
    """1 where harmonics of some player may be, 0 below the lowest note of a frame: (batch, 1, bins, frames).

    Below the lowest note there is only noise, such as steps and traffic. A spectrogram does not show which player's
    microphone recorded it, and it can be louder than the music, so that wrong masks cost more than equal ones.
    """
    lowest = torch.where(fundamentals > 0, fundamentals, torch.inf).amin(dim=1)
    lowest = torch.where(lowest.isinf(), 0.0, lowest)
    indices = torch.arange(bins, device=fundamentals.device)[:, None]
    return (indices >= LOWEST * lowest[:, None])[:, None].to(fundamentals.dtype)


def _with_mean(hidden: torch.Tensor, players: int) -> torch.Tensor:
    """The features of each player, followed by their mean over all players: twice the channels."""
    by_player = hidden.unflatten(0, (-1, players))
    return torch.cat([by_player, by_player.mean(dim=1, keepdim=True).expand_as(by_player)], dim=2).flatten(0, 1)


def reassigned(waveform: torch.Tensor, transform: torch.Tensor, window_samples: int, hop_samples: int) -> torch.Tensor:
    """How far the sound in each bin is from the centre of its bin and of its frame.

    Parameters
    ----------
    waveform : float (batch, samples)
    transform : complex (batch, freq, frames)
        Its STFT with a Hann window.
    window_samples, hop_samples : int

    Returns
    -------
    float (batch, 2, freq, frames)
        In bins, and in hops; each between -2 and 2. Near 0 where the bin is nearly silent.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb. Reference: Auger and Flandrin, IEEE Trans. Signal Process.
    1995.
    """
    times = torch.arange(window_samples, dtype=torch.float64, device=waveform.device)
    angle = 2 * math.pi * times / window_samples
    # The derivative of the window with respect to the sample, and the window times the time from its middle.
    slope = math.pi / window_samples * torch.sin(angle)
    weighted = (0.5 - 0.5 * torch.cos(angle)) * (times - window_samples // 2)
    by_slope, by_time = (
        torch.stft(
            waveform,
            window_samples,
            hop_samples,
            window=window.to(waveform.dtype),
            pad_mode="constant",
            return_complex=True,
        )[..., : transform.shape[-1]]
        for window in (slope, weighted)
    )
    power = transform.abs().square()
    power = power + 1e-8 * power.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    bins = -(by_slope * transform.conj()).imag / power * window_samples / (2 * math.pi)
    hops = (by_time * transform.conj()).real / power / hop_samples
    return torch.stack([bins, hops], dim=1).clamp(-2, 2)


def _features(
    magnitude: torch.Tensor,
    offsets: torch.Tensor,
    models: torch.Tensor,
    fundamentals: torch.Tensor,
    sounding: torch.Tensor,
    key_length_s: torch.Tensor,
) -> torch.Tensor:
    """All input of the network: (batch, players, kinds, bins, frames), with values of at most a few units."""
    players, bins = models.shape[1], models.shape[2]
    rest = models.sum(dim=1, keepdim=True) - models
    powers = models**2
    share = powers / powers.sum(dim=1, keepdim=True).clamp_min(1e-12)
    log_ratio = torch.log((models + FLOOR) / (rest + FLOOR)).clamp(-6, 6) / 4
    own, mixture = _level(models), _level(magnitude)[:, None].expand(-1, players, -1, -1)
    is_note = (fundamentals > 0).to(models.dtype)[:, :, None]
    spacing = fundamentals[:, :, None].clamp_min(1.0)
    indices = torch.arange(bins, device=models.device, dtype=models.dtype)[:, None]
    # The harmonic number of each bin as a fraction: 3.5 is half way between the third and the fourth harmonic.
    numbers = indices / spacing
    sound_bins = (indices + offsets[:, :1]).clamp_min(1.0)
    nearest = (sound_bins / spacing).round().clamp_min(1.0) * spacing
    off_harmonic = (1200 * torch.log2(sound_bins / nearest) / OFFSET_CENTS).clamp(-2, 2) * is_note
    kinds = [mixture, own, _level(rest), share, log_ratio]
    kinds += [torch.cos(2 * math.pi * numbers) * is_note, numbers.clamp_max(40) / 20 * is_note]
    kinds += [sounding[:, :, None].expand_as(models).to(models.dtype), off_harmonic, offsets[:, 1:].expand_as(models)]
    kinds += [(torch.log1p(key_length_s) / 2)[:, :, None].expand_as(models).to(models.dtype)]
    of_neighbours = torch.stack([own, share, log_ratio, off_harmonic], dim=2)
    features = [
        torch.stack(kinds, dim=2),
        _shifted(of_neighbours, fundamentals),
        _shifted(of_neighbours, -fundamentals),
    ]
    return torch.cat(features, dim=2)


def _shifted(features: torch.Tensor, by_bins: torch.Tensor) -> torch.Tensor:
    """Features (batch, players, kinds, bins, frames) of the bins `by_bins` above; 0 where there is no such bin."""
    bins = features.shape[3]
    indices = torch.arange(bins, device=features.device)[:, None] + by_bins.round().long()[:, :, None]
    inside = (indices >= 0) & (indices < bins) & (by_bins != 0)[:, :, None]
    shifted = torch.gather(features, 3, indices.clamp(0, bins - 1)[:, :, None].expand_as(features))
    return shifted * inside[:, :, None]


def _level(magnitude: torch.Tensor) -> torch.Tensor:
    """Natural logarithm of a magnitude relative to the loudest bin, scaled to [-1.3, 1]."""
    return torch.log(magnitude + FLOOR) / 4 + 1
