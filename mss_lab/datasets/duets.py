"""Small training songs for experiments: a few instruments, drawn anew, play voices of one piece.

The performance of a song depends on its seed alone, and not on the instruments. So songs with one seed and different
instruments hold the same notes at the same times, and what separates them can be compared song by song.

Contents: Songs, draw_players, song. Lesson: notebooks/15_data_is_the_model.ipynb
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from . import harmonic, repertoire, rooms
from .timbres import Timbre

# Each stem has this root mean square, so that level does not distinguish the instruments.
LEVEL = 0.1
# All instruments play in these two octaves, so that pitch does not distinguish them either.
RANGE_MIDI = (60, 84)


class Songs(list[Mapping[str, np.ndarray]]):
    """Songs in memory, with the facts that a store of songs has; `mss_lab.neural.segments.batches` takes them.

    Parameters
    ----------
    items : iterable of dict
        Songs with `audio` (sources, samples) and `notes` (notes, 4).
    facts : mapping
        At least `sources` and `sample_rate_hz`.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """

    def __init__(self, items: Iterable[Mapping[str, np.ndarray]], facts: Mapping[str, Any]):
        super().__init__(items)
        self.facts = dict(facts)


def draw_players(programs: Mapping[str, int], count: int, seed: Sequence[int] | int) -> list[dict[str, Timbre]]:
    """Draw sets of instruments by the harmonic engine.

    Parameters
    ----------
    programs : dict of source -> int
        General MIDI program of each source, around which its instruments are drawn.
    count : int >= 1
        Number of sets. The first sets of a longer list are those of a shorter one.
    seed : int, or sequence of int
        Another seed gives other instruments.

    Returns
    -------
    list of dict
        For each set, source -> timbre.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    count = checks.check_number("count", count, at_least=1, whole=True)
    engine = harmonic.HarmonicEngine()
    seeds = [*np.atleast_1d(seed).tolist()]
    return [
        {
            source: engine.draw_timbre(np.random.default_rng([*seeds, n, program]), program)
            for source, program in programs.items()
        }
        for n in range(count)
    ]


def song(
    work: repertoire.Work,
    timbres: Mapping[str, Timbre],
    seed: Sequence[int] | int,
    *,
    sample_rate_hz: int = 8_000,
    length_s: float = 8.0,
) -> dict[str, np.ndarray]:
    """One song: as many voices of a piece as there are instruments, drawn and performed anew.

    Parameters
    ----------
    work : Work
        With at least as many voices as there are timbres.
    timbres : dict of source -> Timbre
        Of the harmonic engine.
    seed : int, or sequence of int
        Decides voices, performance and excerpt, whatever the timbres are.
    sample_rate_hz : int
    length_s : float > 0, seconds

    Returns
    -------
    dict
        As an item of a store: `audio` float32 (sources, samples), `notes` float64 (notes, 4) with index of the source,
        pitch, onset and offset; and the names that `mss_lab.datasets.splits.check_no_leak` compares, `piece` and
        `timbres`.

    Raises
    ------
    ValueError
        If the piece has too few voices.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    length_s = checks.check_number("length_s", length_s, above=0, unit="seconds")
    sources = tuple(timbres)
    if len(work.lines) < len(sources):
        raise RefusedValue(
            f"{work.name} must have a voice for each of {', '.join(sources)}, got {len(work.lines)} voices; "
            "use fewer instruments, or another piece"
        )
    rng = np.random.default_rng(seed)
    voices = rng.choice(list(work.lines), len(sources), replace=False)
    ranges = dict.fromkeys(sources, RANGE_MIDI)
    played = repertoire.perform(work, rng=rng, voices=dict(zip(voices, sources, strict=True)), ranges=ranges)
    played = repertoire.excerpt(played, rng.uniform(0, max(0.0, played.duration_s - length_s)), length_s)
    stems = harmonic.HarmonicEngine().play(
        played,
        sample_rate_hz=sample_rate_hz,
        rng=rng,
        timbres=timbres,
        tail_s=length_s - played.duration_s,
        room=rooms.DRY,
    )
    audio = np.concatenate([stems[source] for source in sources])
    deviation = audio.std(axis=1, keepdims=True)
    audio = LEVEL * audio / np.where(deviation > 0, deviation, 1)
    index = {source: number for number, source in enumerate(sources)}
    notes = [(index[note.source], note.midi, note.onset_s, note.offset_s) for note in played.notes]
    return {
        "audio": audio.astype(np.float32),
        "notes": np.array(notes, np.float64).reshape(-1, 4),
        "piece": np.array(work.name),
        "timbres": np.array([timbres[source].name for source in sources]),
    }
