"""Pop songs as a sum of four sources: vocals, drums, bass and the rest, as most separators of songs divide them.

The songs are those of `mss_lab.datasets.songs`. A singer that is drawn sings the part of the lead instrument; the other
instruments but drums and bass are added up. Some players are absent in a song, so that a network also meets silence.

Contents: INSTRUMENTS, VOICE_PROGRAM, present, with_singer, joined, of_first.
"""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from ..loudness import at_loudness
from ..score.notes import Note, Score, select
from . import rooms, singer, varied

Value = TypeVar("Value")

# The instruments that each source adds up.
INSTRUMENTS = {
    "vocals": ("lead",),
    "drums": ("drums",),
    "bass": ("bass",),
    "rest": ("piano", "guitar", "strings"),
}
# "Voice Oohs" of General MIDI.
VOICE_PROGRAM = 54

# How often a player is there, where it is not always.
PRESENT = {"lead": 0.9, "drums": 0.95, "bass": 0.95, "piano": 0.6, "guitar": 0.6, "strings": 0.5}
LOUDNESS_LUFS = -25.0
# Standard deviation of an equaliser's gains in dB, drawn for every source.
EQUALISER_DB = 3.0


def present(score: Score, rng: np.random.Generator) -> Score:
    """The score without the notes of players who are absent; all sources stay."""
    absent = {player for player in score.sources if rng.random() >= PRESENT.get(player, 1.0)}
    notes = tuple(note for note in score.notes if note.source not in absent)
    return Score(notes, score.sources, score.unpitched)


def with_singer(
    score: Score, samples: int, sample_rate_hz: int, room: rooms.Room | None, rng: np.random.Generator
) -> tuple[np.ndarray, str]:
    """The lead part, sung by a singer that is drawn: float32 (samples,), and the singer's name."""
    voice = singer.draw(rng)
    name = f"singer/{voice.middle_midi:.3f}-{voice.formant_ratio:.4f}"
    sung = singer.sing(select(score, INSTRUMENTS["vocals"]).notes, voice, samples, sample_rate_hz, rng=rng)
    wet = rooms.apply(sung, rooms.draw(rng, dry=0.4) if room is None else room, sample_rate_hz, rng)
    return at_loudness(wet[np.newaxis], sample_rate_hz, LOUDNESS_LUFS)[0].astype(np.float32), name


def joined(
    stems: Mapping[str, np.ndarray], score: Score, sample_rate_hz: int, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], Score]:
    """The sources of a song, each through an equaliser of its own, and its notes by source.

    Parameters
    ----------
    stems : dict of instrument -> float (samples,)
    score : Score
        Its sources are the instruments.
    sample_rate_hz : int
    rng : np.random.Generator

    Returns
    -------
    dict of source -> float32 (samples,)
    Score
        Its sources are those of INSTRUMENTS.
    """
    sources = {
        source: varied.equalised(np.sum([stems[name] for name in names], axis=0), sample_rate_hz, EQUALISER_DB, rng)
        for source, names in INSTRUMENTS.items()
    }
    source_of = {name: source for source, names in INSTRUMENTS.items() for name in names}
    notes = [
        Note(source_of[note.source], note.midi, note.onset_s, note.offset_s, note.velocity) for note in score.notes
    ]
    unpitched = frozenset(source_of[name] for name in score.unpitched)
    return sources, Score(tuple(notes), tuple(INSTRUMENTS), unpitched)


def of_first(values: Mapping[str, Value]) -> dict[str, Value]:
    """What belongs to an instrument as what belongs to its source: for several instruments, that of the first."""
    return {source: values[names[0]] for source, names in INSTRUMENTS.items()}
