"""A made-up song as a score: the parts of the band, in seconds, with the small errors of players.

Contents: INSTRUMENTS, draw. Lesson: notebooks/21_separate_and_transcribe.ipynb
"""

from collections.abc import Sequence

import numpy as np

from ... import checks
from ...score.notes import Note, Score
from . import parts
from .harmony import plan

PARTS = {
    "piano": parts.piano,
    "guitar": parts.guitar,
    "bass": parts.bass,
    "drums": parts.drums,
    "strings": parts.strings,
    "lead": parts.lead,
}
INSTRUMENTS = tuple(PARTS)

# Standard deviation of the players' errors of time, and their limit.
TIMING_S = 0.008
TIMING_LIMIT_S = 0.02
SHORTEST_S = 0.04


def draw(rng: np.random.Generator, *, length_s: float = 12.0, instruments: Sequence[str] = INSTRUMENTS) -> Score:
    """Make up a song.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws everything: key, tempo, form, chords, the ways of playing, and the errors of the players.
    length_s : float > 0, seconds
        The song lasts about as long: notes that begin later are left out, and none ends later.
    instruments : sequence of str
        Which of INSTRUMENTS play. The others' notes are the same with and without them.

    Returns
    -------
    Score
        Sources in the order of `instruments`; "drums" is unpitched, with the pitches of General MIDI's drum map.

    Raises
    ------
    ValueError
        If there is no such instrument, or the length is not positive.

    Lesson: notebooks/21_separate_and_transcribe.ipynb. Reference: in the manner of Slakh2100 (Manilow et al., WASPAA
    2019), whose mixtures all have piano, guitar, bass and drums; the songs are our own.

    Examples
    --------
    >>> song = draw(np.random.default_rng(1), length_s=8, instruments=("bass", "drums"))
    >>> song.sources, sorted(song.unpitched)
    (('bass', 'drums'), ['drums'])
    """
    checks.check_number("length_s", length_s, above=0, unit="seconds")
    for instrument in instruments:
        checks.check_choice("instruments", instrument, INSTRUMENTS)
    agreed = plan(rng, length_s)
    # Each player draws from a generator of its own, so that no part depends on who else plays.
    players = dict(zip(INSTRUMENTS, rng.spawn(len(INSTRUMENTS)), strict=True))
    notes = []
    for instrument in instruments:
        own = players[instrument]
        for stroke in PARTS[instrument](agreed, own):
            error_s = float(np.clip(own.normal(0, TIMING_S), -TIMING_LIMIT_S, TIMING_LIMIT_S))
            onset_s = max(0.0, agreed.time_s(stroke.bar, stroke.beat) + error_s)
            offset_s = min(length_s, max(onset_s + SHORTEST_S, onset_s + stroke.beats * agreed.beat_s))
            if offset_s - onset_s >= SHORTEST_S / 2:
                notes.append(Note(instrument, stroke.midi, onset_s, offset_s, stroke.velocity))
    return Score(tuple(_one_at_a_time(notes)), tuple(instruments), frozenset({"drums"} & set(instruments)))


def _one_at_a_time(notes: Sequence[Note]) -> list[Note]:
    """The notes, shortened where their player strikes the same pitch again before they end."""
    ordered = sorted(notes, key=lambda note: note.onset_s)
    kept: list[Note] = []
    last: dict[tuple[str, float], int] = {}
    for note in ordered:
        before = last.get((note.source, note.midi))
        if before is not None and kept[before].offset_s > note.onset_s:
            old = kept[before]
            if note.onset_s - old.onset_s < SHORTEST_S / 2:
                continue
            kept[before] = Note(old.source, old.midi, old.onset_s, note.onset_s, old.velocity)
        last[note.source, note.midi] = len(kept)
        kept.append(note)
    return kept
