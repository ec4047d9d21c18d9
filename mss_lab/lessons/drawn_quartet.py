"""A quartet on instruments that are drawn by seed: what exercises edit, where each player's sound is known.

Contents: RATE_HZ, PLAYERS; score, stems, rows.
"""

from typing import Any

import numpy as np

from ..score.notes import Note, Score

RATE_HZ = 16_000
# The players as the networks of lessons 20 and 21 call them, and their General MIDI programs.
PLAYERS = {"violin": 40, "clarinet": 71, "tenor_sax": 66, "bassoon": 70}


def score(piece: str, seconds: float, least_s: float) -> Score:
    """The beginning of a shipped chorale, for these players.

    Parameters
    ----------
    piece : str
        Name of the piece, such as "chorale_a".
    seconds : float
        Notes end here at the latest.
    least_s : float
        Notes that begin later than this before the end are left out.
    """
    from ..datasets import pieces

    names = {"saxophone": "tenor_sax"}
    notes = (
        Note(names.get(note.source, note.source), note.midi, note.onset_s, min(note.offset_s, seconds), note.velocity)
        for note in pieces.load(piece).score.notes
        if note.onset_s < seconds - least_s
    )
    return Score(tuple(notes), tuple(PLAYERS))


def stems(written: Score, seconds: float, seed: Any) -> np.ndarray:
    """A score on instruments that `seed` draws, float32 (players, samples) at 16 kHz."""
    from ..datasets import engines

    engine, rng = engines.make("harmonic"), np.random.default_rng(seed)
    timbres = {source: engine.draw_timbre(rng, PLAYERS[source]) for source in written.sources}
    waveforms = engine.play(written, sample_rate_hz=RATE_HZ, rng=rng, timbres=timbres)
    return np.concatenate(list(waveforms.values()))[:, : round(seconds * RATE_HZ)].astype(np.float32)


def rows(written: Score) -> np.ndarray:
    """The notes as an array (notes, 4): number of the player, pitch, onset and offset in seconds."""
    names = list(PLAYERS)
    return np.array(
        [(names.index(note.source), note.midi, note.onset_s, note.offset_s) for note in written.notes], float
    )
