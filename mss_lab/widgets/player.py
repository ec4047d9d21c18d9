"""The player widget: all stems of a piece on one clock, with solo, mute, loop, comparison and spectrograms.

All stems run on one AudioContext in spans of two seconds that start at the same sample, so they stay synchronous.
Several versions (separations of one piece) run at the same time; switching between them is a crossfade of 10 ms between
their gains. At half speed the spans are short grains that overlap, the same for all stems, and the pitch stays. Samples
travel once, with 16 bits; those of long pieces as FLAC, in chunks that follow the player (see `sounds`).

Level matching: each version gets the gain that makes its mixture as loud as the first version's (ITU-R BS.1770-4, see
`loudness`); the reader can switch that off. Another gain, the same for all versions, keeps the loudest mixture below
full scale.

A stem named ``mixture`` among others has a strip like any other, but starts muted (it is the sum of the others) and
does not count for the level of its version.

Contents: play, Player. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import base64
import html
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets

from .. import checks, loudness, plots, units
from ..refusals import RefusedType, RefusedValue, ShapeError
from . import fallback, front_end, sounds, strips

# What every browser must be able to play (Web Audio API, section on AudioBuffer).
LOWEST_RATE_HZ = 8_000
HIGHEST_RATE_HZ = 96_000
MIXTURE = "mixture"
HEADROOM_PEAK = 0.99
# What a page can hold as FLAC, in bytes of 16-bit samples: five stereo stems of ten minutes.
MOST_BYTES = 512 * 2**20
# Length of the sound on a page without widgets; a whole song would make every notebook with a player very large.
FALLBACK_S = 20.0
# The most strips of all versions together in the picture for such a page.
FALLBACK_STRIPS = 8


def play(
    sources_or_versions: Mapping[str, Any],
    sample_rate_hz: int,
    title: str = "",
    *,
    spectrograms: bool = True,
    by_ear: bool = False,
) -> "Player":
    """Show stems in the synchronised player.

    Parameters
    ----------
    sources_or_versions : dict
        Either source name -> float (channels, samples), one separation; or version name -> such a dict, several
        separations of one piece. One or two channels; all waveforms of one shape. Versions may differ in their names.
    sample_rate_hz : int
        8 to 96 kHz.
    title : str
        Title above the strips, and name of the player for screen readers.
    spectrograms : bool
        Whether each stem has a spectrogram strip below its waveform.
    by_ear : bool
        Whether only the first version is drawn, and no levels are named, so that the others are judged by ear alone.

    Returns
    -------
    Player
        Shown when it is the last line of a cell. Without a front end it is a picture and an audio element.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the stems have different shapes, are empty, not finite, not (channels, samples), have more than two channels,
        or are too long for one message to a browser; or if browsers need not support the sample rate.

    Lesson: notebooks/00_unmix_in_five_minutes.ipynb
    """
    return Player(sources_or_versions, sample_rate_hz, title=title, spectrograms=spectrograms, by_ear=by_ear)


class Player(anywidget.AnyWidget):
    """The widget behind `play`; `replace` gives it other sounds while it continues to play.

    Attributes
    ----------
    gains_db : dict of version name -> float
        The level-matching gains; 0 for the first version.
    headroom_db : float
        Gain common to all versions, 0 or less, that keeps the loudest mixture below full scale.
    mixture : float32 (channels, samples)
        The first version's mixture, before any gain.
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__)

    content = traitlets.Dict().tag(sync=True)
    samples = traitlets.Bytes().tag(sync=True)
    envelopes = traitlets.Bytes().tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)

    gains_db: dict[str, float]
    headroom_db: float
    mixture: np.ndarray

    def __init__(
        self,
        sources_or_versions: Mapping[str, Any],
        sample_rate_hz: int,
        *,
        title: str = "",
        spectrograms: bool = True,
        by_ear: bool = False,
    ) -> None:
        self._title = title
        self._spectrograms = spectrograms
        self._by_ear = by_ear
        self._revision = 0
        # Computed before the widget opens its channel, so that a refused input leaves no empty widget on the page.
        state = self._take(sources_or_versions, sample_rate_hz)
        super().__init__(**state)
        self.on_msg(self._asked)

    def replace(self, sources_or_versions: Mapping[str, Any], sample_rate_hz: int, title: str | None = None) -> None:
        """Give the player other sounds; if it is playing, it continues at the same position.

        Solo, mute and levels stay with the names for which they were set. Parameters and exceptions as for `play`; if
        the input is refused, the player does not change.
        """
        if title is not None:
            self._title = title
        state = self._take(sources_or_versions, sample_rate_hz)
        # One message for all, so that the page never combines new samples with an old description.
        with self.hold_sync():
            for name, value in state.items():
                setattr(self, name, value)

    def _take(self, sources_or_versions: Mapping[str, Any], sample_rate_hz: int) -> dict[str, Any]:
        versions = check_versions(sources_or_versions)
        sample_rate_hz = check_playable_rate(sample_rate_hz)
        mixtures = {name: mixture_of(stems) for name, stems in versions.items()}
        gains_db = dict.fromkeys(versions, 0.0)
        if len(versions) > 1:
            gains_db = loudness.matching_gains_db(mixtures, sample_rate_hz)
        loudest = max(_peak(mixtures[name]) * units.db_to_amplitude(gains_db[name]) for name in versions)
        loudest = max(loudest, *(_peak(stems[MIXTURE]) for stems in versions.values() if MIXTURE in stems), 0.0)

        self.gains_db = gains_db
        self.headroom_db = float(units.amplitude_to_db(min(1.0, HEADROOM_PEAK / loudest))) if loudest > 0 else 0.0
        self.mixture = next(iter(mixtures.values()))
        self._versions = versions
        self._rate_hz = sample_rate_hz
        self._revision += 1
        return self._packed()

    def _packed(self) -> dict[str, Any]:
        samples = self.mixture.shape[1]
        stems = [waveform for version in self._versions.values() for waveform in version.values()]
        packed = sounds.pack(stems, self._rate_hz)
        axis = strips.spectrogram_axis(samples, self._rate_hz) if self._spectrograms else None
        self._axis = axis
        # The spectrograms of a long piece take seconds, so they follow (see `_asked`).
        self._strips = _strips(stems, axis) if axis is not None and not packed.chunk_samples else []
        content = {
            "revision": self._revision,
            "title": self._title,
            "sampleRate": self._rate_hz,
            "samples": samples,
            "channels": self.mixture.shape[0],
            "peak": max(_peak(waveform) for waveform in stems),
            "headroomDb": self.headroom_db,
            "rows": self._row_names(),
            "versions": [
                {"name": name, "gainDb": self.gains_db[name], "stems": list(version)}
                for name, version in self._versions.items()
            ],
            "scales": packed.scales,
            "chunkSamples": packed.chunk_samples,
            "blockSamples": sounds.BLOCK_SAMPLES,
            "mixed": self._mixed(),
            "strip": _axis_content(axis),
            "palette": strips.PALETTE,
            "colours": plots.COLOURS,
            "byEar": self._by_ear,
            "muted": [MIXTURE] if len(self._row_names()) > 1 and MIXTURE in self._row_names() else [],
        }
        return {
            "content": content,
            "samples": packed.samples,
            "envelopes": packed.envelopes,
            "pictures": b"".join(item.tobytes() for item in self._strips),
        }

    def _mixed(self) -> list[int]:
        """The numbers of the first version's stems that add up to its mixture."""
        names = list(next(iter(self._versions.values())))
        return [number for number, name in enumerate(names) if name != MIXTURE or len(names) == 1]

    def _asked(self, _widget: Any, message: Mapping[str, Any], _buffers: Any) -> None:
        """Send the chunks of a long piece to a page that has opened it, beside whatever else runs."""
        content = self.content
        if message.get("kind") != "chunks" or message.get("revision") != content["revision"]:
            return
        stems = [waveform for version in self._versions.values() for waveform in version.values()]
        threading.Thread(target=self._send_chunks, args=(content, stems), daemon=True).start()
        if self._axis is not None and not self._strips:
            threading.Thread(target=self._send_strips, args=(content, stems, self._axis), daemon=True).start()

    def _send_chunks(self, content: Mapping[str, Any], stems: list[np.ndarray]) -> None:
        chunk_samples, revision = content["chunkSamples"], content["revision"]
        for chunk in range(sounds.chunk_count(content["samples"], chunk_samples)):
            # Other sounds have replaced these, or the player is closed.
            if self._revision != revision or self.comm is None:
                return
            packed = [
                sounds.flac_chunk(waveform, scale, chunk, chunk_samples, content["sampleRate"])
                for waveform, scale in zip(stems, content["scales"], strict=True)
            ]
            self.send({"kind": "chunk", "revision": revision, "chunk": chunk}, packed)

    def _send_strips(self, content: Mapping[str, Any], stems: list[np.ndarray], axis: strips.Axis) -> None:
        drawn = _strips(stems, axis)
        if self._revision == content["revision"]:
            self._strips = drawn
            self.pictures = b"".join(item.tobytes() for item in drawn)

    def _row_names(self) -> list[str]:
        return list(dict.fromkeys(name for version in self._versions.values() for name in version))

    def _pictured(self) -> dict[str, list[str]]:
        """The stems of each version that the picture shows: all of the first, or as many of each as there is room."""
        if self._by_ear:
            first = next(iter(self._versions))
            return {first: list(self._versions[first])}
        if len(self._versions) == 1:
            return {version: list(stems) for version, stems in self._versions.items()}
        of_each = max(1, FALLBACK_STRIPS // len(self._versions))
        return {version: list(stems)[:of_each] for version, stems in list(self._versions.items())[:FALLBACK_STRIPS]}

    def _share_pictured(self) -> str:
        """How many stems of each version the picture shows, such as "2 of 4 stems of each version"; "" for all."""
        counts = {(len(stems), len(self._versions[version])) for version, stems in self._pictured().items()}
        if all(shown == whole for shown, whole in counts):
            return ""
        if len(counts) == 1:
            ((shown, whole),) = counts
            return f"{shown} of {whole} stems of each version"
        most = max(shown for shown, _ in counts)
        return f"the first {most} stems of each version" if most > 1 else "the first stem of each version"

    def describe(self) -> str:
        """Some sentences about the content of the player: the alternative text of its picture."""
        seconds = units.samples_to_seconds(self.mixture.shape[1], self._rate_hz)
        shown = "Waveforms and spectrograms" if self._strips else "Waveforms"
        pictured = self._pictured()
        if len(self._versions) == 1:
            return f"{shown} of {', '.join(*pictured.values())}, {seconds:.1f} s."
        parts = "; ".join(f"{version}: {', '.join(stems)}" for version, stems in pictured.items())
        share = self._share_pictured()
        parts = f"In the picture: {share}. {parts}" if share else parts
        unseen = [version for version in self._versions if version not in pictured]
        others = f" Not in the picture: {', '.join(unseen)}." if unseen else ""
        return f"{shown} of {len(self._versions)} versions, {seconds:.1f} s. {parts}.{others}"

    def static(self) -> tuple[bytes, str]:
        """The picture (PNG bytes) and the HTML (picture and audio element) that replace it without a front end."""
        pictured = self._pictured()
        several = len(self._versions) > 1
        one_each = several and all(len(stems) == 1 for stems in self._versions.values())
        envelopes, pictures, colours = {}, {}, []
        row_names = self._row_names()
        keys = [(version, stem) for version, stems in self._versions.items() for stem in stems]
        numbers = {key: number for number, key in enumerate(keys)}
        for version, stems in pictured.items():
            for stem in stems:
                label = version if one_each else f"{version}\n{stem}" if several else stem
                envelopes[label] = strips.envelope(self._versions[version][stem], 600)
                # A stem has the colour that it has in the widget, in all versions.
                row = row_names.index(stem)
                colours.append(plots.COLOURS[row % len(plots.COLOURS)])
                if self._strips:
                    pictures[label] = self._strips[numbers[version, stem]]
        seconds = float(units.samples_to_seconds(self.mixture.shape[1], self._rate_hz))
        share = self._share_pictured()
        title = "\n".join(filter(None, (self._title, share and f"in this picture: {share}")))
        png = fallback.strips_png(title, seconds, envelopes, pictures, self._axis, colours)
        first = next(iter(self._versions))
        label = f"{self._title or 'Mixture'}, {f'{first}, ' if several else ''}all stems together"
        excerpt = self.mixture[:, : units.seconds_to_samples(FALLBACK_S, self._rate_hz)]
        if excerpt.shape[1] < self.mixture.shape[1]:
            label += f", the first {FALLBACK_S:g} s"
        sound = fallback.audio_html(excerpt, self._rate_hz, label)
        caption = f"<div>{html.escape(label)}</div>"
        return png, f"<div>{plots.image_html(png, self.describe())}{caption}{sound}</div>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        png, page = self.static()
        encoded = base64.b64encode(png).decode()
        data |= {"text/plain": f"Player: {self.describe()}", "image/png": encoded, "text/html": page}
        metadata = {**metadata, "image/png": {"alt": self.describe()}}
        return data, metadata


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


def _strips(stems: Sequence[np.ndarray], axis: strips.Axis) -> list[np.ndarray]:
    """A spectrogram strip of each stem, uint8 (rows, columns), all on one scale."""
    powers = [strips.power_strip(waveform, axis) for waveform in stems]
    loudest_power = max(float(power.max()) for power in powers)
    return [strips.to_bytes(power, loudest_power) for power in powers]


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
