"""The events of a MIDI file, read so that one damaged event does not make all notes unreadable.

mido decodes the events. They are located here, because mido stops at the first damaged meta event, shifts every event
after an unknown meta event, and does not know chunks that other programs add.

Contents: MidiEvents, read_events, channel_messages.
Reference: MIDI Manufacturers Association, Standard MIDI Files 1.0 (1988).
"""

import collections
import dataclasses
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..refusals import RefusedValue

if TYPE_CHECKING:
    import mido

META, SYSTEM_EXCLUSIVE, ESCAPE = 0xFF, 0xF0, 0xF7
END_OF_TRACK, SET_TEMPO = 0x2F, 0x51

# Names of the meta events that can be damaged; texts cannot.
META_NAMES = {
    0x00: "sequence number",
    0x20: "channel prefix",
    0x21: "port number",
    SET_TEMPO: "tempo mark",
    0x54: "film offset",
    0x58: "time signature",
    0x59: "key signature",
}

# The number of bytes after a status byte that belongs to live transmission and not into a file; others have none.
SYSTEM_COMMON_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}


@dataclasses.dataclass(frozen=True)
class MidiEvents:
    """The content of a MIDI file.

    Attributes
    ----------
    is_type_0 : bool
        Whether all players share one track.
    ticks_per_quarter : int
    tracks : tuple of lists of mido messages
        The attribute `time` of a message is its tick since the start of the file. System exclusive messages are left
        out. The last message marks the end of the track.
    warnings : tuple of str
        Descriptions of what was left out, each a whole sentence.
    """

    is_type_0: bool
    ticks_per_quarter: int
    tracks: tuple[list["mido.Message | mido.MetaMessage"], ...]
    warnings: tuple[str, ...]


class _Damage(Exception):
    """The bytes do not follow the format; the message describes how."""


def read_events(path: str | os.PathLike[str]) -> MidiEvents:
    """Read all events of a Standard MIDI File of type 0 or 1.

    Damaged meta events are left out with a warning: a name, a key signature or a tempo is lost, but no note. Anything
    else that does not follow the format is refused.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RefusedValue
        If the file is not a MIDI file, is damaged or cut short, is of type 2, or counts in film frames.
    """
    path = Path(path)
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"score {path} {problem}; give the path of a MIDI file or a table of notes (.csv)")
    try:
        kind, count, ticks_per_quarter, chunks = _chunks(path.read_bytes())
        _check_header(path, kind, ticks_per_quarter)
        if len(chunks) < count:
            raise _Damage(f"{count} tracks are announced, but it has {len(chunks)}")
        damaged: collections.Counter[str] = collections.Counter()
        tracks = tuple(_track(chunk, damaged) for chunk in chunks)
    except _Damage as damage:
        raise RefusedValue(
            f"{path} could not be read as MIDI ({damage}); give a Standard MIDI File, or export the score again"
        ) from damage
    warnings = [_sentence(name, times) for name, times in damaged.items()]
    if kind == 0 and len(tracks) > 1:
        warnings.append(f"The file says that it has one track (type 0), but has {len(tracks)}; all were read.")
    return MidiEvents(kind == 0 and len(tracks) == 1, ticks_per_quarter, tracks, tuple(warnings))


def _check_header(path: Path, kind: int, ticks_per_quarter: int) -> None:
    if kind == 2:
        raise RefusedValue(
            f"{path} must be a MIDI file of type 0 or 1, got type 2, whose tracks are separate pieces and not players "
            "of one piece; save the desired piece as type 1"
        )
    if kind > 2:
        raise _Damage(f"there is no type {kind}")
    if ticks_per_quarter >= 0x8000:
        raise RefusedValue(
            f"{path} must count time in parts of a quarter note, got frames of film (SMPTE); export it again with "
            "ticks per quarter note"
        )
    if ticks_per_quarter == 0:
        raise _Damage("a quarter note has no ticks")


def _chunks(content: bytes) -> tuple[int, int, int, list[bytes]]:
    """Type, number of tracks, ticks per quarter, and the bytes of every track."""
    if content[:4] == b"RIFF" and content[8:12] == b"RMID":
        # A MIDI file in the wrapper that Windows uses.
        content = content[max(0, content.find(b"MThd")) :]
    if content[:4] != b"MThd":
        raise _Damage("it does not begin with MThd" if content else "it is empty")
    if len(content) < 14:
        raise _Damage("it ends within its header")
    size, kind, count, ticks_per_quarter = struct.unpack(">IHHH", content[4:14])
    position = 8 + max(6, size)
    tracks: list[bytes] = []
    # Data after the announced tracks are not part of the piece.
    while len(tracks) < max(count, 1) and position + 8 <= len(content):
        name, size = struct.unpack(">4sI", content[position : position + 8])
        chunk = content[position + 8 : position + 8 + size]
        if len(chunk) < size:
            raise _Damage(f"it is cut short: {size} bytes are announced, but it has {len(chunk)}")
        if name == b"MTrk":
            tracks.append(chunk)
        position += 8 + size
    return kind, count, ticks_per_quarter, tracks


def _track(chunk: bytes, damaged: collections.Counter[str]) -> list["mido.Message | mido.MetaMessage"]:
    """The messages of one track with absolute ticks; counts the damaged meta events."""
    import mido

    messages: list[mido.Message | mido.MetaMessage] = []
    position = tick = 0
    status = 0
    while position < len(chunk):
        wait, position = _variable_length(chunk, position)
        tick += wait
        first = _byte(chunk, position)
        if first < 0x80 and not status:
            raise _Damage("an event has no status")
        if first == META:
            kind = _byte(chunk, position + 1)
            data, position = _sized(chunk, position + 2)
            if kind == END_OF_TRACK:
                break
            message = _meta(kind, data, tick, damaged)
            if message is not None:
                messages.append(message)
        elif first in (SYSTEM_EXCLUSIVE, ESCAPE):
            _, position = _sized(chunk, position + 1)
        elif first > SYSTEM_EXCLUSIVE:
            position += 1 + SYSTEM_COMMON_BYTES.get(first, 0)
        else:
            if first >= 0x80:
                status, position = first, position + 1
            # An event without a status byte of its own has that of the event before it ("running status").
            size = 1 if status & 0xE0 == 0xC0 else 2
            data, position = chunk[position : position + size], position + size
            if len(data) < size or max(data) > 127:
                raise _Damage("an event is damaged")
            messages.append(mido.Message.from_bytes([status, *data], time=tick))
    messages.append(mido.MetaMessage("end_of_track", time=tick))
    return messages


def _meta(kind: int, data: bytes, tick: int, damaged: collections.Counter[str]) -> "mido.MetaMessage | None":
    """A meta event; None if it is unknown, or damaged, which is counted by its name."""
    import mido
    from mido.midifiles import meta

    try:
        message = meta.build_meta_message(kind, list(data), tick)
        if kind == SET_TEMPO and message.tempo == 0:
            raise ValueError("a quarter note of no duration")
    except (ValueError, LookupError, meta.KeySignatureError):
        damaged[META_NAMES.get(kind, "meta event")] += 1
        return None
    if isinstance(message, mido.UnknownMetaMessage):
        return None
    is_name = message.type in ("track_name", "instrument_name")
    return mido.MetaMessage(message.type, name=_text(data), time=tick) if is_name else message


def _text(data: bytes) -> str:
    # The format does not define the encoding of names; older programs use one byte a letter.
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _sentence(name: str, times: int) -> str:
    subject = f"One {name} is damaged and was" if times == 1 else f"{times} {name}s are damaged and were"
    cost = "times may be wrong" if name == META_NAMES[SET_TEMPO] else "notes and their times do not depend on it"
    return f"{subject} left out; {cost}."


def _variable_length(chunk: bytes, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, and the position after it."""
    value = 0
    for end in range(position + 1, position + 5):
        byte = _byte(chunk, end - 1)
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, end
    raise _Damage("a number is longer than the format allows")


def _sized(chunk: bytes, position: int) -> tuple[bytes, int]:
    """Data that begin with their length, and the position after them."""
    size, start = _variable_length(chunk, position)
    if start + size > len(chunk):
        raise _Damage("an event is longer than its track")
    return chunk[start : start + size], start + size


def _byte(chunk: bytes, position: int) -> int:
    if position >= len(chunk):
        raise _Damage("a track ends within an event")
    return chunk[position]


def channel_messages(
    events: MidiEvents, track: int, channel: int, is_relevant: Callable[["mido.Message"], bool]
) -> list["mido.Message"]:
    """The messages that set something for one channel of one track, in order of time.

    A channel belongs to the whole file: the settings of any track apply to it. But files with more than 16 players use
    channels twice. So the settings that a track has for its own channel come first; those of other tracks are used only
    if it has none.
    """

    def chosen(messages: list["mido.Message | mido.MetaMessage"]) -> list["mido.Message"]:
        return [m for m in messages if not m.is_meta and getattr(m, "channel", None) == channel and is_relevant(m)]

    own = chosen(events.tracks[track])
    if own:
        return own
    return sorted((message for other in events.tracks for message in chosen(other)), key=lambda message: message.time)
