"""The harmony of a made-up song: its key, its form, and a chord for every half bar.

Contents: Chord, Section, Plan, plan, SCALES, PROGRESSIONS. Lesson: notebooks/21_separate_and_transcribe.ipynb
"""

import dataclasses

import numpy as np

# Semitones above the key note, for each step of the scale.
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "dorian": (0, 2, 3, 5, 7, 9, 10)}

# Steps of the scale on which the chords of four bars stand, 0 for the key note; a bar with two chords has two steps.
PROGRESSIONS = {
    "major": ("0 4 5 3", "0 5 3 4", "0 3 0 4", "1 4 0 0", "5 3 0 4", "0 2 3 4", "0,4 5 3,4 0", "3 4 2 5", "0 5 1 4"),
    "minor": ("0 5 2 6", "0 3 6 2", "0 6 5 4", "0 0 3 4", "0,6 5 3,4 0", "5 6 0 0", "0 2 6 3"),
    "dorian": ("0 3 0 3", "0 0 3 0", "0 6 3 0", "0,1 2 3 0"),
}
# Which section, A or B, is played when; each section has a progression of its own.
FORMS = ("AABA", "AABB", "ABAB", "ABA", "AAB")
BEATS_A_BAR = 4


@dataclasses.dataclass(frozen=True)
class Chord:
    """A chord on a step of the scale.

    Attributes
    ----------
    root : int in [0, 11]
        Pitch class of its lowest step.
    pitch_classes : tuple of int
        Root, third, fifth, and for some chords the seventh.
    """

    root: int
    pitch_classes: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Bar:
    """One bar: its section, its place in that section, and a chord for each of its halves."""

    section: str
    number: int
    chords: tuple[Chord, Chord]
    is_last: bool


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that the players of a song agree on.

    Attributes
    ----------
    key : int in [0, 11]
        Pitch class of the key note.
    mode : {"major", "minor", "dorian"}
    tempo_bpm : float
        Quarters a minute; a bar has four.
    swing : float in [0.5, 0.67]
        Where the second eighth of a beat lies: 0.5 in the middle.
    bars : tuple of Bar
    """

    key: int
    mode: str
    tempo_bpm: float
    swing: float
    bars: tuple[Bar, ...]

    @property
    def beat_s(self) -> float:
        """Length of a quarter."""
        return 60.0 / self.tempo_bpm

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes of the scale, from the key note."""
        return tuple((self.key + step) % 12 for step in SCALES[self.mode])

    def time_s(self, bar: int, beat: float) -> float:
        """Time of a position: bars from 0, beats from 0 to 4, with the swing of its eighths."""
        whole, fraction = divmod(beat, 1.0)
        # Straight time from 0 to 1 becomes swung time: the half of the beat moves to `swing`.
        first_half, second_half = min(fraction, 0.5), max(fraction - 0.5, 0.0)
        moved = 2 * first_half * self.swing + 2 * second_half * (1 - self.swing)
        return (bar * BEATS_A_BAR + whole + moved) * self.beat_s


def plan(rng: np.random.Generator, length_s: float) -> Plan:
    """Draw key, mode, tempo, form and chords of a song that lasts at least `length_s`, in whole bars."""
    mode = str(rng.choice(list(SCALES), p=(0.5, 0.35, 0.15)))
    key, tempo_bpm = int(rng.integers(12)), float(rng.uniform(70, 150))
    swing = float(rng.choice((0.5, 0.58, 0.66), p=(0.7, 0.15, 0.15)))
    sevenths = bool(rng.random() < 0.4)
    progressions = rng.choice(PROGRESSIONS[mode], size=2, replace=False)
    sections = {
        name: [_chords(key, mode, steps, sevenths) for steps in str(progression).split()]
        for name, progression in zip("AB", progressions, strict=True)
    }
    count = max(1, int(np.ceil(length_s * tempo_bpm / 60 / BEATS_A_BAR)))
    form = str(rng.choice(FORMS))
    order = [(name, number, chords) for name in form for number, chords in enumerate(sections[name])]
    bars = tuple(
        Bar(*order[index % len(order)], is_last=order[index % len(order)][1] == len(sections["A"]) - 1)
        for index in range(count)
    )
    return Plan(key, mode, tempo_bpm, swing, bars)


def _chords(key: int, mode: str, steps: str, sevenths: bool) -> tuple[Chord, Chord]:
    first, *second = (_chord(key, mode, int(step), sevenths) for step in steps.split(","))
    return first, second[0] if second else first


def _chord(key: int, mode: str, step: int, sevenths: bool) -> Chord:
    scale = SCALES[mode]
    thirds = range(0, 7 if sevenths else 5, 2)
    pitch_classes = tuple((key + scale[(step + third) % 7]) % 12 for third in thirds)
    return Chord(pitch_classes[0], pitch_classes)
