"""Piano roll: the notes of a score over the spectrogram of its mixture, to be corrected by mouse, touch or keyboard.

Notes are moved, stretched, drawn, deleted, and given from one player to another. The editor is an input for
`controls.explore`, so that a separation is made again after each edit, and the player below follows::

    editor = piano_roll.editor(score, mixture, sample_rate_hz, label="Notes")
    controls.explore(separate, score=editor)

Where score and recording differ in time, anchors are put into the row above the notes and dragged: the notes around an
anchor follow it, as far as the next anchors (`mss_lab.score.anchors`).

A note that is clicked is the editor's `selection`, and so are several that are chosen together. `picked` is a second
input, which follows the selection: a panel with it can let one hear the note alone.

Contents: editor, picked, Editor, Picked. Lesson: notebooks/10_edit_the_notes.ipynb
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from .. import checks, plots, stem_names, transforms, units
from ..chunks import transformed
from ..refusals import RefusedType, RefusedValue, ShapeError
from ..score.anchors import check_anchors
from ..score.guards import check_score
from ..score.instruments import is_instrument, programs_of
from ..score.midi import midi_bytes
from ..score.notes import Note, Score
from ..score.support import LEAST_SUPPORT, is_doubtful
from . import drawn, fallback, front_end, strips

# The pitches of the picture are those of a piano; the page shows those around the notes.
LOWEST_MIDI, HIGHEST_MIDI = 21, 108
ROWS_OF_A_SEMITONE = 3
# Twice the window of the player's strips: semitones are separated from the middle of the piano on.
WINDOW_S = 2 * 4096 / 44_100
MOST_COLUMNS = 3000
BLOCK_S = 10.0
# A longer recording would have columns of half a second, on which no note could be placed.
LONGEST_S = 1200.0
# The time axis without a recording and without notes.
EMPTY_S = 10.0
# A row of the notes as the page has them: index of the source, pitch, onset, offset, velocity.
COLUMNS = 5
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def editor(
    score: Score,
    waveform: Any = None,
    sample_rate_hz: int | None = None,
    *,
    support: Callable[[Score], Any] | Sequence[float] | np.ndarray | None = None,
    label: str = "",
) -> "Editor":
    """Edit the notes of a score over the spectrogram of a recording.

    Notes are selected, moved, stretched, drawn, deleted and given to other players; "Mouse and keys" below them lists
    how. Anchors move many notes at once, where the alignment of a passage is wrong. A double click in the row above
    the notes, or the key T, puts an anchor at a moment of the score. When it is dragged, or moved with the arrow keys,
    all notes between its two neighbours (other anchors, or the start and the end) are stretched in time, piecewise
    linearly, and all others stay. The value changes once for each finished drag. To delete an anchor moves no note.
    Anchors and notes share one history of undo and redo.

    "Save MIDI" saves the notes as `mss_lab.score.midi.write_midi` writes them. The editor does not know what a panel
    makes of its notes: the player of the panel saves the stems that are audible, by its own button.

    Parameters
    ----------
    score : Score
        With times of the recording, and at least one source; it may have no notes.
    waveform : float (channels, samples), optional
        The recording, at most 20 minutes. Without it the notes have no picture behind them.
    sample_rate_hz : int, optional
        Required with a waveform.
    support : function, or float (notes,), optional
        How far the recording supports each of the score's notes, from 0 to 1, NaN if it is unknown; notes below 0.4 are
        drawn with dashed edges. A function, such as `mss_lab.score.support.prepared` returns, is called with the new
        score after each edit. With numbers, a note that has been moved is unknown.
    label : str
        Label of the input; in a panel by default the parameter's name.

    Returns
    -------
    Editor
        An anywidget whose trait `value` is a Score.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the score is no Score or has no source; if the waveform is none, has NaN, is too long, or comes without a
        sample rate; if the support is not one number in [0, 1] for each note.

    Lesson: notebooks/10_edit_the_notes.ipynb
    """
    return Editor(score, waveform, sample_rate_hz, support, label)


def picked(roll: "Editor", label: str = "Selected") -> "Picked":
    """An input that follows the selection of an editor: its `value` is a tuple of Notes, which may be empty.

    Raises TypeError if `roll` is not an Editor.

    Lesson: notebooks/10_edit_the_notes.ipynb
    """
    return Picked(roll, label)


def note_name(midi: float) -> str:
    """The name of a pitch, such as "A4" for 69; the nearest one, if it lies between two."""
    octave, step = divmod(round(midi), 12)
    return f"{NAMES[step]}{octave - 1}"


class Editor(drawn.Drawn):
    """The widget behind `editor`.

    Attributes
    ----------
    value : Score
        Set it from code to show another score. The reader can undo that, too.
    selected : list of int
        Which of `value.notes` are selected; the page changes it with each click.
    selection : tuple of Note
        The selected notes.
    anchors : list of (float, float), seconds
        For each anchor the time of its moment in the score as it was at first, and its time now. If only anchors have
        been moved and none was deleted, `mss_lab.score.anchors.warped(first_score, anchors, duration_s)` is the value.
        Set it from code to place anchors; no note moves then. To set another score deletes them.
    duration_s : float
        Length of the time axis: the end of the recording, or of the score if that is later.
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__)

    # The notes are sent as bytes: ten thousand of them as text would take longer than to draw them. Each value has a
    # number, since the front end of the notebook takes two values as equal that differ only in their bytes.
    value = drawn.Checked().tag(
        sync=True,
        to_json=lambda score, self: {**_packed(score), "revision": self._revision},
        from_json=lambda state, self: self._unpacked(state),
        echo_update=False,
    )
    selected = traitlets.List(traitlets.Int()).tag(sync=True)
    anchors = drawn.Checked([], by="check_anchors").tag(sync=True)
    support = traitlets.Bytes().tag(sync=True)
    # Which view has requested a MIDI file, and how often. It travels with the newest notes, so that the file has them.
    midi_request = traitlets.Dict().tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)

    def __init__(self, score: Any, waveform: Any, sample_rate_hz: Any, support: Any, label: str) -> None:
        self._from_page, self._revision = False, 0
        score = self.check(score)
        self._support_of = _support_function(support, score)
        axis, picture, duration_s = None, b"", max(score.duration_s, EMPTY_S)
        if waveform is not None:
            waveform, rate_hz = _check_recording(waveform, sample_rate_hz)
            duration_s = waveform.shape[1] / rate_hz
            axis = _axis(waveform.shape[1], rate_hz)
            self._pixels = _picture(waveform, axis)
            picture = self._pixels.tobytes()
        self._axis = axis
        self._duration_s = duration_s
        facts = {
            "durationS": duration_s,
            "colours": plots.COLOURS,
            "leastSupport": LEAST_SUPPORT,
            "names": NAMES,
            "strip": None if axis is None else _strip_facts(axis),
        }
        super().__init__(
            value=score, support=self._measured(score), picture=picture, facts=facts, description=label, selected=[]
        )
        self.observe(self._edited, "value")
        self.observe(self._send_midi, "midi_request")

    @property
    def selection(self) -> tuple[Note, ...]:
        """The selected notes, in the order of the score."""
        notes = self.value.notes
        return tuple(notes[index] for index in sorted(set(self.selected)) if 0 <= index < len(notes))

    @property
    def duration_s(self) -> float:
        """Length of the time axis in seconds."""
        return float(max(self._duration_s, self.value.duration_s))

    def check_anchors(self, value: Any) -> list[tuple[float, ...]]:
        """Return anchors as a list of pairs, or raise TypeError or ValueError."""
        return [tuple(pair) for pair in check_anchors(value).tolist()]

    def midi(self) -> bytes:
        """The file that "Save MIDI" saves: a track for each player, with its instrument's program if that is known."""
        return midi_bytes(self.value, programs=programs_of(filter(is_instrument, self.value.sources)))

    def _send_midi(self, change: Any) -> None:
        name = f"{stem_names.as_file_name(self.description) or 'notes'}.mid"
        message = {"kind": "file", "view": change["new"]["view"], "name": name, "piece": 0, "pieces": 1}
        self.send(message, [self.midi()])

    def check(self, value: Any) -> Score:
        """Return the score, or raise TypeError or ValueError."""
        score = check_score(value)
        if not score.sources:
            raise RefusedValue(
                "a score to edit must name at least one source, got none; "
                "for an empty score name its players: Score((), ('violin', 'cello'))"
            )
        if not self._from_page:
            self._revision += 1
        return score

    def describe(self) -> str:
        """How many notes and players there are, and what of the notes is unusual."""
        score = self.value
        parts = [_count(len(score.notes), "note"), f"of {_count(len(score.sources), 'player')}"]
        doubtful = int(np.sum(is_doubtful(np.frombuffer(self.support, "<f4"))))
        if doubtful:
            parts.append(f"{doubtful} hardly supported by the recording")
        outside = sum(note.onset_s >= self._duration_s for note in score.notes) if self._axis else 0
        if outside:
            parts.append(f"{outside} after the end of the recording")
        if self.anchors:
            parts.append(_count(len(self.anchors), "anchor"))
        return f"{parts[0]} {', '.join(parts[1:])}"

    def png(self) -> bytes:
        """The notes over the picture of the recording."""
        supported = ~is_doubtful(np.frombuffer(self.support, "<f4"))
        if self._axis is None:
            return fallback.roll_png(self.value, supported, self._duration_s)
        midi = (LOWEST_MIDI - 0.5, LOWEST_MIDI - 0.5 + self._axis.rows / ROWS_OF_A_SEMITONE)
        seconds = (self._axis.first_s, self._axis.first_s + self._axis.columns * self._axis.column_s)
        return fallback.roll_png(self.value, supported, self._duration_s, self._pixels, (*seconds, *midi))

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over a state from the page; if it is refused, the page receives the current value."""
        with self._for_the_page():
            super().set_state(sync_data)

    @contextlib.contextmanager
    def _for_the_page(self) -> Iterator[None]:
        self._from_page = True
        try:
            yield
        finally:
            self._from_page = False

    def _edited(self, change: Any) -> None:
        if not self._from_page:
            # The numbers of notes belong to the score before, and so do anchors.
            self.selected, self.anchors = [], []
        self.support = self._measured(self.value)

    def _measured(self, score: Score) -> bytes:
        return _check_support(self._support_of(score), score).astype("<f4").tobytes()

    def _unpacked(self, state: Any) -> Score:
        """The score that the page sends; notes that it has not changed are the same objects as before."""
        sources = self.value.sources
        rows = np.frombuffer(bytes(state["notes"]), "<f8").reshape(-1, COLUMNS)
        by_values = {
            (note.source, note.midi, note.onset_s, note.offset_s, note.velocity): note for note in self.value.notes
        }
        notes = []
        for player, midi, onset_s, offset_s, velocity in rows.tolist():
            if not 0 <= player < len(sources):
                raise RefusedValue(f"a note's player must be one of {len(sources)}, got number {player:g}")
            key = (sources[int(player)], midi, onset_s, offset_s, velocity)
            notes.append(by_values.get(key) or Note(key[0], _whole(midi), onset_s, offset_s, velocity))
        self._revision = state["revision"]
        return Score(tuple(notes), sources, self.value.unpitched)


class Picked(ipywidgets.VBox):  # type: ignore[misc,unused-ignore]
    """The widget behind `picked`: a line that names the selected notes.

    Attributes
    ----------
    value : tuple of Note
        Follows the editor. Set from code, it selects these notes in the editor; others than its notes are refused.
    """

    value = drawn.Checked()
    label = traitlets.Unicode()

    def __init__(self, roll: Any, label: str = "Selected") -> None:
        if not isinstance(roll, Editor):
            raise RefusedType(f"roll must be an Editor, got {type(roll).__name__}; make one with piano_roll.editor")
        self._roll = roll
        self._line = ipywidgets.Label()
        super().__init__([self._line], label=label, value=roll.selection)
        self.observe(self._chosen, "value")
        roll.observe(self._follow, ["selected", "value"])
        self._say()

    def check(self, value: Any) -> tuple[Note, ...]:
        """Return the notes as a tuple, or raise TypeError or ValueError."""
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            raise RefusedType(f"value must be some of the editor's notes, got {value!r}; write [note]")
        notes = tuple(value)
        for note in notes:
            if note not in self._roll.value.notes:
                raise RefusedValue(f"value must be some of the editor's notes, got {note!r}; take them from its value")
        return notes

    def describe(self) -> str:
        """The selected notes in a few words."""
        if not self.value:
            return "no note"
        note = self.value[0]
        if len(self.value) > 1:
            return f"{len(self.value)} notes, the first of them {note.source} {note_name(note.midi)}"
        return f"{note.source} {note_name(note.midi)}, {note.onset_s:.2f} to {note.offset_s:.2f} s"

    def _follow(self, change: Any) -> None:
        self.value = self._roll.selection

    def _chosen(self, change: Any) -> None:
        if self.value != self._roll.selection:
            self._roll.selected = [self._roll.value.notes.index(note) for note in self.value]
        self._say()

    def _say(self) -> None:
        self._line.value = f"{self.label}: {self.describe()}"


def _packed(score: Score) -> dict[str, Any]:
    index = {source: number for number, source in enumerate(score.sources)}
    rows = [(index[note.source], note.midi, note.onset_s, note.offset_s, note.velocity) for note in score.notes]
    return {"sources": list(score.sources), "notes": np.array(rows, "<f8").tobytes()}


def _whole(number: float) -> float:
    return int(number) if number.is_integer() else number


def _count(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


def _support_function(support: Any, score: Score) -> Callable[[Score], Any]:
    if support is None:
        return lambda score: np.full(len(score.notes), np.nan)
    if callable(support):
        return lambda score: support(score)
    numbers = _check_support(support, score).tolist()
    by_times = {(n.midi, n.onset_s, n.offset_s): number for n, number in zip(score.notes, numbers, strict=True)}
    return lambda score: [by_times.get((n.midi, n.onset_s, n.offset_s), np.nan) for n in score.notes]


def _check_support(support: Any, score: Score) -> np.ndarray:
    try:
        numbers = np.asarray(support, float)
    except (TypeError, ValueError):
        raise RefusedType(f"support must be numbers, one for each note, got {type(support).__name__}") from None
    if numbers.shape != (len(score.notes),):
        raise ShapeError(
            f"support must be one number for each of the score's {len(score.notes)} notes, got {numbers.shape}; "
            "measure it with mss_lab.score.support"
        )
    if ((numbers < 0) | (numbers > 1)).any():
        raise RefusedValue(
            f"support must lie in [0, 1] or be NaN, got {np.nanmin(numbers):g} to {np.nanmax(numbers):g}"
        )
    return numbers


def _check_recording(waveform: Any, sample_rate_hz: Any) -> tuple[np.ndarray, int]:
    if sample_rate_hz is None:
        raise RefusedValue("a waveform needs its sample_rate_hz, such as 44100, got None; pass both")
    waveform, rate_hz = checks.check_waveform("waveform", waveform), checks.check_sample_rate(sample_rate_hz)
    length_s = waveform.shape[1] / rate_hz
    if length_s > LONGEST_S:
        raise RefusedValue(
            f"waveform must be at most {LONGEST_S / 60:g} minutes to be shown behind notes, got {length_s / 60:.1f}; "
            "pass an excerpt of the waveform, and the score shifted with mss_lab.score.notes.shift"
        )
    return waveform, rate_hz


def _axis(samples: int, rate_hz: int) -> strips.Axis:
    """Rows are thirds of a semitone, so that every pitch has a row around it."""
    window = transforms.window_samples_for(rate_hz, WINDOW_S)
    hop = window // 8
    if transforms.frame_count(samples, window, hop) > MOST_COLUMNS:
        hop = window // 2
    frames = transforms.frame_count(samples, window, hop)
    per_column = -(-frames // MOST_COLUMNS)
    highest = min(HIGHEST_MIDI, int(np.floor(units.hz_to_midi(rate_hz / 2) - 0.5)))
    return strips.Axis(
        sample_rate_hz=rate_hz,
        window_samples=window,
        hop_samples=hop,
        frames_per_column=per_column,
        columns=-(-frames // per_column),
        rows=ROWS_OF_A_SEMITONE * (highest - LOWEST_MIDI + 1),
        low_hz=float(units.midi_to_hz(LOWEST_MIDI - 0.5)),
        high_hz=float(units.midi_to_hz(highest + 0.5)),
    )


def _picture(waveform: np.ndarray, axis: strips.Axis) -> np.ndarray:
    """The recording on the axis, uint8 (rows, columns); some seconds at a time, so that memory does not grow."""
    settings: transforms.StftSettings = {"window_samples": axis.window_samples, "hop_samples": axis.hop_samples}
    powers = np.zeros((axis.rows, axis.columns), np.float32)
    # Whole columns in each block.
    hops = max(1, round(BLOCK_S * axis.sample_rate_hz / axis.hop_samples / axis.frames_per_column))
    block = hops * axis.frames_per_column * axis.hop_samples
    for first, _, stft in transformed(waveform.astype(np.float32, copy=False), settings, block):
        power = sum(channel.real**2 + channel.imag**2 for channel in stft)
        strip = strips.strip_of(np.asarray(power), axis)
        column = first // axis.frames_per_column
        powers[:, column : column + strip.shape[1]] = strip
    return strips.to_bytes(powers, float(powers.max()))


def _strip_facts(axis: strips.Axis) -> dict[str, Any]:
    return {
        "rows": axis.rows,
        "columns": axis.columns,
        "columnS": axis.column_s,
        "firstS": axis.first_s,
        "lowMidi": LOWEST_MIDI - 0.5,
        "rowsOfASemitone": ROWS_OF_A_SEMITONE,
    }
