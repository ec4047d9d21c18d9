"""A network that refines score-informed NMF: any number of players, any instruments, no names.

NMF with a score already knows which player sounds where. What it does not know is how instruments behave: that a
harmonic's level lies near its neighbours', that a note's harmonics rise and fall together, that the pitch of a string
swings and that of an oboe hardly does. For every player the network sees the mixture, this player's model, the sum of
the others' models, and where the notes' harmonics lie, and gives a correction to the model's logarithm, bin by bin.
A softmax over players makes masks of the corrected models, so they add up to 1 whatever the network says. The last
layer starts at zero: training starts from the result of NMF.

One network serves all players alike, and they hear of each other through their mean, so their order does not matter
and there may be any number of them.

Phase tells what magnitude cannot. How fast it turns from one moment to the next says at which frequency a bin really
sounds, to a fraction of a bin, and how it turns from one bin to the next says when (Auger and Flandrin's reassignment).
So the network sees how many cents a bin's sound is off the player's harmonic: where two players meet, each has its own
offset, and it is the same at all harmonics.

The harmonics of a note lie far apart in a spectrogram, further than a convolution sees. So the features of every bin
are joined by those of the bins one fundamental above and below it, where the neighbouring harmonics of the same note
are. And four neighbouring bins are folded into channels, since corrections are smooth and convolutions cost by the bin.

Symbols: X mixture, M_j model of player j, c_j correction, m_j = M_j² exp(c_j) / sum_i M_i² exp(c_i) mask.

Contents: Refiner. Lesson: notebooks/18_with_a_score_from_a_score.ipynb
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

# Relative to the loudest bin of the mixture: what lies below is as good as silent.
FLOOR = 1e-4
# Relative to the same, added to models before their logarithm is taken.
MODEL_FLOOR = 1e-5
# Times the lowest fundamental of a frame: nothing is corrected below. A fourth, so that notes may still ring on.
LOWEST = 0.7
# What a refiner is told of a recording beside its sound.
CUES = ("models", "fundamentals", "sounding", "heard_s")
# Features of a bin: five of levels, six of where, when and how often it sounds, and four of each neighbouring harmonic.
LEVELS, PLACES, NEIGHBOURS = 5, 6, 4
# Offsets from a harmonic are counted in these, and told up to two of them either way.
OFFSET_CENTS = 40.0


class Refiner(nn.Module):
    """Corrects the models of score-informed NMF, bin by bin; see the module for what it sees.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb. Source: ours; its shape is that of Ronneberger et al.,
    MICCAI 2015 (U-Net), and of Zaheer et al., NIPS 2017 (sets of players).
    """

    @dataclasses.dataclass(frozen=True)
    class Settings:
        """Sizes and grid of a `Refiner`.

        Attributes
        ----------
        sample_rate_hz : int
        window_samples, hop_samples : int
            Of the STFT: a long window, since the harmonics of two players are told apart by frequency.
        bins : int
            Of the lowest frequencies, those that are refined; a multiple of 8 foldings. Above, NMF has the last word.
        fold : int
            Neighbouring bins that share one place of the convolutions.
        channels : tuple of int
            Of the levels of the U-Net, from fine to coarse; multiples of 4.
        exponent : float > 0
            Of the generalised Wiener filter that the network starts from.
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
        reach = settings.fold * 2 ** (len(settings.channels) - 1)
        if settings.bins % reach or settings.bins > settings.window_samples // 2:
            raise RefusedValue(
                f"bins must be a multiple of {reach}, at most {settings.window_samples // 2}, got {settings.bins}; "
                "choose another, or fewer levels"
            )
        self.settings = settings
        self.sample_rate_hz, self.hop_samples = settings.sample_rate_hz, settings.hop_samples
        # Whoever is in the score.
        self.sources: tuple[str, ...] = ()
        self.needs_score = True
        channels, fold = settings.channels, settings.fold
        # Two more say how high a bin lies: evenly, and as music counts.
        self.inward = nn.Conv2d((LEVELS + PLACES + 2 * NEIGHBOURS) * fold + 2, channels[0], 3, padding=1)
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
        heard_s: torch.Tensor,
        *,
        strength: float = 1.0,
    ) -> torch.Tensor:
        """The players' masks of the lowest bins.

        Parameters
        ----------
        magnitude : float >= 0 (batch, bins, frames)
            Of the mixture, of the lowest bins.
        offsets : float (batch, 2, bins, frames)
            Where and when they sound, see `reassigned`.
        models : float >= 0 (batch, players, bins, frames)
            Of NMF, in the same unit.
        fundamentals : float >= 0 (batch, players, frames)
            Of the note that each player has, or is nearest to in time, counted in bins; 0 where there is none.
        sounding : 0 or 1 (batch, players, frames)
            Where the note is written.
        heard_s : float >= 0 (batch, players, frames)
            For how many seconds the recording has this note.
        strength : float
            What corrections are multiplied by.

        Returns
        -------
        float in [0, 1] (batch, players, bins, frames)
            They add up to 1 over players.
        """
        peak = magnitude.amax(dim=(1, 2), keepdim=True).clamp_min(1e-9)
        magnitude, models = magnitude / peak, models / peak[:, None]
        corrections = self._corrections(_features(magnitude, offsets, models, fundamentals, sounding, heard_s))
        corrections = corrections * _reached(fundamentals, magnitude.shape[1])
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
            `heard_s`, as for `masks`. Above what is refined the models have the last word, and where there are none
            all players get the same.
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
                self.parted(one[None], {name: cues[name][i : i + 1] for name in CUES}, strength=0.0).transpose(0, 1)
                for i, one in enumerate(mixture)
            ]
        )

    def parted(self, mixture: torch.Tensor, cues: Batch, *, strength: float = 1.0) -> torch.Tensor:
        """One recording, whose channels share their masks: (channels, samples) to (players, channels, samples).

        Cues are those of `forward` for a batch of one, and of all channels together; `strength` is by how much the
        corrections count.
        """
        settings = self.settings
        grid = (settings.window_samples, settings.hop_samples)
        transform = frontend.stft(mixture, *grid)
        common = transform.abs().square().mean(dim=0, keepdim=True).sqrt()
        # Phase is read from the sum of the channels, and from the first where they cancel each other.
        sum_of_all = mixture.mean(dim=0, keepdim=True)
        heard = sum_of_all if sum_of_all.square().sum() > 1e-4 * mixture.square().mean(dim=0).sum() else mixture[:1]
        offsets = reassigned(heard, frontend.stft(heard, *grid), *grid)
        parts = self.all_masks(common, offsets, cues, strength)[0][:, None] * transform
        return frontend.istft(parts, *grid, length=mixture.shape[-1])

    def all_masks(
        self, magnitude: torch.Tensor, offsets: torch.Tensor, cues: Batch, strength: float = 1.0
    ) -> torch.Tensor:
        """Masks of all bins, (batch, players, freq, frames): refined below, of the models alone above."""
        low, models = self.settings.bins, cues["models"]
        notes = cues["fundamentals"], cues["sounding"], cues["heard_s"]
        fine = self.masks(magnitude[:, :low], offsets[:, :, :low], models[:, :, :low], *notes, strength=strength)
        above = functional.pad(models[:, :, low:], (0, 0, 0, magnitude.shape[1] - max(low, models.shape[2])))
        powers = above**self.settings.exponent + 1e-20
        return torch.cat([fine, powers / powers.sum(dim=1, keepdim=True)], dim=2)

    def _cues(self, conditions: Batch | None) -> Batch:
        missing = [name for name in CUES if name not in (conditions or {})]
        if conditions is None or missing:
            raise RefusedValue(
                f"a refiner must be told {', '.join(CUES)}, got no {', '.join(missing)}; mss_lab.neural.cues makes them"
            )
        return conditions

    def loss(self, batch: Batch) -> torch.Tensor:
        """Minus the SDR of the estimates in dB, the mean over players that sound; 30 dB are as good as any more.

        Parameters
        ----------
        batch : dict
            `sources` (batch, players, samples), and the cues of `forward`.
        """
        sources = batch["sources"]
        estimates = self(sources.sum(dim=1), batch)
        wanted = sources.square().sum(dim=-1)
        missed = (sources - estimates).square().sum(dim=-1)
        level = wanted.amax(dim=1, keepdim=True).clamp_min(1e-9)
        ratios_db = 10 * torch.log10((missed + 1e-3 * wanted + 1e-6 * level) / (wanted + 1e-6 * level))
        sounds = wanted > 1e-4 * level
        return (ratios_db * sounds).sum() / sounds.sum().clamp_min(1)

    def _corrections(self, features: torch.Tensor) -> torch.Tensor:
        """From features (batch, players, kinds, bins, frames) to corrections (batch, players, bins, frames)."""
        batch, players, kinds, bins, frames = features.shape
        fold = self.settings.fold
        rows, count = bins // fold, batch * players
        folded = features.reshape(count, kinds, rows, fold, frames).transpose(2, 3).reshape(count, -1, rows, frames)
        heights = torch.linspace(0, 1, rows, device=features.device)
        octaves = torch.log(torch.linspace(1, rows, rows, device=features.device)) / 5
        places = torch.stack([heights, octaves])[None, :, :, None].expand(count, -1, -1, frames)
        hidden = torch.cat([folded, places], dim=1)
        # Every level halves rows and frames.
        hidden = functional.pad(hidden, (0, -frames % 2 ** (len(self.down) - 1)))
        hidden = self.inward(hidden.contiguous(memory_format=torch.channels_last))
        kept = []
        for level, block in enumerate(self.down):
            hidden = block(functional.avg_pool2d(hidden, 2) if level else hidden)
            hidden = hidden + self.others[level](_beside_mean(hidden, players))
            kept.append(hidden)
        for level in reversed(range(len(self.up))):
            finer = functional.interpolate(hidden, scale_factor=2.0, mode="nearest")
            hidden = self.up[level](torch.cat([finer, kept[level]], dim=1))
        corrections: torch.Tensor = self.outward(hidden)[..., :frames]
        return corrections.transpose(1, 2).reshape(batch, players, bins, frames)


class _Block(nn.Module):
    """Two convolutions, and a way past them."""

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


def _reached(fundamentals: torch.Tensor, bins: int) -> torch.Tensor:
    """1 where somebody's harmonics may lie, 0 below the lowest note of a frame: (batch, 1, bins, frames).

    Down there is what players, stands and streets do besides playing. Whose it is no spectrogram tells, and it can be
    louder than the music, so that a guess costs more than an even share.
    """
    lowest = torch.where(fundamentals > 0, fundamentals, torch.inf).amin(dim=1)
    lowest = torch.where(lowest.isinf(), 0.0, lowest)
    places = torch.arange(bins, device=fundamentals.device)[:, None]
    return (places >= LOWEST * lowest[:, None])[:, None].to(fundamentals.dtype)


def _beside_mean(hidden: torch.Tensor, players: int) -> torch.Tensor:
    """What each player has, beside the mean of all players: twice the channels."""
    apart = hidden.unflatten(0, (-1, players))
    return torch.cat([apart, apart.mean(dim=1, keepdim=True).expand_as(apart)], dim=2).flatten(0, 1)


def reassigned(waveform: torch.Tensor, transform: torch.Tensor, window_samples: int, hop_samples: int) -> torch.Tensor:
    """How far from its bin and from its frame the sound of each bin really lies.

    Parameters
    ----------
    waveform : float (batch, samples)
    transform : complex (batch, freq, frames)
        Its STFT with a Hann window.
    window_samples, hop_samples : int

    Returns
    -------
    float (batch, 2, freq, frames)
        In bins, and in hops; each within 2 either way. Near 0 where there is nothing to hear.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb. Source: Auger and Flandrin, IEEE Trans. Signal Process. 1995.
    """
    times = torch.arange(window_samples, dtype=torch.float64, device=waveform.device)
    angle = 2 * math.pi * times / window_samples
    # The window's derivative by the sample, and the window weighted by the time from its middle.
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
    heard_s: torch.Tensor,
) -> torch.Tensor:
    """All that the network sees: (batch, players, kinds, bins, frames), each within a few units of 0."""
    players, bins = models.shape[1], models.shape[2]
    rest = models.sum(dim=1, keepdim=True) - models
    powers = models**2
    share = powers / powers.sum(dim=1, keepdim=True).clamp_min(1e-12)
    lead = torch.log((models + FLOOR) / (rest + FLOOR)).clamp(-6, 6) / 4
    own, mixture = _level(models), _level(magnitude)[:, None].expand(-1, players, -1, -1)
    is_note = (fundamentals > 0).to(models.dtype)[:, :, None]
    spacing = fundamentals[:, :, None].clamp_min(1.0)
    places = torch.arange(bins, device=models.device, dtype=models.dtype)[:, None]
    # The number of the harmonic that a bin would be, 3.5 half way between the third and the fourth.
    numbers = places / spacing
    truly = (places + offsets[:, :1]).clamp_min(1.0)
    nearest = (truly / spacing).round().clamp_min(1.0) * spacing
    off = (1200 * torch.log2(truly / nearest) / OFFSET_CENTS).clamp(-2, 2) * is_note
    kinds = [mixture, own, _level(rest), share, lead]
    kinds += [torch.cos(2 * math.pi * numbers) * is_note, numbers.clamp_max(40) / 20 * is_note]
    kinds += [sounding[:, :, None].expand_as(models).to(models.dtype), off, offsets[:, 1:].expand_as(models)]
    kinds += [(torch.log1p(heard_s) / 2)[:, :, None].expand_as(models).to(models.dtype)]
    told = torch.stack([own, share, lead, off], dim=2)
    seen = [torch.stack(kinds, dim=2), _shifted(told, fundamentals), _shifted(told, -fundamentals)]
    return torch.cat(seen, dim=2)


def _shifted(features: torch.Tensor, by_bins: torch.Tensor) -> torch.Tensor:
    """Features (batch, players, kinds, bins, frames) of the bins that lie so far above; 0 where there is none."""
    bins = features.shape[3]
    places = torch.arange(bins, device=features.device)[:, None] + by_bins.round().long()[:, :, None]
    inside = (places >= 0) & (places < bins) & (by_bins != 0)[:, :, None]
    taken = torch.gather(features, 3, places.clamp(0, bins - 1)[:, :, None].expand_as(features))
    return taken * inside[:, :, None]


def _level(magnitude: torch.Tensor) -> torch.Tensor:
    """Natural logarithm of a magnitude relative to the loudest bin, brought to [-1.3, 1]."""
    return torch.log(magnitude + FLOOR) / 4 + 1
