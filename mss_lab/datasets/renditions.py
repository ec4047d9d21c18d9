"""Renditions: one score, played in many ways, each with the score that fits it.

A network trained on one recording of a piece learns that recording. Miron and colleagues let every source be
played with three timbres, three dynamics and three shifts in time: 27 renditions, which four sources combine in
531,441 ways, of which some hundreds are drawn. Sound is made for timbres and dynamics alone, nine times a source; a
shift only moves it, and the notes with it.

Contents: Rendition, ALL, Played, play, draw, combine. Lesson: notebooks/15_data_is_the_model.ipynb

Reference: Miron, Janer, Gómez, "Monaural score-informed source separation for classical music using convolutional
neural networks", ISMIR 2017. Departs from it: timbres may come from any engine, and dynamics are velocities.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..score.notes import Score
from .timbres import Engine, Timbre

TIMBRES = 3
# Steps of velocity from soft to loud, added to the score's own: a soundfont is not only louder above, but brighter.
DYNAMICS = (-25, 0, 25)
SHIFTS_S = (0.0, 0.1, 0.2)


class Rendition(NamedTuple):
    """How one source is played: its timbre, dynamics and shift, as indices into the lists of three."""

    timbre: int
    dynamics: int
    shift: int


ALL = tuple(
    Rendition(*indices) for indices in itertools.product(range(TIMBRES), range(len(DYNAMICS)), range(len(SHIFTS_S)))
)


@dataclasses.dataclass(frozen=True)
class Played:
    """A score played with every timbre and dynamics.

    Attributes
    ----------
    score : Score
    sample_rate_hz : int
    stems : dict of source -> float32 (timbres, dynamics, samples)
        Not yet shifted; all of one length.
    timbres : dict of source -> names of its timbres
    """

    score: Score
    sample_rate_hz: int
    stems: Mapping[str, np.ndarray]
    timbres: Mapping[str, tuple[str, ...]]


def play(
    score: Score,
    engine: Engine,
    timbres: Mapping[str, Sequence[Timbre]],
    *,
    sample_rate_hz: int,
    seed: int,
    tail_s: float = 0.5,
) -> Played:
    """Play a score nine times.

    Parameters
    ----------
    score : Score
    engine : Engine
        From `mss_lab.datasets.engines`.
    timbres : dict of source -> three Timbres
    sample_rate_hz : int
    seed : int >= 0
        Draws what differs from one performance to the next.
    tail_s : float >= 0, seconds
        Audio after the last offset, before the shifts.

    Raises
    ------
    ValueError
        If a source has not three timbres, or the engine refuses one.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    seed = checks.check_number("seed", seed, at_least=0, whole=True)
    for source in score.sources:
        if len(timbres.get(source, ())) != TIMBRES:
            raise RefusedValue(
                f"timbres must hold {TIMBRES} for every source, got {len(timbres.get(source, ()))} for {source!r}; "
                "draw them with the engine's draw_timbre"
            )
    takes = {}
    for timbre, dynamics in itertools.product(range(TIMBRES), range(len(DYNAMICS))):
        takes[timbre, dynamics] = engine.play(
            _louder(score, DYNAMICS[dynamics]),
            sample_rate_hz=sample_rate_hz,
            rng=np.random.default_rng([seed, timbre, dynamics]),
            timbres={source: timbres[source][timbre] for source in score.sources},
            tail_s=tail_s,
        )
    stems = {
        source: np.stack(
            [np.stack([takes[t, d][source][0] for d in range(len(DYNAMICS))]) for t in range(TIMBRES)], dtype=np.float32
        )
        for source in score.sources
    }
    return Played(score, sample_rate_hz, stems, {s: tuple(t.name for t in timbres[s]) for s in score.sources})


def draw(sources: Sequence[str], count: int, *, rng: np.random.Generator) -> tuple[dict[str, Rendition], ...]:
    """Draw different combinations of renditions, one rendition for each source.

    Parameters
    ----------
    sources : names
    count : int >= 1
        The paper draws 400 of the 531,441 of four sources.
    rng : np.random.Generator

    Returns
    -------
    tuple of dict of source -> Rendition
        No two alike.

    Raises
    ------
    ValueError
        If there are not so many.

    Lesson: notebooks/15_data_is_the_model.ipynb

    Examples
    --------
    >>> drawn = draw(["flute", "oboe"], 400, rng=np.random.default_rng(0))
    >>> len(drawn), len({tuple(combination.values()) for combination in drawn})
    (400, 400)
    """
    checks.check_generator("rng", rng)
    there_are = len(ALL) ** len(sources)
    count = checks.check_number(
        "count", count, at_least=1, at_most=there_are, whole=True, hint=f"{len(sources)} source(s) combine no further"
    )
    # Digits to the base 27 of numbers drawn without repeats; ten sources make a number too long for one draw.
    drawn: dict[tuple[int, ...], None] = {}
    if there_are <= 4 * count:
        for number in rng.permutation(there_are)[:count]:
            drawn[tuple(int(number) // len(ALL) ** digit % len(ALL) for digit in range(len(sources)))] = None
    while len(drawn) < count:
        drawn[tuple(rng.integers(len(ALL), size=len(sources)).tolist())] = None
    return tuple({source: ALL[index] for source, index in zip(sources, indices, strict=True)} for indices in drawn)


def combine(played: Played, renditions: Mapping[str, Rendition]) -> tuple[np.ndarray, Score]:
    """One combination: its stems, and the score with every source's notes where they now sound.

    Parameters
    ----------
    played : Played
    renditions : dict of source -> Rendition
        One for each source.

    Returns
    -------
    audio : float32 (sources, samples)
        In the order of the score's sources; as long as the stems and the longest shift, whatever was drawn.
    score : Score

    Raises
    ------
    ValueError
        If a source has no rendition.

    Lesson: notebooks/15_data_is_the_model.ipynb

    Examples
    --------
    >>> from mss_lab.score.notes import Note
    >>> score = Score((Note("flute", 69, 0.0, 0.4),))
    >>> played = Played(score, 10, {"flute": np.ones((3, 3, 4), np.float32)}, {"flute": ("a", "b", "c")})
    >>> audio, moved = combine(played, {"flute": Rendition(timbre=0, dynamics=1, shift=2)})
    >>> audio, moved.notes[0].onset_s
    (array([[0., 0., 1., 1., 1., 1.]], dtype=float32), 0.2)
    """
    missing = [source for source in played.score.sources if source not in renditions]
    if missing:
        raise RefusedValue(f"renditions must name every source, nothing came for {', '.join(missing)}; draw them again")
    longest = math.ceil(max(SHIFTS_S) * played.sample_rate_hz)
    samples = next(iter(played.stems.values())).shape[-1]
    audio = np.zeros((len(played.stems), samples + longest), np.float32)
    moved_s = {}
    for row, source in zip(audio, played.score.sources, strict=True):
        timbre, dynamics, shift = renditions[source]
        late = round(SHIFTS_S[shift] * played.sample_rate_hz)
        row[late : late + samples] = played.stems[source][timbre, dynamics]
        # By whole samples, so that notes and sound move by the same.
        moved_s[source] = late / played.sample_rate_hz
    notes = (
        dataclasses.replace(
            note, onset_s=note.onset_s + moved_s[note.source], offset_s=note.offset_s + moved_s[note.source]
        )
        for note in played.score.notes
    )
    return audio, Score(tuple(notes), played.score.sources, played.score.unpitched)


def _louder(score: Score, steps: int) -> Score:
    notes = (dataclasses.replace(note, velocity=min(127, max(1, note.velocity + steps))) for note in score.notes)
    return dataclasses.replace(score, notes=tuple(notes))
