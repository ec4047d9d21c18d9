"""The effect of MIDI controllers on notes: the sustain pedal lengthens them, pitch bends change their pitch.

Contents: Played, sustained, bent.
Reference: MIDI Manufacturers Association, MIDI 1.0 Detailed Specification (1996).
"""

import bisect
import collections
import dataclasses

import numpy as np

from .midi_file import MidiEvents, channel_messages

# Controllers by number.
DATA_ENTRY, DATA_ENTRY_FINE, NRPN_FINE, NRPN, RPN_FINE, RPN = 6, 38, 98, 99, 100, 101
SUSTAIN, RESET = 64, 121

PEDAL_IS_DOWN = 64
BEND_RANGE_SEMITONES = 2


@dataclasses.dataclass(frozen=True)
class Played:
    """A note in ticks."""

    pitch: float
    velocity: int
    start: int
    stop: int


def sustained(played: list[Played], events: MidiEvents, track: int, channel: int) -> list[Played]:
    """The notes lengthened by the sustain pedal: until it is released, or the same key is struck again."""
    changes = channel_messages(
        events, track, channel, lambda m: m.type == "control_change" and m.control in (SUSTAIN, RESET)
    )
    # Ticks at which the pedal changed, and whether it was down from then on.
    ticks = [message.time for message in changes]
    is_down = [message.control == SUSTAIN and message.value >= PEDAL_IS_DOWN for message in changes]
    if not any(is_down):
        return played
    strikes = collections.defaultdict(list)
    for note in sorted(played, key=lambda note: note.start):
        strikes[note.pitch].append(note.start)
    last_tick = events.tracks[track][-1].time

    def lengthened(note: Played) -> Played:
        change = bisect.bisect_right(ticks, note.stop) - 1
        if change < 0 or not is_down[change]:
            return note
        released = next(
            (tick for tick, down in zip(ticks[change:], is_down[change:], strict=True) if not down), last_tick
        )
        later = bisect.bisect_right(strikes[note.pitch], note.start)
        struck = strikes[note.pitch][later] if later < len(strikes[note.pitch]) else released
        return dataclasses.replace(note, stop=max(note.stop, min(released, struck)))

    return [lengthened(note) for note in played]


def bent(played: list[Played], events: MidiEvents, track: int, channel: int) -> tuple[list[Played], int]:
    """The notes with their pitches changed by bends, and how many have a bend that changes while they sound."""
    ticks, bends = _bend_curve(events, track, channel)
    if not any(bends):
        return played, 0
    bent_notes, changing = [], 0
    for note in played:
        first, behind = bisect.bisect_right(ticks, note.start) - 1, bisect.bisect_left(ticks, note.stop)
        within = bends[first : max(behind, first + 1)]
        edges = [note.start, *ticks[first + 1 : behind], note.stop]
        changing += len(set(within)) > 1
        bend = _median(within, np.diff(edges))
        bent_notes.append(dataclasses.replace(note, pitch=min(max(note.pitch + bend, 0), 127)) if bend else note)
    return bent_notes, changing


def _bend_curve(events: MidiEvents, track: int, channel: int) -> tuple[list[int], list[float]]:
    """Ticks, and the pitch bend in semitones from each of them on."""
    entries = (DATA_ENTRY, DATA_ENTRY_FINE, NRPN_FINE, NRPN, RPN_FINE, RPN)
    ranges = channel_messages(events, track, channel, lambda m: m.type == "control_change" and m.control in entries)
    wheel = channel_messages(
        events, track, channel, lambda m: m.type == "pitchwheel" or (m.type == "control_change" and m.control == RESET)
    )
    selected = {RPN: 127, RPN_FINE: 127}
    semitones, cents, fraction = BEND_RANGE_SEMITONES, 0, 0.0
    ticks, bends = [-1], [0.0]
    for message in sorted([*ranges, *wheel], key=lambda message: message.time):
        if message.type == "pitchwheel":
            # The highest value is one step short of the full range, which it means.
            fraction = 1.0 if message.pitch == 8191 else message.pitch / 8192
        elif message.control == RESET:
            fraction = 0.0
        elif message.control in (NRPN, NRPN_FINE):
            selected = {RPN: 127, RPN_FINE: 127}
        elif message.control in selected:
            selected[message.control] = message.value
        elif set(selected.values()) == {0}:
            # The first registered parameter is the range of the pitch bend.
            if message.control == DATA_ENTRY:
                semitones = message.value
            else:
                cents = message.value
        if ticks[-1] == message.time:
            ticks.pop(), bends.pop()
        ticks.append(message.time)
        bends.append(fraction * (semitones + cents / 100))
    return ticks, bends


def _median(values: list[float], weights: np.ndarray) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(reached, reached[-1] / 2)]])
