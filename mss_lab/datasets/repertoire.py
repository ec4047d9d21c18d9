"""The music for training: chorales and chamber music of music21's corpus, and any MIDI files.

A work is written music: for each of its voices the notes with pitch, start and length in beats. It becomes a Score, in
seconds, when it is performed: at a tempo, in a key, by players who are never quite together, all of it drawn anew for
each performance.

The corpus is read where music21 is installed, and stays there: some of its encodings may not be passed on.

Contents: Work; read_chorales, read_corpus, read_midi_folder, work_of; families, held_out; perform, excerpt.
Lesson: notebooks/15_data_is_the_model.ipynb
"""

import dataclasses
import importlib.util
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks
from ..refusals import MissingExtra, RefusedValue
from ..score import misalign
from ..score.files import read_score
from ..score.instruments import numbered
from ..score.notes import Note, Score
from . import performance
from .scores.notation import Written
from .scores.partwise import read_parts

VOICES = ("soprano", "alto", "tenor", "bass")

# Of the files read, the compressed ones last: where a work stands there twice, they are the newer.
ENDINGS = (".xml", ".mxl")

# Files of the corpus by what they are, without those that hold another version of one.
COLLECTIONS = {
    "quartets": ("haydn/opus*/*.mxl", "mozart/k1*/*.mxl", "mozart/k458/*.mxl", "mozart/k80/*.mxl",
                 "beethoven/opus18no1/*.mxl", "beethoven/opus18no[345].mxl", "beethoven/opus59no*/*.mxl",
                 "beethoven/opus74.mxl", "beethoven/opus13[23].mxl", "schumann_robert/opus41no1/*.mxl"),
    "madrigals": ("monteverdi/madrigal.*[0-9].mxl",),
}  # fmt: skip

# Never trained on, for recordings of them are the judge: the ten chorales of Bach10 (Duan and Pardo 2011), by their
# titles, and every other setting that the corpus has under the same title; and the two chorales of the lessons.
# `held_out` adds the settings of the same tune under other titles, and the same chorale under another number.
HELD_OUT = {
    "bwv255": "Ach Gott und Herr", "bwv48.3": "Ach Gott und Herr",
    "bwv256": "Ach lieben Christen, seid getrost", "bwv114.7": "Ach lieben Christen, seid getrost",
    "bwv274": "Christe, der du bist Tag und Licht",
    "bwv275": "Christe, du Beistand deiner Kreuzgemeine",
    "bwv296": "Die Nacht ist kommen",
    "bwv297": "Die Sonn hat sich mit ihrem Glanz gewendet",
    "bwv326": "Herr Gott, dich loben alle wir", "bwv328": "Herr Gott, dich loben wir",
    "bwv130.6": "Herr Gott, dich loben alle wir", "bwv327": "Vor deinen Thron tret ich hiermit",
    "bwv365": "Jesus, meine Zuversicht", "bwv145-a": "Jesus, meine Zuversicht",
    "bwv385": "Nun bitten wir den heiligen Geist", "bwv169.7": "Nun bitten wir den heiligen Geist",
    "bwv197.5": "Nun bitten wir den heiligen Geist",
    "bwv26.6": "Ach wie flüchtig, ach wie nichtig", "bwv414": "Uns ist ein Kindlein heut geborn",
}  # fmt: skip

# Two voices that share half of their runs have the same melody. A run has seven notes, as intervals and rhythm: no run
# of that length is so common among the chorales that it connects unrelated ones.
RUN_INTERVALS = 6
TUNE_SHARE = 0.5


@dataclasses.dataclass(frozen=True)
class Work:
    """A piece of written music.

    Attributes
    ----------
    name : str
        The name by which splits know it.
    lines : dict of voice -> tuple of Written
        Notes in order of time, in beats of a quarter; a voice may play several at once.
    """

    name: str
    lines: Mapping[str, tuple[Written, ...]]

    @property
    def beats(self) -> Fraction:
        """End of the last note to end."""
        return max((note.beat + note.beats for line in self.lines.values() for note in line), default=Fraction(0))

    def score(self, quarters_per_minute: float = 60.0) -> Score:
        """The work as a machine would play it: with 60 quarters a minute, a second is a beat."""
        beat_s = 60 / checks.check_number("quarters_per_minute", quarters_per_minute, above=0)
        notes = (
            Note(voice, note.midi, float(note.beat) * beat_s, float(note.beat + note.beats) * beat_s)
            for voice, line in self.lines.items()
            for note in line
        )
        return Score(tuple(notes), tuple(self.lines))


def read_chorales(names: Iterable[str] | None = None) -> tuple[Work, ...]:
    """Bach's four-part chorales from music21's corpus, with the voices soprano, alto, tenor and bass.

    Ties are joined, grace notes left out, fermatas kept; repeats are not played. Instruments that double the voices
    are left out, and so are chorales with five voices or with chords in one. All take a few seconds.

    Parameters
    ----------
    names : names such as "bwv269", optional
        Which to read; all without it.

    Returns
    -------
    tuple of Work
        In alphabetical order.

    Raises
    ------
    MissingExtra
        If music21 is not installed.
    ValueError
        If a name is unknown, or is that of a work without four voices.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    folder = _corpus() / "bach"
    paths = {path.stem: path for ending in ENDINGS for path in sorted(folder.glob(f"bwv*{ending}"))}
    if names is None:
        chorales = (_chorale(name, path) for name, path in sorted(paths.items()))
        return tuple(work for work in chorales if work is not None)
    works: list[Work] = []
    for name in sorted(names):
        work = _chorale(name, paths[checks.check_choice("the chorale's name", name, paths)])
        if work is None:
            raise RefusedValue(f"{name} must have four voices of one note at a time each, got others; leave it out")
        works.append(work)
    return tuple(works)


def read_corpus(collection: str, names: Iterable[str] | None = None) -> tuple[Work, ...]:
    """Music for more than chorales, from music21's corpus: "quartets" for strings, or "madrigals" of five voices.

    Voices are named as the parts are; repeats are not played.

    Parameters
    ----------
    collection : str
        A key of COLLECTIONS.
    names : names such as "mozart/k80/movement2", optional
        Which to read; all without it.

    Raises
    ------
    MissingExtra
        If music21 is not installed.
    ValueError
        If there is no such collection, or it has no such work.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    patterns = COLLECTIONS[checks.check_choice("collection", collection, COLLECTIONS)]
    root = _corpus()
    paths = {
        path.relative_to(root).with_suffix("").as_posix(): path for pattern in patterns for path in root.glob(pattern)
    }
    requested = paths if names is None else [checks.check_choice("the work's name", name, paths) for name in names]
    return tuple(Work(name, _lines(read_parts(paths[name]))) for name in sorted(requested))


def read_midi_folder(folder: str | os.PathLike[str]) -> tuple[Work, ...]:
    """Every MIDI file in a folder and the folders in it; a work is named after its path, in forward slashes.

    Drums are left out, and files without any other note. A quarter is taken as half a second: what tempo a file had is
    drawn anew in performance, but its changes of tempo stay.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no such file in it.
    ValueError
        If a file cannot be read; the message names it.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    folder = Path(folder)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    if not paths:
        what = "holds no MIDI file" if folder.is_dir() else "does not exist"
        raise FileNotFoundError(f"folder {folder} {what}; give one with .mid files in it")
    works = (work_of(path.relative_to(folder).with_suffix("").as_posix(), read_score(path)) for path in paths)
    return tuple(work for work in works if work.lines)


def work_of(name: str, score: Score, quarters_per_minute: float = 120.0) -> Work:
    """A work of a score's pitched sources, in beats of the tempo given, to the nearest 48th."""
    lines: dict[str, tuple[Written, ...]] = {}
    for source in score.sources:
        if source in score.unpitched:
            continue
        line = []
        for note in score.notes_of(source):
            start, stop = (round(time_s * quarters_per_minute / 60 * 48) for time_s in (note.onset_s, note.offset_s))
            line.append(Written(round(note.midi), Fraction(start, 48), Fraction(max(1, stop - start), 48)))
        if line:
            lines[source] = tuple(line)
    return Work(name, lines)


def families(works: Iterable[Work]) -> dict[str, str]:
    """Which works belong together because they share a tune, in whatever key: name -> the family's first name.

    A chorale may be in a collection under two numbers, and Bach set some melodies ten times. A network trained on one
    member of a family has information about the others, so a family must not be split.

    Two works are one family if some voice of one, and some voice of the other, share half of their runs of seven
    notes (of the one with fewer), by intervals and rhythm; and so are those whom a third joins.

    Lesson: notebooks/15_data_is_the_model.ipynb

    Examples
    --------
    >>> scale = tuple(Written(60 + step, Fraction(step), Fraction(1)) for step in range(12))
    >>> higher = tuple(note._replace(midi=note.midi + 5) for note in scale)
    >>> falling = tuple(note._replace(midi=120 - note.midi) for note in scale)
    >>> families(Work(name, {"voice": line}) for name, line in (("a", scale), ("b", higher), ("c", falling)))
    {'a': 'a', 'b': 'a', 'c': 'c'}
    """
    works = sorted(works, key=lambda work: work.name)
    runs = [(index, _runs(line)) for index, work in enumerate(works) for line in work.lines.values()]
    first = list(range(len(works)))

    def root(index: int) -> int:
        while first[index] != index:
            index = first[index]
        return index

    for voice, other in _pairs_with_a_tune([runs_of_voice for _, runs_of_voice in runs]):
        here, there = sorted((root(runs[voice][0]), root(runs[other][0])))
        first[there] = here
    return {work.name: works[root(index)].name for index, work in enumerate(works)}


def held_out(family_of: Mapping[str, str]) -> frozenset[str]:
    """Every name of a judging piece's family: HELD_OUT, and what shares a tune with one of it."""
    kept = {family_of[name] for name in HELD_OUT if name in family_of}
    return frozenset(HELD_OUT) | {name for name, family in family_of.items() if family in kept}


def perform(
    work: Work,
    *,
    rng: np.random.Generator,
    voices: Mapping[str, str] | None = None,
    ranges: Mapping[str, tuple[int, int]] | None = None,
    beat_s: tuple[float, float] = (0.35, 1.1),
    semitones: int = 5,
) -> Score:
    """A performance, in which whatever players decide or fail at is drawn.

    Drawn once for all: the length of a quarter (evenly in its logarithm), the key, how long fermatas are held and how
    much the end slows down, how loud it is, how far apart the players are (5 to 25 ms) and how much the tempo sways
    (up to 8 %). Drawn for each player: how loud, and how short notes are let go.

    Parameters
    ----------
    work : Work
    rng : np.random.Generator
    voices : dict of voice -> source, optional
        Who plays which voice, in the order of the result; voices left out stay silent. Without it every voice is
        played under its own name.
    ranges : dict of source -> (lowest, highest) MIDI numbers, optional
        What the instruments reach: keys in which all do are preferred, and what is still beyond goes by octaves.
    beat_s : (low, high), seconds
    semitones : int >= 0
        How far the key may be from the written one.

    Returns
    -------
    Score
        Exact times of what is to be played, in seconds.

    Raises
    ------
    TypeError, ValueError
        If a voice is unknown, or a range holds no octave.

    Lesson: notebooks/15_data_is_the_model.ipynb. Reference: Miron et al. 2017 (tempo, dynamics, timing of renditions).

    Examples
    --------
    >>> work = Work("a", {"voice": (Written(60, Fraction(0), Fraction(1)),)})
    >>> players = {"voices": {"voice": "flute"}, "ranges": {"flute": (72, 84)}}
    >>> score = perform(work, rng=np.random.default_rng(0), **players, semitones=0)
    >>> [(note.source, note.midi) for note in score.notes]
    [('flute', 72)]
    """
    checks.check_generator("rng", rng)
    low, high = (checks.check_number("beat_s", value, above=0, unit="seconds") for value in beat_s)
    semitones = checks.check_number("semitones", semitones, at_least=0, whole=True)
    voices = {voice: voice for voice in work.lines} if voices is None else voices
    lines = {source: work.lines[checks.check_choice("a voice", voice, work.lines)] for voice, source in voices.items()}
    lines = _in_key(lines, dict(ranges or {}), semitones, rng)
    played = performance.perform(
        lines,
        60 / float(np.exp(rng.uniform(np.log(low), np.log(high)))),
        rng=rng,
        hold_beats=rng.uniform(0.2, 1.6),
        breath_s=rng.uniform(0.05, 0.4),
        slowing=rng.uniform(0.0, 0.5),
        velocity=round(rng.uniform(55, 100)),
        timing_spread_s=float(np.exp(rng.uniform(np.log(0.005), np.log(0.025)))),
    )
    sway = rng.uniform(1.0, 1.08)
    played, _ = misalign.with_random_tempo(played, rng=rng, slowest=1 / sway, fastest=sway)
    return _as_players_do(played, rng)


def excerpt(score: Score, start_s: float, length_s: float, *, least_s: float = 0.05) -> Score:
    """The part of a score from a time on, for a length; notes are cut at both ends, and stubs left out.

    Parameters
    ----------
    score : Score
    start_s : float >= 0
    length_s : float > 0
    least_s : float >= 0
        What is left of a note must be this long, unless the whole note is shorter.
    """
    checks.check_number("start_s", start_s, at_least=0, unit="seconds")
    checks.check_number("length_s", length_s, above=0, unit="seconds")
    notes = []
    for note in score.notes:
        onset_s, offset_s = max(0.0, note.onset_s - start_s), min(length_s, note.offset_s - start_s)
        if offset_s - onset_s >= min(least_s, note.offset_s - note.onset_s) - 1e-9 and offset_s > onset_s:
            notes.append(dataclasses.replace(note, onset_s=onset_s, offset_s=offset_s))
    return Score(tuple(notes), score.sources, score.unpitched)


def _corpus() -> Path:
    # Looked for, not imported: that would take longer than all that is to be read.
    spec = importlib.util.find_spec("music21")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / "corpus" / "bach").is_dir():
            return Path(folder) / "corpus"
    raise MissingExtra(
        "the corpus of chorales and quartets comes with music21; install it with: pip install 'mss-lab[scores]', "
        "or use a folder of MIDI files"
    )


def _lines(parts: Iterable[tuple[str, tuple[Written, ...]]]) -> dict[str, tuple[Written, ...]]:
    """Parts that have notes, those with the same name distinguished by a number."""
    lines: dict[str, tuple[Written, ...]] = {}
    for number, (name, notes) in enumerate(parts, start=1):
        if notes:
            printable = "".join(letter for letter in name if letter.isprintable()).strip()
            lines[numbered(printable or f"part {number}", lines)] = notes
    return lines


def _chorale(name: str, path: Path) -> Work | None:
    """A chorale of four voices of one note at a time, or None if it has others."""
    parts = read_parts(path)
    lines: dict[str, tuple[Written, ...]] = {}
    for voice in VOICES:
        # The voice comes first in a part's name, doubling instruments behind it; "Soprano 2" is a fifth voice.
        lines_of_voice = [notes for part, notes in parts if re.match(rf"{voice}\b(?! \d)", part.lower())]
        if len(lines_of_voice) != 1 or not lines_of_voice[0]:
            return None
        if any(this.beat + this.beats > following.beat for this, following in itertools.pairwise(lines_of_voice[0])):
            return None
        lines[voice] = lines_of_voice[0]
    return Work(name, lines)


def _runs(line: Sequence[Written]) -> frozenset[tuple[Any, ...]]:
    steps = [(after.midi - note.midi, after.beat - note.beat) for note, after in itertools.pairwise(line)]
    return frozenset(tuple(steps[i : i + RUN_INTERVALS]) for i in range(len(steps) - RUN_INTERVALS + 1))


def _pairs_with_a_tune(voices: Sequence[frozenset[tuple[Any, ...]]]) -> Iterator[tuple[int, int]]:
    having: dict[tuple[Any, ...], list[int]] = {}
    shared: dict[tuple[int, int], int] = {}
    for index, runs in enumerate(voices):
        for run in runs:
            for other in having.setdefault(run, []):
                shared[other, index] = shared.get((other, index), 0) + 1
            having[run].append(index)
    for (voice, other), count in shared.items():
        if count >= TUNE_SHARE * min(len(voices[voice]), len(voices[other])):
            yield voice, other


def _in_key(
    lines: Mapping[str, Sequence[Written]],
    ranges: Mapping[str, tuple[int, int]],
    semitones: int,
    rng: np.random.Generator,
) -> dict[str, tuple[Written, ...]]:
    """The lines in a key drawn among those that the instruments reach best, with octaves corrected if necessary."""
    limits = {source: ranges.get(source, (0, 127)) for source in lines}
    for source, (lowest, highest) in limits.items():
        if highest - lowest < 11:
            raise RefusedValue(f"ranges[{source!r}] must hold an octave, got {lowest} to {highest}; widen it")

    def beyond(shift: int) -> int:
        return sum(
            not limits[source][0] <= note.midi + shift <= limits[source][1]
            for source, line in lines.items()
            for note in line
        )

    keys = range(-semitones, semitones + 1)
    misses = {key: beyond(key) for key in keys}
    key = int(rng.choice([key for key in keys if misses[key] == min(misses.values())]))
    moved = {}
    for source, line in lines.items():
        lowest, highest = limits[source]
        moved[source] = tuple(note._replace(midi=_within(note.midi + key, lowest, highest)) for note in line)
    return moved


def _within(midi: int, lowest: int, highest: int) -> int:
    """The pitch, or its octave nearest to it between two bounds an octave apart at least."""
    if midi < lowest:
        return midi + 12 * -(-(lowest - midi) // 12)
    return midi - 12 * -(-(midi - highest) // 12) if midi > highest else midi


def _as_players_do(score: Score, rng: np.random.Generator) -> Score:
    """Every player a little louder or softer than the others, some of them with notes let go early."""
    louder = {source: round(rng.uniform(-12, 12)) for source in score.sources}
    held = {source: rng.uniform(0.5, 0.95) if rng.random() < 0.35 else 1.0 for source in score.sources}
    notes = (
        dataclasses.replace(
            note,
            offset_s=note.onset_s + held[note.source] * (note.offset_s - note.onset_s),
            velocity=int(np.clip(note.velocity + louder[note.source], 20, 127)),
        )
        for note in score.notes
    )
    return dataclasses.replace(score, notes=tuple(notes))
