"""MIDI files: notes, players and tempo, read as a sequencer plays them; and scores written as MIDI.

pretty_midi writes. It cannot read by these rules: it uses the tempo of the first track only, ends all notes of one
pitch at once, drops notes that have no end, and makes a new player of every program. So files are read with mido, the
library on which it is based.

Contents: read_midi, read_midi_in_full, write_midi, midi_bytes. Lesson: notebooks/07_scores_and_alignment.ipynb
Reference: MIDI Manufacturers Association, MIDI 1.0 and Standard MIDI Files 1.0 (1988).
"""

import bisect
import collections
import io
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from .. import checks, files, units
from ..refusals import RefusedValue
from .instruments import name_of, numbered
from .midi_controllers import Played, bent, sustained
from .midi_file import MidiEvents, read_events
from .midi_players import Player, players_of
from .notes import Note, Score
from .reading import Reading, ScoreWarning

if TYPE_CHECKING:
    import mido
    import pretty_midi

TICKS_PER_QUARTER = 960
QUARTERS_PER_MINUTE = 120

# The shortest note in a MIDI file that is written here.
TICK_S = 60 / QUARTERS_PER_MINUTE / TICKS_PER_QUARTER

# A longer score counts as a damaged file.
LONGEST_S = 24 * 3600.0

# Controllers that end all notes of a channel: all sound off, all notes off, and changes of its mode.
ALL_NOTES_END = (120, *range(123, 128))

# Possible doubts about the notes of a player, and the warnings for them.
DOUBTS = {
    "no end": "Nothing ends {} in the file; each lasts to the end of its track.",
    "moving bend": "The pitch bend changes within {}; each has the pitch of its median bend.",
    "pedal": "The sustain pedal was not read; it would lengthen {} (--pedal, or pedal=True in Python).",
}


def read_midi(path: str | os.PathLike[str], *, pedal: bool = False) -> Score:
    """The notes of a MIDI file, with warnings of doubtful ones. See `read_midi_in_full`."""
    reading = read_midi_in_full(path, pedal=pedal)
    for sentence in reading.warnings:
        warnings.warn(sentence, ScoreWarning, stacklevel=2)
    return reading.score


def read_midi_in_full(path: str | os.PathLike[str], *, pedal: bool = False) -> Reading:
    """Read a MIDI file of type 0 or 1: one source for each player, in the order of tracks and channels.

    A source has the name that the file gives, otherwise that of its General MIDI program; players with the same name
    are distinguished by a number ("violin", "violin 2"). `mss_lab.score.midi_players` decides which tracks and channels
    are one player. Drums (channel 10) become unpitched sources; tracks without a note are left out.

    Tempo marks of every track apply to all. If notes of one pitch overlap in a channel, the first to start is the first
    to end. A note without an end lasts to the end of its track. A pitch bend changes the pitch of the notes that sound
    with it, by the range that the file sets (by default two semitones). A bend that changes within a note counts with
    its median over time.

    Parameters
    ----------
    path : path
    pedal : bool
        Whether the sustain pedal lengthens notes: until it is released, or until the same key is struck again.

    Returns
    -------
    Reading

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a MIDI file, is damaged, is of type 2, counts in film frames, or contains no note.
    """
    events = read_events(path)
    players = players_of(events)
    if not players:
        raise RefusedValue(f"{path} holds no notes; export the score again with its notes, or choose another file")
    seconds, tempos = _clock(events)
    doubts: dict[str, collections.Counter[str]] = {kind: collections.Counter() for kind in DOUBTS}
    notes: list[Note] = []
    sources: list[str] = []
    unnamed: set[str] = set()
    for player in players:
        source = numbered(player.name or ("drums" if player.is_drum else name_of(player.program)), sources)
        sources.append(source)
        if not player.name:
            unnamed.add(source)
        for note in _played_by(player, source, events, pedal, doubts):
            onset_s, offset_s = seconds(note.start), seconds(note.stop)
            # A note of no length would sound on a synthesiser; here it lasts one tick.
            notes.append(Note(source, note.pitch, onset_s, max(offset_s, onset_s + TICK_S), note.velocity))
    if max(note.offset_s for note in notes) > LONGEST_S:
        raise RefusedValue(
            f"{path} must end within {LONGEST_S / 3600:.0f} hours, got a note that ends after "
            f"{max(note.offset_s for note in notes) / 3600:.0f}; export the score again"
        )
    unpitched = frozenset(source for source, player in zip(sources, players, strict=True) if player.is_drum)
    return Reading(
        Score(tuple(notes), tuple(sources), unpitched),
        tempos=tempos,
        unnamed=frozenset(unnamed),
        warnings=(*events.warnings, *_sentences(doubts), *_silent_tracks(events, players)),
        programs={
            source: player.program for source, player in zip(sources, players, strict=True) if not player.is_drum
        },
    )


def write_midi(
    path: str | os.PathLike[str], score: Score, *, programs: Mapping[str, int] | None = None, force: bool = True
) -> None:
    """Write a MIDI file with one track per source, from which `read_midi` reads back nearly the same score.

    Times are exact to 0.3 ms and notes at least 0.5 ms long; pitches are rounded to semitones. If notes of one source
    and pitch overlap, MIDI cannot express which of them ends first: when read, it is the one that started first. Silent
    sources become empty tracks, which `read_midi` leaves out.

    Parameters
    ----------
    path : path
    score : Score
    programs : dict of source name -> General MIDI program (0 to 127), optional
        Missing sources have program 0.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    ValueError
        If `programs` names a source that is not in the score, or a program that does not exist.
    FileExistsError, OSError
        As for `mss_lab.files.whole_file`.
    """
    midi = _as_midi(score, programs)
    with files.whole_file(path, force=force) as temporary:
        midi.write(str(temporary))


def midi_bytes(score: Score, *, programs: Mapping[str, int] | None = None) -> bytes:
    """The content of the file that `write_midi` writes, for a page that saves it.

    Raises ValueError as `write_midi` does.
    """
    content = io.BytesIO()
    _as_midi(score, programs).write(content)
    return content.getvalue()


def _as_midi(score: Score, programs: Mapping[str, int] | None) -> "pretty_midi.PrettyMIDI":
    import pretty_midi

    programs = {
        checks.check_choice("a source of programs", source, score.sources): checks.check_number(
            f"programs[{source!r}]", program, at_least=0, at_most=127, whole=True
        )
        for source, program in (programs or {}).items()
    }
    midi = pretty_midi.PrettyMIDI(resolution=TICKS_PER_QUARTER, initial_tempo=QUARTERS_PER_MINUTE, charset="utf-8")
    for source in score.sources:
        track = pretty_midi.Instrument(programs.get(source, 0), is_drum=source in score.unpitched, name=source)
        for note in score.notes_of(source):
            # Start and end on one tick would be read as an end and a start without an end: the note would be lost.
            offset_s = max(note.offset_s, note.onset_s + TICK_S)
            pitch = units.nearest_pitch(note.midi)
            track.notes.append(pretty_midi.Note(note.velocity, pitch, note.onset_s, offset_s))
        midi.instruments.append(track)
    return midi


def _clock(events: MidiEvents) -> tuple[Callable[[int], float], tuple[tuple[float, float], ...]]:
    """A function from ticks to seconds, and every tempo: the seconds from which it applies, quarters a minute."""
    marks = [message for track in events.tracks for message in track if message.type == "set_tempo"]
    # Of several at one tick, the last counts.
    tempos = {0: 60_000_000 // QUARTERS_PER_MINUTE} | {m.time: m.tempo for m in sorted(marks, key=lambda m: m.time)}
    ticks = list(tempos)
    microseconds_per_second = 1_000_000 * events.ticks_per_quarter
    starts_s = [0.0]
    for before, after in itertools.pairwise(ticks):
        starts_s.append(starts_s[-1] + (after - before) * tempos[before] / microseconds_per_second)

    def seconds(tick: int) -> float:
        index = bisect.bisect_right(ticks, tick) - 1
        return float(starts_s[index] + (tick - ticks[index]) * tempos[ticks[index]] / microseconds_per_second)

    changes = [tick for tick, before in zip(ticks, [None, *ticks], strict=False)
               if before is None or tempos[tick] != tempos[before]]  # fmt: skip
    return seconds, tuple((seconds(tick), 60_000_000 / tempos[tick]) for tick in changes)


def _played_by(
    player: Player, source: str, events: MidiEvents, pedal: bool, doubts: dict[str, collections.Counter[str]]
) -> Iterator[Played]:
    """All notes of a player; counts the doubtful ones."""
    for track, channel in player.channels:
        played, unended = _paired(events.tracks[track], channel)
        doubts["no end"][source] += unended
        with_pedal = sustained(played, events, track, channel)
        if pedal:
            played = with_pedal
        else:
            doubts["pedal"][source] += sum(long != short for long, short in zip(with_pedal, played, strict=True))
        if not player.is_drum:
            played, moving = bent(played, events, track, channel)
            doubts["moving bend"][source] += moving
        yield from played


def _paired(messages: Iterable["mido.Message"], channel: int) -> tuple[list[Played], int]:
    """The notes of one channel of one track, first in, first out, and the number of those without an end."""
    begun: dict[int, collections.deque[tuple[int, int]]] = collections.defaultdict(collections.deque)
    played: list[Played] = []
    tick = 0

    def end(pitch: int) -> None:
        start, velocity = begun[pitch].popleft()
        played.append(Played(pitch, velocity, start, tick))

    def end_all() -> int:
        count = sum(map(len, begun.values()))
        for pitch, notes in begun.items():
            for _ in range(len(notes)):
                end(pitch)
        return count

    for message in messages:
        tick = message.time
        if message.is_meta or message.channel != channel:
            continue
        if message.type == "note_on" and message.velocity > 0:
            begun[message.note].append((tick, message.velocity))
        elif message.type in ("note_on", "note_off") and begun[message.note]:
            end(message.note)
        elif message.type == "control_change" and message.control in ALL_NOTES_END:
            end_all()
    unended = end_all()
    return played, unended


def _sentences(doubts: dict[str, collections.Counter[str]]) -> Iterator[str]:
    for kind, counts in doubts.items():
        listed = [f"{count} note{'s' * (count > 1)} of {source}" for source, count in counts.items() if count]
        if listed:
            yield DOUBTS[kind].format(" and ".join(filter(None, (", ".join(listed[:-1]), listed[-1]))))


def _silent_tracks(events: MidiEvents, players: list[Player]) -> Iterator[str]:
    """A sentence for each track that selects a program but has no note."""
    channels_played = {channel for player in players for _, channel in player.channels}
    for track in events.tracks:
        programs = [m.program for m in track if m.type == "program_change" and m.channel not in channels_played]
        if programs and not any(message.type == "note_on" for message in track):
            name = next((m.name for m in track if m.type == "track_name" and m.name), name_of(programs[0]))
            yield f"The track {name} has no note and was left out."
