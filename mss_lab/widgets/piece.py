"""Piece: what a player shows and plays, checked, level-matched and described for the page.

Level matching: each version gets the gain that makes its mixture as loud as the first version's (ITU-R BS.1770-4, see
`loudness`); the reader can switch that off. Another gain, the same for all versions, keeps the loudest mixture below
full scale.

Contents: Piece, make, mixture_of, check_playable_rate, check_versions.
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks, loudness, plots, units
from ..refusals import RefusedType, RefusedValue, ShapeError
from . import sounds, strips

# What every browser must be able to play (Web Audio API, section on AudioBuffer).
LOWEST_RATE_HZ = 8_000
HIGHEST_RATE_HZ = 96_000
MIXTURE = "mixture"
HEADROOM_PEAK = 0.99
# What a page can hold as FLAC, in bytes of 16-bit samples: five stereo stems of ten minutes.
MOST_BYTES = 512 * 2**20


@dataclasses.dataclass(frozen=True)
class Piece:
    """The sounds of a player and what the page has to know about them.

    Attributes
    ----------
    versions : dict of version name -> dict of stem name -> float32 (channels, samples)
    sample_rate_hz : int
    title : str
    spectrograms, by_ear : bool
        As for `player.play`.
    blind : bool
        Whether no sound is drawn at all, and the sounds are played at the levels that they have.
    gains_db : dict of version name -> float
        The level-matching gains; 0 for the first version.
    headroom_db : float
        Gain common to all versions, 0 or less, that keeps the loudest mixture below full scale.
    mixture : float32 (channels, samples)
        The first version's mixture, before any gain.
    """

    versions: dict[str, dict[str, np.ndarray]]
    sample_rate_hz: int
    title: str
    spectrograms: bool
    by_ear: bool
    blind: bool
    gains_db: dict[str, float]
    headroom_db: float
    mixture: np.ndarray

    @property
    def stems(self) -> list[np.ndarray]:
        """All stems of all versions, in the order in which the page counts them."""
        return [waveform for version in self.versions.values() for waveform in version.values()]

    @property
    def row_names(self) -> list[str]:
        """The names of all stems, each once."""
        return list(dict.fromkeys(name for version in self.versions.values() for name in version))

    @property
    def samples(self) -> int:
        """Length of every waveform."""
        return int(self.mixture.shape[1])

    def first(self, samples: int) -> "Piece":
        """The beginning of the piece, with the same gains."""
        versions = {
            name: {stem: waveform[:, :samples] for stem, waveform in stems.items()}
            for name, stems in self.versions.items()
        }
        return dataclasses.replace(self, versions=versions, mixture=self.mixture[:, :samples])

    def axis(self) -> strips.Axis | None:
        """The axes of the spectrogram strips, or None if there are none."""
        return strips.spectrogram_axis(self.samples, self.sample_rate_hz) if self.spectrograms else None

    def content(self, revision: int, scales: tuple[float, ...], chunk_samples: int) -> dict[str, Any]:
        """What the page reads beside the samples; `scales` and `chunk_samples` as in `sounds.Packed`."""
        first = list(next(iter(self.versions.values())))
        rows = self.row_names
        return {
            "revision": revision,
            "title": self.title,
            "sampleRate": self.sample_rate_hz,
            "samples": self.samples,
            "channels": self.mixture.shape[0],
            "peak": max(_peak(waveform) for waveform in self.stems),
            "headroomDb": self.headroom_db,
            "rows": rows,
            "versions": [
                {"name": name, "gainDb": self.gains_db[name], "stems": list(version)}
                for name, version in self.versions.items()
            ],
            "scales": scales,
            "chunkSamples": chunk_samples,
            "blockSamples": sounds.BLOCK_SAMPLES,
            # The stems of the first version that add up to its mixture.
            "mixed": [number for number, name in enumerate(first) if name != MIXTURE or len(first) == 1],
            "strip": _axis_content(self.axis()),
            "palette": strips.PALETTE,
            "colours": plots.COLOURS,
            "byEar": self.by_ear,
            "blind": self.blind,
            "muted": [MIXTURE] if len(rows) > 1 and MIXTURE in rows else [],
        }


def make(
    sources_or_versions: Any,
    sample_rate_hz: Any,
    *,
    title: str = "",
    spectrograms: bool = True,
    by_ear: bool = False,
    blind: bool = False,
) -> Piece:
    """Check sounds and match their levels; parameters and exceptions as for `player.play` and `player.Player`."""
    versions = check_versions(sources_or_versions)
    sample_rate_hz = check_playable_rate(sample_rate_hz)
    mixtures = {name: mixture_of(stems) for name, stems in versions.items()}
    gains_db = dict.fromkeys(versions, 0.0)
    # In a blind comparison the gain of a version could show which of the others it equals.
    if len(versions) > 1 and not blind:
        gains_db = loudness.matching_gains_db(mixtures, sample_rate_hz)
    loudest = max(_peak(mixtures[name]) * units.db_to_amplitude(gains_db[name]) for name in versions)
    loudest = max(loudest, *(_peak(stems[MIXTURE]) for stems in versions.values() if MIXTURE in stems), 0.0)
    headroom_db = float(units.amplitude_to_db(min(1.0, HEADROOM_PEAK / loudest))) if loudest > 0 else 0.0
    first = next(iter(mixtures.values()))
    return Piece(
        versions,
        sample_rate_hz,
        title,
        spectrograms and not blind,
        by_ear or blind,
        blind,
        gains_db,
        headroom_db,
        first,
    )


def mixture_of(stems: Mapping[str, np.ndarray]) -> np.ndarray:
    """The sum of a version's stems, (channels, samples); a stem named ``mixture`` counts only if it is alone."""
    parts = [waveform for name, waveform in stems.items() if name != MIXTURE] or list(stems.values())
    # One sum after the other: `np.sum` would make one array of all stems first.
    mixture = parts[0].copy()
    for part in parts[1:]:
        mixture += part
    return mixture


def check_playable_rate(sample_rate_hz: Any) -> int:
    """Return the sample rate, or raise ValueError if browsers need not support it."""
    rate = checks.check_sample_rate(sample_rate_hz)
    if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        raise RefusedValue(
            f"sample_rate_hz must be {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz to be played in a browser, got {rate}; "
            "change it with mss_lab.audio.resample"
        )
    return rate


def check_versions(sources_or_versions: Any) -> dict[str, dict[str, np.ndarray]]:
    """Return version name -> stem name -> float32 waveform, all of one shape, or refuse it.

    A dict of waveforms is one version named "". Raises TypeError, ValueError or ShapeError in the cases of `play`.
    """
    name = "sources_or_versions"
    if not isinstance(sources_or_versions, Mapping):
        raise RefusedType(
            f"{name} must be a dict of source name -> waveform, or of version name -> such a dict, "
            f"got {type(sources_or_versions).__name__}; for one sound pass {{'mixture': waveform}}"
        )
    if not sources_or_versions:
        raise RefusedValue(f"{name} must hold at least one source, got an empty dict; add a waveform under its name")
    nested = [isinstance(item, Mapping) for item in sources_or_versions.values()]
    if any(nested) and not all(nested):
        raise RefusedType(f"{name} mixes waveforms with dicts; give waveforms only, or one dict for each version")
    versions = dict(sources_or_versions) if all(nested) else {"": sources_or_versions}
    for label in [*versions, *(stem for stems in versions.values() for stem in stems)]:
        if not isinstance(label, str):
            raise RefusedType(f"names in {name} must be strings, got {label!r}; write them in quotes")
    checked = {
        version: checks.check_sources(f"{name}[{version!r}]" if all(nested) else "sources", stems)
        for version, stems in versions.items()
    }
    first_version, first_stems = next(iter(checked.items()))
    first_stem, first = next(iter(first_stems.items()))
    if first.shape[0] > 2:
        raise ShapeError(
            f"{name} must have one or two channels, got {first.shape[0]}; choose two of them, or mix them down"
        )
    for version, stems in checked.items():
        for stem, waveform in stems.items():
            checks.check_same_shape(f"{version or name}[{stem!r}]", waveform, f"{first_version}[{first_stem!r}]", first)
    waveforms = sum(map(len, checked.values()))
    if 2 * first.size * waveforms > MOST_BYTES:
        most = MOST_BYTES // (2 * first.shape[0] * waveforms)
        raise RefusedValue(
            f"{name} must fit in {MOST_BYTES // 2**20} MiB of 16-bit samples, got {waveforms} waveforms of "
            f"{first.shape}; cut each to {most} samples or fewer, such as waveform[:, :{most}]"
        )
    return {
        version: {stem: waveform.astype(np.float32, copy=False) for stem, waveform in stems.items()}
        for version, stems in checked.items()
    }


def _peak(waveform: np.ndarray) -> float:
    return float(max(waveform.max(), -waveform.min()))


def _axis_content(axis: strips.Axis | None) -> dict[str, Any] | None:
    if axis is None:
        return None
    return {
        "rows": axis.rows,
        "columns": axis.columns,
        "columnS": axis.column_s,
        "firstS": axis.first_s,
        "lowHz": axis.low_hz,
        "highHz": axis.high_hz,
        "rangeDb": strips.RANGE_DB,
        "ticksHz": strips.TICKS_HZ,
    }
