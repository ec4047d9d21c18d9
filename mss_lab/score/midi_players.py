"""The players of a MIDI file: which of its tracks and channels are one player, and the player's name.

A MIDI file has tracks, channels and programs, but no players. Notation programs write a track for each player, and a
player who changes between bow and pizzicato has two programs or two channels. Files with a single track distinguish
players only by channel.

Contents: Player, players_of.
Reference: MIDI Manufacturers Association, General MIDI System Level 1 (1991).
"""

import bisect
import collections
import dataclasses

from .instruments import NAMES, is_instrument
from .midi_file import MidiEvents, channel_messages

DRUM_CHANNEL = 9

# Programs that are playing techniques, and the programs of the instruments that can be played like this.
_BOWED = frozenset(NAMES.index(name) for name in ("violin", "viola", "cello", "contrabass", "string ensemble 1"))
_GUITARS = frozenset(program for program, name in enumerate(NAMES) if "guitar" in name and "noise" not in name)
TECHNIQUES = {
    NAMES.index("tremolo strings"): _BOWED,
    NAMES.index("pizzicato strings"): _BOWED,
    NAMES.index("muted trumpet"): frozenset({NAMES.index("trumpet")}),
    NAMES.index("electric guitar (muted)"): _GUITARS,
    NAMES.index("guitar harmonics"): _GUITARS,
}


@dataclasses.dataclass(frozen=True)
class Player:
    """A player: its name in the file ("" if it has none), its main program, and the channels of its notes.

    `channels` holds pairs of track number and channel number, both from 0.
    """

    name: str
    program: int
    is_drum: bool
    channels: tuple[tuple[int, int], ...]


def players_of(events: MidiEvents) -> list[Player]:
    """All players that have a note, in the order of tracks, then of channels.

    In a file with several tracks a track is a player, except that drums (channel 10) and channels with programs of
    different instruments are separate players. If only one track has notes, every channel is a player, unless all but
    one of them are only another playing technique (pizzicato).

    The name is that of the track, or else its instrument name. It is left out if the track has several players, and in
    a file of type 0, where it is the name of the piece, unless it is that of an instrument.
    """
    tracks_with_notes = [track for track, _ in enumerate(events.tracks) if _channels_with_notes(events, track)]
    is_only_track = len(tracks_with_notes) == 1
    players: list[Player] = []
    for track in tracks_with_notes:
        played = {
            channel: _programs_of_notes(events, track, channel) for channel in _channels_with_notes(events, track)
        }
        mains = {channel: _main_program(programs) for channel, programs in played.items()}
        groups = _groups(mains, is_only_track, events.is_type_0)
        pitched = [group for group in groups if DRUM_CHANNEL not in group]
        for group in groups:
            # Drums in the track of a player do not change the player's name.
            is_alone = len(groups) == 1 or (pitched == [group] and not is_only_track)
            name = _name(events, track, None if is_alone else group)
            program = _main_program([program for channel in group for program in played[channel]])
            players.append(Player(name, program, DRUM_CHANNEL in group, tuple((track, channel) for channel in group)))
    return players


def _channels_with_notes(events: MidiEvents, track: int) -> list[int]:
    return sorted({m.channel for m in events.tracks[track] if m.type == "note_on" and m.velocity > 0})


def _programs_of_notes(events: MidiEvents, track: int, channel: int) -> list[int]:
    """The program at the start of each note of one channel of one track."""
    changes = channel_messages(events, track, channel, lambda message: message.type == "program_change")
    ticks = [message.time for message in changes]
    programs = [0, *(message.program for message in changes)]
    starts = [m.time for m in events.tracks[track] if m.type == "note_on" and m.velocity > 0 and m.channel == channel]
    return [programs[bisect.bisect_right(ticks, start)] for start in starts]


def _main_program(programs: list[int]) -> int:
    """The program of most notes; playing techniques count only if the instrument itself has no note."""
    instruments = [program for program in programs if not TECHNIQUES.get(program, frozenset()) & set(programs)]
    return collections.Counter(instruments).most_common(1)[0][0]


def _groups(mains: dict[int, int], is_only_track: bool, is_type_0: bool) -> list[tuple[int, ...]]:
    """Groups of channels of one track that are one player each; `mains` maps every channel to its main program."""
    pitched = [channel for channel in mains if channel != DRUM_CHANNEL]
    techniques = {
        mains[channel] for channel in pitched if TECHNIQUES.get(mains[channel], frozenset()) & {*mains.values()}
    }
    instruments = [channel for channel in pitched if mains[channel] not in techniques]
    is_one_instrument = len({mains[channel] for channel in instruments}) == 1
    if is_one_instrument and not is_type_0 and (len(instruments) == 1 or not is_only_track):
        groups = [tuple(pitched)]
    else:
        groups = [(channel,) for channel in pitched]
    return sorted([*groups, *((channel,) for channel in mains if channel == DRUM_CHANNEL)])


def _name(events: MidiEvents, track: int, channels: tuple[int, ...] | None) -> str:
    """The name of the track or, if channels are given, of one of these; "" if there is none."""
    prefix = None
    names: dict[str, str] = {}
    for message in events.tracks[track]:
        if message.type == "channel_prefix":
            # Until the next channel event, meta events belong to this channel.
            prefix = message.channel
        elif not message.is_meta:
            prefix = None
        elif message.type in ("track_name", "instrument_name") and message.name:
            names_the_piece = events.is_type_0 and message.type == "track_name" and not is_instrument(message.name)
            if (channels is None or prefix in channels) and not names_the_piece:
                names.setdefault(message.type, message.name)
    return names.get("track_name", names.get("instrument_name", ""))
