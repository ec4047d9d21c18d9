"""Written notes, performed: fermatas with breaths, a slower end, small errors of timing, and phrasing.

The result is a Score with the times that the synthesiser gets, on the grid of the MIDI files that `score.notes` writes,
so that the file contains exactly the notes that sound.

Contents: perform, let_ring, drum_grid, on_midi_grid, join. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from .. import checks
from ..score.midi import TICKS_PER_QUARTER
from ..score.notes import Note, Score, shift
from .scores.notation import Written

# MIDI files are written at 120 beats a minute, two a second.
MIDI_TICKS_PER_S = 2 * TICKS_PER_QUARTER

# Ensemble players start together to within about ten milliseconds.
TIMING_SPREAD_S = 0.005
TIMING_LIMIT_SPREADS = 2.4
SLOWING_BEATS = 4


def perform(
    lines: Mapping[str, Sequence[Written]],
    tempo_bpm: float,
    *,
    rng: np.random.Generator,
    hold_beats: float = 0.7,
    breath_s: float = 0.12,
    slowing: float = 0.25,
    lead_in_s: float = 0.25,
    velocity: int = 76,
    timing_spread_s: float = TIMING_SPREAD_S,
) -> Score:
    """Perform written lines.

    Parameters
    ----------
    lines : dict of source name -> notes as written
        A source may play several notes at once.
    tempo_bpm : float > 0
        Quarters a minute.
    rng : np.random.Generator
        Draws the errors of timing and of loudness.
    hold_beats : float >= 0
        The number of beats by which a note under a fermata is prolonged.
    slowing : float >= 0
        How much longer the last four beats become: 0.25 ends at 1.25 times the beat.
    lead_in_s : float >= 0, seconds
        Silence before the first beat.
    velocity : int in [1, 127]
        Mean velocity at the start of a phrase; phrases rise and fall by ten.
    timing_spread_s : float >= 0, seconds
        Standard deviation of the normal errors of timing, which are limited to 2.4 times this value.

    Returns
    -------
    Score
        Onsets and offsets in seconds, on the grid of MIDI files. Notes of one source and pitch never overlap.
    """
    checks.check_number("tempo_bpm", tempo_bpm, above=0, unit="quarters a minute")
    checks.check_generator("rng", rng)
    checks.check_number("timing_spread_s", timing_spread_s, at_least=0, unit="seconds")
    holds = sorted({(note.beat, note.beat + note.beats) for line in lines.values() for note in line if note.hold})
    last_beat = max(note.beat + note.beats for line in lines.values() for note in line)
    clock = _clock(tempo_bpm, holds, last_beat, hold_beats, breath_s, slowing)
    phrase_ends = sorted({end for _, end in holds} | {last_beat})
    notes = []
    for source, line in lines.items():
        for written in line:
            onset_s = lead_in_s + clock(written.beat, True)
            offset_s = lead_in_s + clock(written.beat + written.beats, False)
            late_s = _late_s(timing_spread_s, rng)
            # A player ends a note a little early: by a tenth of a short note, and at most 40 ms of a long one.
            gap_s = min(0.04, 0.1 * (offset_s - onset_s))
            # The shortest notes, those of a trill, have less room for errors.
            late_s = float(np.clip(late_s, -0.25 * (offset_s - onset_s), 0.25 * (offset_s - onset_s)))
            strength = velocity + 10 * _arc(written.beat, phrase_ends) + 3 * (written.beat % 2 == 0) + rng.normal(0, 2)
            notes.append(
                Note(
                    source, written.midi, max(0.0, onset_s + late_s), offset_s - gap_s, int(np.clip(strength, 30, 120))
                )
            )
    return on_midi_grid(_without_overlaps(Score(tuple(notes), tuple(lines))))


def _clock(
    tempo_bpm: float,
    holds: Sequence[tuple[Fraction, Fraction]],
    last_beat: Fraction,
    hold_beats: float,
    breath_s: float,
    slowing: float,
) -> Callable[[Fraction, bool], float]:
    """Seconds at a beat; the flag says whether a breath at this beat is over."""
    cells_per_beat = 8
    cells = np.arange(int(last_beat * cells_per_beat)) / cells_per_beat
    lengths_s = np.full(len(cells), 60 / tempo_bpm / cells_per_beat)
    for start, end in holds:
        lengths_s[(cells >= float(start)) & (cells < float(end))] *= 1 + hold_beats / float(end - start)
    towards_end = np.clip((cells - float(last_beat) + SLOWING_BEATS) / SLOWING_BEATS, 0, 1)
    lengths_s *= 1 + slowing * towards_end**2
    edges_s = np.concatenate([[0.0], np.cumsum(lengths_s)])
    breaths = [end for _, end in holds if end < last_beat]

    def seconds(beat: Fraction, after_breath: bool) -> float:
        breath_count = sum(end < beat or (end == beat and after_breath) for end in set(breaths))
        return (
            float(np.interp(float(beat) * cells_per_beat, np.arange(len(edges_s)), edges_s)) + breath_s * breath_count
        )

    return seconds


def _late_s(spread_s: float, rng: np.random.Generator) -> float:
    limit_s = TIMING_LIMIT_SPREADS * spread_s
    return float(np.clip(rng.normal(0, spread_s), -limit_s, limit_s))


def _arc(beat: Fraction, phrase_ends: Sequence[Fraction]) -> float:
    """Rise and fall of a phrase: 0 at its ends, 1 in the middle."""
    end = next(end for end in phrase_ends if beat < end)
    start = max((earlier for earlier in phrase_ends if earlier <= beat), default=Fraction(0))
    return float(np.sin(np.pi * float((beat - start) / (end - start))))


def let_ring(line: Iterable[Written], bar_beats: int) -> tuple[Written, ...]:
    """The line with every note held to the end of its bar, as on a guitar."""
    return tuple(
        note._replace(beats=max(note.beats, (note.beat // bar_beats + 1) * bar_beats - note.beat)) for note in line
    )


def drum_grid(
    rows: Mapping[str, str],
    pitches: Mapping[str, int],
    tempo_bpm: float,
    *,
    rng: np.random.Generator,
    source: str = "drums",
) -> Score:
    """Read a grid of sixteenths (X loud, x plain, o soft, - nothing) as notes of an unpitched source.

    Parameters
    ----------
    rows : dict of drum name -> text
        Spaces are ignored.
    pitches : dict of drum name -> General MIDI drum number
    tempo_bpm : float > 0
        Quarters a minute.
    rng : np.random.Generator
        Draws the errors of timing, half as large as in `perform`.
    source : str
        The name of the unpitched source.
    """
    strengths = {"X": 104, "x": 82, "o": 50}
    step_s = 60 / checks.check_number("tempo_bpm", tempo_bpm, above=0) / 4
    notes = []
    for drum, row in rows.items():
        for step, sign in enumerate(row.replace(" ", "")):
            if sign == "-":
                continue
            checks.check_choice(f"a sign of the row {drum!r}", sign, tuple(strengths))
            late_s = _late_s(TIMING_SPREAD_S / 2, rng)
            onset_s = max(0.0, step * step_s + late_s)
            strength = int(strengths[sign] + rng.normal(0, 3))
            notes.append(Note(source, pitches[drum], onset_s, onset_s + 0.9 * step_s, strength))
    return on_midi_grid(_without_overlaps(Score(tuple(notes), (source,), frozenset({source}))))


def on_midi_grid(score: Score) -> Score:
    """The score with every time moved to the nearest tick of a MIDI file (about half a millisecond)."""

    def to_grid(note: Note) -> Note:
        onset = round(note.onset_s * MIDI_TICKS_PER_S)
        offset = max(onset + 1, round(note.offset_s * MIDI_TICKS_PER_S))
        return dataclasses.replace(note, onset_s=onset / MIDI_TICKS_PER_S, offset_s=offset / MIDI_TICKS_PER_S)

    return dataclasses.replace(score, notes=tuple(to_grid(note) for note in score.notes))


def join(scores: Iterable[tuple[float, Score]], sources: Sequence[str]) -> Score:
    """Join several scores, each shifted to its own start in seconds; sources in the given order."""
    parts = [shift(score, start_s) for start_s, score in scores]
    unpitched = frozenset().union(*(part.unpitched for part in parts))
    return on_midi_grid(Score(tuple(note for part in parts for note in part.notes), tuple(sources), unpitched))


def _without_overlaps(score: Score) -> Score:
    """End a note 20 ms before its source plays the same pitch again: a synthesiser has one key for each pitch."""
    by_key: dict[tuple[str, float], list[int]] = {}
    notes = list(score.notes)
    for index, note in enumerate(notes):
        by_key.setdefault((note.source, note.midi), []).append(index)
    for indices in by_key.values():
        for this, following in itertools.pairwise(indices):
            latest_s = max(notes[this].onset_s + 0.01, notes[following].onset_s - 0.02)
            if notes[this].offset_s > latest_s:
                notes[this] = dataclasses.replace(notes[this], offset_s=latest_s)
    return dataclasses.replace(score, notes=tuple(notes))
