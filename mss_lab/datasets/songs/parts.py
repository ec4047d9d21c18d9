"""The parts of a made-up song: what each player of the band makes of the plan.

A part is a list of strokes: position in bars and beats, length in beats, MIDI pitch and velocity. Each player draws a
way to play for the whole song, and small changes for each section, as players do.

Contents: Stroke, drums, bass, piano, guitar, strings, lead. Lesson: notebooks/21_separate_and_transcribe.ipynb
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .harmony import BEATS_A_BAR, Bar, Chord, Plan

KICK, SNARE, CLOSED_HAT, OPEN_HAT, RIDE, CRASH = 36, 38, 42, 46, 51, 49
TOMS = (50, 48, 45, 43)


class Stroke(NamedTuple):
    """One note of a part: bar and beat from 0, length in beats, MIDI pitch, velocity."""

    bar: int
    beat: float
    beats: float
    midi: int
    velocity: int


# Positions in a bar, in eighths.
_KICKS = ((0, 4), (0, 3, 4), (0, 5), (0, 3, 6), (0, 2, 4, 6), (0, 7), (0, 4, 7))
_SNARES = ((2, 6), (4,), (2, 6, 7))


def drums(plan: Plan, rng: np.random.Generator) -> Iterator[Stroke]:
    """Kick, snare, hats or ride, a crash where a section begins, and a fill where it ends."""
    by_section = {
        section: (_KICKS[rng.integers(len(_KICKS))], _SNARES[rng.choice(len(_SNARES), p=(0.7, 0.2, 0.1))])
        for section in "AB"
    }
    cymbal = {section: int(rng.choice((CLOSED_HAT, RIDE), p=(0.75, 0.25))) for section in "AB"}
    step = float(rng.choice((0.25, 0.5, 1.0), p=(0.2, 0.65, 0.15)))
    fills = rng.random() < 0.7
    for index, bar in enumerate(plan.bars):
        filling = fills and bar.is_last and rng.random() < 0.7
        end = 3.0 if filling else float(BEATS_A_BAR)
        kicks, snares = by_section[bar.section]
        if bar.number == 0 and rng.random() < 0.5:
            yield Stroke(index, 0, 1.0, CRASH, int(rng.integers(85, 110)))
        for eighth in kicks:
            if eighth / 2 < end:
                yield Stroke(index, eighth / 2, 0.25, KICK, int(rng.integers(85, 115)))
        for eighth in snares:
            if eighth / 2 < end:
                yield Stroke(index, eighth / 2, 0.25, SNARE, int(rng.integers(85, 115)))
        for beat in np.arange(0, end, step):
            is_open = cymbal[bar.section] == CLOSED_HAT and beat == 3.5 and rng.random() < 0.3
            velocity = int(rng.integers(60, 80) + 20 * (beat % 1 == 0))
            yield Stroke(index, float(beat), 0.25, OPEN_HAT if is_open else cymbal[bar.section], velocity)
        if filling:
            for number, beat in enumerate(np.arange(end, BEATS_A_BAR, 0.25)):
                yield Stroke(index, float(beat), 0.25, TOMS[number], int(rng.integers(80, 115)))


def bass(plan: Plan, rng: np.random.Generator) -> Iterator[Stroke]:
    """One note at a time from E1 up: long roots, eighths, root and fifth, or a walking line."""
    way = str(rng.choice(("long", "eighths", "fifths", "walking", "syncopated")))
    lowest = int(rng.integers(28, 34))
    for index, bar in enumerate(plan.bars):
        for half, chord in enumerate(bar.chords):
            following = _chord_after(plan, index, half)
            root, fifth = _above(chord.root, lowest), _above(chord.pitch_classes[2], lowest)
            begin = 2.0 * half
            line: Sequence[tuple[float, float, int]]
            if way == "long":
                line = [(begin, 1.9, root)]
            elif way == "eighths":
                line = [(begin + 0.5 * i, 0.45, root if i < 3 or rng.random() < 0.7 else root + 12) for i in range(4)]
            elif way == "fifths":
                line = [(begin, 0.9, root), (begin + 1, 0.9, fifth)]
            elif way == "syncopated":
                line = [(begin, 0.7, root), (begin + 0.75, 0.2, root), (begin + 1.5, 0.45, fifth)]
            else:
                approach = _above(following.root, lowest) + int(rng.choice((-1, 1)))
                line = [(begin, 0.95, root), (begin + 1, 0.95, approach if half else fifth)]
            for beat, beats, midi in line:
                yield Stroke(index, beat, beats, midi, int(rng.integers(75, 105)))


def piano(plan: Plan, rng: np.random.Generator) -> Iterator[Stroke]:
    """Chords in close position around middle C: held, on beats, off beats, or broken."""
    yield from _comping(plan, rng, lowest=52, spread_beats=0.0, ways=("held", "beats", "charleston", "broken"))


def guitar(plan: Plan, rng: np.random.Generator) -> Iterator[Stroke]:
    """Chords over more than an octave, strummed from below, or picked one string at a time."""
    yield from _comping(plan, rng, lowest=45, spread_beats=0.03, ways=("strummed", "off beats", "broken", "held"))


def _comping(
    plan: Plan, rng: np.random.Generator, *, lowest: int, spread_beats: float, ways: Sequence[str]
) -> Iterator[Stroke]:
    way = {section: str(rng.choice(ways)) for section in "AB"}
    # Beats in a half bar, and lengths, for the ways that strike whole chords.
    struck = {
        "held": ((0.0, 1.9),),
        "beats": ((0.0, 0.9), (1.0, 0.9)),
        "charleston": ((0.0, 1.2), (1.5, 0.4)),
        "off beats": ((0.5, 0.3), (1.5, 0.3)),
        "strummed": ((0.0, 0.9), (1.0, 0.45), (1.5, 0.45)),
    }
    voices: tuple[int, ...] = ()
    for index, bar in enumerate(plan.bars):
        for half, chord in enumerate(bar.chords):
            voices = _voicing(chord, lowest, voices, extra=spread_beats > 0)
            velocity = int(rng.integers(65, 95))
            begin = 2.0 * half
            if way[bar.section] == "broken":
                for number in range(4):
                    midi = voices[(number if number < len(voices) else -2) % len(voices)]
                    yield Stroke(index, begin + 0.5 * number, 0.9, midi, velocity)
                continue
            if bar.chords[0] == bar.chords[1] and way[bar.section] == "held":
                if half == 0:
                    yield from _chord_stroke(index, 0.0, 3.8, voices, velocity, spread_beats)
                continue
            for beat, beats in struck[way[bar.section]]:
                yield from _chord_stroke(index, begin + beat, beats, voices, velocity, spread_beats)


def strings(plan: Plan, rng: np.random.Generator) -> Iterator[Stroke]:
    """Held chords whose voices move as little as they can; silent in one section of some songs."""
    silent = str(rng.choice(("", "A", "B"), p=(0.6, 0.25, 0.15)))
    lowest = int(rng.integers(55, 64))
    voices: tuple[int, ...] = ()
    for index, bar in enumerate(plan.bars):
        halves = (0,) if bar.chords[0] == bar.chords[1] else (0, 1)
        for half in halves:
            voices = _voicing(bar.chords[half], lowest, voices)
            if bar.section != silent:
                beats = BEATS_A_BAR / len(halves) - 0.05
                yield from _chord_stroke(index, 2.0 * half, beats, voices, int(rng.integers(60, 85)), 0.0)


# Onsets of a melody's notes in a bar, in quarters.
_RHYTHMS = (
    (0.0, 1.0, 2.0, 3.0),
    (0.0, 1.5, 2.0, 3.5),
    (0.0, 0.5, 1.0, 2.0, 2.5, 3.0),
    (0.5, 1.0, 1.5, 2.5, 3.0),
    (0.0, 2.0),
    (0.0, 0.75, 1.5, 2.0, 3.0),
    (1.0, 1.5, 2.0, 2.5, 3.0, 3.5),
)


def lead(plan: Plan, rng: np.random.Generator) -> Iterator[Stroke]:
    """A tune in steps and small leaps, chord notes on strong beats; a section that returns has its tune again."""
    lowest = int(rng.integers(64, 72))
    tunes: dict[tuple[str, int], list[tuple[float, float, int, int]]] = {}
    midi = _above(plan.key, lowest)
    for index, bar in enumerate(plan.bars):
        in_section = (bar.section, bar.number)
        if in_section not in tunes:
            tunes[in_section] = list(_phrase(plan, bar, midi, lowest, rng))
        for beat, beats, pitch, velocity in tunes[in_section]:
            yield Stroke(index, beat, beats, pitch, velocity)
            midi = pitch


def _phrase(
    plan: Plan, bar: Bar, midi: int, lowest: int, rng: np.random.Generator
) -> Iterator[tuple[float, float, int, int]]:
    onsets = _RHYTHMS[rng.integers(len(_RHYTHMS))]
    if rng.random() < 0.1:
        return
    within = [pitch for pitch in range(lowest, lowest + 17) if pitch % 12 in plan.scale]
    for onset, end in zip(onsets, (*onsets[1:], float(BEATS_A_BAR)), strict=True):
        chord = bar.chords[int(onset >= 2)]
        nearest = int(np.argmin([abs(pitch - midi) for pitch in within]))
        step = int(rng.choice((-2, -1, 0, 1, 2), p=(0.12, 0.3, 0.16, 0.3, 0.12)))
        midi = within[int(np.clip(nearest + step, 0, len(within) - 1))]
        if onset % 2 == 0:
            in_chord = [pitch for pitch in within if pitch % 12 in chord.pitch_classes]
            midi = min(in_chord, key=lambda pitch: abs(pitch - midi))
        yield onset, (end - onset) * float(rng.uniform(0.7, 0.98)), midi, int(rng.integers(75, 110))


def _chord_stroke(
    bar: int, beat: float, beats: float, voices: Sequence[int], velocity: int, spread_beats: float
) -> Iterator[Stroke]:
    for number, midi in enumerate(voices):
        yield Stroke(bar, beat + number * spread_beats, beats - number * spread_beats, midi, velocity)


def _above(pitch_class: int, lowest: int) -> int:
    """The lowest pitch of a class from `lowest` on."""
    return lowest + (pitch_class - lowest) % 12


def _voicing(chord: Chord, lowest: int, before: Sequence[int], extra: bool = False) -> tuple[int, ...]:
    """Pitches of a chord near those before it, from `lowest` on; `extra` doubles the root an octave below."""
    inversions = []
    for turn in range(len(chord.pitch_classes)):
        order = chord.pitch_classes[turn:] + chord.pitch_classes[:turn]
        pitches = [_above(order[0], lowest)]
        for pitch_class in order[1:]:
            pitches.append(_above(pitch_class, pitches[-1] + 1))
        inversions.append(tuple(pitches))
    middle = float(np.mean(before)) if before else lowest + 7.0
    chosen = min(inversions, key=lambda pitches: abs(float(np.mean(pitches)) - middle))
    below = _above(chord.root, lowest - 12)
    return (below, *chosen) if extra and below < chosen[0] else chosen


def _chord_after(plan: Plan, index: int, half: int) -> Chord:
    if half == 0:
        return plan.bars[index].chords[1]
    return plan.bars[(index + 1) % len(plan.bars)].chords[0]
