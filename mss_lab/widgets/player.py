"""The player widget: all stems of a piece on one clock, with solo, mute, loop, comparison and spectrograms.

All stems run on one AudioContext in spans of two seconds that start at the same sample, so they stay synchronous.
Several versions (separations of one piece) run at the same time; switching between them is a crossfade of 10 ms between
their gains. At half speed the spans are short grains that overlap, the same for all stems, and the pitch stays. Samples
travel once, with 16 bits; those of long pieces as FLAC, in chunks that follow the player (see `sounds`).

A stem named ``mixture`` among others has a strip like any other, but starts muted (it is the sum of the others) and
does not count for the level of its version.

Contents: play, Player. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import base64
import dataclasses
import html
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets

from .. import plots, units
from . import fallback, front_end, sounds, standalone, strips
from . import piece as pieces
from .piece import Piece

# Length of the sound on a page without widgets; a whole song would make every notebook with a player very large.
FALLBACK_S = 20.0
# The same for a long piece, which should not wait for the compression of a sound that a running notebook never plays.
LONG_FALLBACK_S = 10.0
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

    With `blind` nothing is drawn except the axis of time, and the sounds keep their levels, which must be equal
    already: neither a picture nor a gain shows that two versions are the same sound.

    Attributes
    ----------
    piece : Piece
        The sounds that the player has now, with their level-matching gains.
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__)

    content = traitlets.Dict().tag(sync=True)
    samples = traitlets.Bytes().tag(sync=True)
    envelopes = traitlets.Bytes().tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)

    piece: Piece

    def __init__(
        self,
        sources_or_versions: Mapping[str, Any],
        sample_rate_hz: int,
        *,
        title: str = "",
        spectrograms: bool = True,
        by_ear: bool = False,
        blind: bool = False,
    ) -> None:
        self._options = {"spectrograms": spectrograms, "by_ear": by_ear, "blind": blind}
        self._revision = 0
        # Computed before the widget opens its channel, so that a refused input leaves no empty widget on the page.
        state = self._take(sources_or_versions, sample_rate_hz, title)
        super().__init__(**state, pictures=self._draw(state["content"]))
        self.on_msg(self._on_message)

    def replace(self, sources_or_versions: Mapping[str, Any], sample_rate_hz: int, title: str | None = None) -> None:
        """Give the player other sounds; if it is playing, it continues at the same position.

        Solo, mute and levels stay with the names for which they were set. Parameters and exceptions as for `play`; if
        the input is refused, the player does not change.
        """
        state = self._take(sources_or_versions, sample_rate_hz, self.piece.title if title is None else title)
        # One message for all, so that the page never combines new samples with an old description.
        with self.hold_sync():
            for name, value in state.items():
                setattr(self, name, value)
        # The sound first: its spectrograms take longer than all the rest.
        self.pictures = self._draw(state["content"])

    def _take(self, sources_or_versions: Mapping[str, Any], sample_rate_hz: int, title: str) -> dict[str, Any]:
        self.piece = pieces.make(sources_or_versions, sample_rate_hz, title=title, **self._options)
        self._revision += 1
        packed = sounds.pack(self.piece.stems, self.piece.sample_rate_hz)
        return {
            "content": self.piece.content(self._revision, packed.scales, packed.chunk_samples),
            "samples": packed.samples,
            "envelopes": packed.envelopes,
        }

    def _draw(self, content: Mapping[str, Any]) -> bytes:
        """The spectrograms of all stems; those of a long piece take seconds, so they follow (see `_on_message`)."""
        axis = self.piece.axis()
        self._strips = _strips(self.piece.stems, axis) if axis is not None and not content["chunkSamples"] else []
        return b"".join(item.tobytes() for item in self._strips)

    def _on_message(self, _widget: Any, message: Mapping[str, Any], _buffers: Any) -> None:
        """Send the chunks of a long piece to a page that has opened it, beside whatever else runs."""
        content = self.content
        if message.get("kind") != "chunks" or message.get("revision") != content["revision"]:
            return
        current = self.piece
        threading.Thread(target=self._send_chunks, args=(content, current.stems), daemon=True).start()
        if current.spectrograms and not self._strips:
            threading.Thread(target=self._send_strips, args=(content, current), daemon=True).start()

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

    def _send_strips(self, content: Mapping[str, Any], current: Piece) -> None:
        axis = current.axis()
        drawn = _strips(current.stems, axis) if axis is not None else []
        if self._revision == content["revision"]:
            self._strips = drawn
            self.pictures = b"".join(item.tobytes() for item in drawn)

    def _pictured(self) -> dict[str, list[str]]:
        """The stems of each version that the picture shows: all of the first, or as many of each as there is room."""
        if self.piece.by_ear:
            first = next(iter(self.piece.versions))
            return {first: list(self.piece.versions[first])}
        if len(self.piece.versions) == 1:
            return {version: list(stems) for version, stems in self.piece.versions.items()}
        of_each = max(1, FALLBACK_STRIPS // len(self.piece.versions))
        return {
            version: list(stems)[:of_each] for version, stems in list(self.piece.versions.items())[:FALLBACK_STRIPS]
        }

    def _share_pictured(self) -> str:
        """How many stems of each version the picture shows, such as "2 of 4 stems of each version"; "" for all."""
        counts = {(len(stems), len(self.piece.versions[version])) for version, stems in self._pictured().items()}
        if all(shown == whole for shown, whole in counts):
            return ""
        if len(counts) == 1:
            ((shown, whole),) = counts
            return f"{shown} of {whole} stems of each version"
        most = max(shown for shown, _ in counts)
        return f"the first {most} stems of each version" if most > 1 else "the first stem of each version"

    def describe(self) -> str:
        """Some sentences about the content of the player: the alternative text of its picture."""
        seconds = units.samples_to_seconds(self.piece.mixture.shape[1], self.piece.sample_rate_hz)
        shown = "Waveforms and spectrograms" if self._strips else "Waveforms"
        if self.piece.blind:
            return f"{', '.join(self.piece.versions)}, to be judged by ear, {seconds:.1f} s."
        pictured = self._pictured()
        if len(self.piece.versions) == 1:
            return f"{shown} of {', '.join(*pictured.values())}, {seconds:.1f} s."
        parts = "; ".join(f"{version}: {', '.join(stems)}" for version, stems in pictured.items())
        share = self._share_pictured()
        parts = f"In the picture: {share}. {parts}" if share else parts
        unseen = [version for version in self.piece.versions if version not in pictured]
        others = f" Not in the picture: {', '.join(unseen)}." if unseen else ""
        return f"{shown} of {len(self.piece.versions)} versions, {seconds:.1f} s. {parts}.{others}"

    def static(self) -> tuple[bytes, str]:
        """The picture (PNG bytes) and the HTML (picture and audio element) that replace it without a front end."""
        pictured = self._pictured()
        several = len(self.piece.versions) > 1
        one_each = several and all(len(stems) == 1 for stems in self.piece.versions.values())
        envelopes, pictures, colours = {}, {}, []
        row_names = self.piece.row_names
        keys = [(version, stem) for version, stems in self.piece.versions.items() for stem in stems]
        numbers = {key: number for number, key in enumerate(keys)}
        for version, stems in pictured.items():
            for stem in stems:
                label = version if one_each else f"{version}\n{stem}" if several else stem
                waveform = self.piece.versions[version][stem]
                envelopes[label] = np.zeros((2, 1)) if self.piece.blind else strips.envelope(waveform, 600)
                # A stem has the colour that it has in the widget, in all versions.
                row = row_names.index(stem)
                colours.append(plots.COLOURS[row % len(plots.COLOURS)])
                if self._strips:
                    pictures[label] = self._strips[numbers[version, stem]]
        seconds = float(units.samples_to_seconds(self.piece.mixture.shape[1], self.piece.sample_rate_hz))
        share = self._share_pictured()
        title = "\n".join(filter(None, (self.piece.title, share and f"in this picture: {share}")))
        png = fallback.strips_png(title, seconds, envelopes, pictures, self.piece.axis(), colours)
        first = next(iter(self.piece.versions))
        label = f"{self.piece.title or 'Mixture'}, {f'{first}, ' if several else ''}all stems together"
        most_s = LONG_FALLBACK_S if self.content["chunkSamples"] else FALLBACK_S
        excerpt = self.piece.mixture[:, : units.seconds_to_samples(most_s, self.piece.sample_rate_hz)]
        if excerpt.shape[1] < self.piece.mixture.shape[1]:
            label += f", the first {most_s:g} s"
        sound = fallback.audio_html(excerpt, self.piece.sample_rate_hz, label)
        caption = f"<div>{html.escape(label)}</div>"
        page = f"<div>{plots.image_html(png, self.describe())}{caption}{sound}</div>"
        if standalone.is_for_pages():
            page = f"<div>{self.standalone()}<noscript>{page}</noscript></div>"
        return png, page

    def standalone(self) -> str:
        """The player as HTML that needs no kernel: its beginning (20 s), compressed with a little loss."""
        beginning = self.piece.first(int(units.seconds_to_samples(FALLBACK_S, self.piece.sample_rate_hz)))
        if beginning.samples < self.piece.samples:
            words = f"the first {FALLBACK_S:g} s"
            beginning = dataclasses.replace(
                beginning, title=f"{beginning.title} ({words})" if beginning.title else words
            )
        scales = tuple(sounds.scale_of(waveform) for waveform in beginning.stems)
        axis = beginning.axis()
        drawn = _strips(beginning.stems, axis) if axis is not None else []
        pairs = list(zip(beginning.stems, scales, strict=True))
        envelopes = [sounds.block_envelope(waveform, scale) for waveform, scale in pairs]
        # The page multiplies by the scale, as it does with the chunks of a long piece.
        level = [waveform / (scale * 2**15) if scale else waveform for waveform, scale in pairs]
        return standalone.page_html(
            self._esm,
            self._css,
            {"content": beginning.content(1, scales, beginning.samples), "samples": ""},
            {
                "envelopes": b"".join(item.tobytes() for item in envelopes),
                "pictures": b"".join(item.tobytes() for item in drawn),
            },
            [fallback.encode(waveform, beginning.sample_rate_hz)[1] for waveform in level],
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        png, page = self.static()
        encoded = base64.b64encode(png).decode()
        data |= {"text/plain": f"Player: {self.describe()}", "image/png": encoded, "text/html": page}
        metadata = {**metadata, "image/png": {"alt": self.describe()}}
        return data, metadata


def _strips(stems: Sequence[np.ndarray], axis: strips.Axis) -> list[np.ndarray]:
    """A spectrogram strip of each stem, uint8 (rows, columns), all on one scale."""
    powers = [strips.power_strip(waveform, axis) for waveform in stems]
    loudest_power = max(float(power.max()) for power in powers)
    return [strips.to_bytes(power, loudest_power) for power in powers]
