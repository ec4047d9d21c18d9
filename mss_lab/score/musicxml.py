"""Scores as notation programs write them: MusicXML, plain or compressed, played as a machine would.

Notation says how long a note is in quarters, and how many quarters go into a minute; here they become seconds. Read by
music21, which is not part of the base installation.

Contents: read_musicxml. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import copy
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ..refusals import RefusedValue, require
from .instruments import numbered
from .notes import Note, Score

ENDINGS = (".musicxml", ".mxl", ".xml")
QUARTERS_PER_MINUTE = 120.0

# A grace note's length in quarters: short, and never longer than a slow piece's shortest written note.
GRACE_QUARTERS = 0.125

# Printed noteheads for what has no pitch stand somewhere on the staff; without a place there, on its middle line.
UNPITCHED_MIDI = 71

# Marks a bar with its number, so that it is known again where it is repeated.
BAR = "mss_lab bar "


def read_musicxml(path: str | os.PathLike) -> Score:
    """Read a MusicXML file: one source for each part, in the order of the page.

    Pitches are as they sound, also those of transposing instruments. Repeats and endings are played, ties joined,
    tempo marks obeyed by all parts (120 quarters a minute until the first). A grace note sounds just before the note
    that it decorates, or with it at the very start. The two staves of a piano are one source. Parts of one name are
    told apart by a number ("Violin", "Violin 2"); those without a pitch are unpitched, with drums numbered by where
    they are printed. Dynamics, ornaments and fermatas are not played.

    Parameters
    ----------
    path : path
        A .musicxml, .xml or compressed .mxl file.

    Returns
    -------
    Score
        Times in seconds from the first bar's start.

    Raises
    ------
    MissingExtra
        If music21 is not installed; it comes with `pip install 'mss-lab[scores]'`.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no MusicXML, holds no note, or repeats in a way that cannot be played.

    Source: W3C, MusicXML 4.0.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"score {path} {what}; give the path of a MusicXML file")
    music21 = _music21()
    written = _parsed(music21, path)
    if not any(written.recurse().notes):
        raise RefusedValue(f"{path} holds no notes; export the score again with its notes, or choose another file")
    parts = list(written.toSoundingPitch().parts)
    played = _played(music21, path, parts)
    seconds = _clock(music21.stream.Score(played))
    notes: list[Note] = []
    sources: list[str] = []
    unpitched = set()
    for name, staves in _players(music21, parts, played):
        source = numbered(name, sources)
        heard = [note for staff in staves for note in _heard(music21, staff)]
        if not heard:
            continue
        sources.append(source)
        if not all(pitched for *_, pitched in heard):
            unpitched.add(source)
        notes += [Note(source, midi, seconds(start), seconds(stop)) for midi, start, stop, _ in heard]
    return Score(tuple(notes), tuple(sources), frozenset(unpitched))


def _music21() -> ModuleType:
    return require("music21", "reading MusicXML", otherwise="export the score as MIDI")


def _parsed(music21: ModuleType, path: Path) -> Any:
    try:
        # Without forceSource an older reading of the file may come from music21's own store.
        written = music21.converter.parse(path, format="musicxml", forceSource=True)
    except Exception as error:
        # The parser raises whatever it stumbles over.
        raise RefusedValue(
            f"{path} could not be read as MusicXML ({str(error) or type(error).__name__}); "
            "export the score again as MusicXML or MIDI"
        ) from error
    if not isinstance(written, music21.stream.Score):
        raise RefusedValue(f"{path} must hold one score, got {type(written).__name__}; save each piece as its own file")
    return written


def _players(music21: ModuleType, parts: list[Any], played: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Names, and what each plays: a keyboard player reads several staves, which the file holds as one part."""
    players: dict[str, list[int]] = {}
    for number, part in enumerate(parts):
        split = isinstance(part, music21.stream.PartStaff) and "-Staff" in str(part.id)
        players.setdefault(str(part.id).rpartition("-Staff")[0] if split else f"part {number}", []).append(number)
    for number, staves in enumerate(players.values(), start=1):
        name = "".join(letter for letter in str(parts[staves[0]].partName or "") if letter.isprintable()).strip()
        yield name or f"part {number}", [played[staff] for staff in staves]


def _played(music21: ModuleType, path: Path, parts: list[Any]) -> list[Any]:
    """Every part as a stream of bars in the order in which they are played, repeats written out."""
    bars = [list(part.getElementsByClass(music21.stream.Measure)) for part in parts]
    count = max(map(len, bars))
    # A bar starts for all where it starts in the part that is furthest: a staff may leave rests unwritten.
    starts = [max(float(of_part[i].offset) for of_part in bars if i < len(of_part)) for i in range(count)]
    last = max(float(of_part[-1].highestTime) for of_part in bars if len(of_part) == count)
    lengths = [after - before for before, after in zip(starts, [*starts[1:], starts[-1] + last], strict=True)]
    found = [music21.stream.Part() for _ in parts]
    now = 0.0
    for i in _order(music21, path, parts, bars, count):
        for stream, of_part in zip(found, bars, strict=True):
            if i < len(of_part):
                stream.insert(now, copy.deepcopy(of_part[i]))
        now += lengths[i]
    return found


def _order(music21: ModuleType, path: Path, parts: list[Any], bars: list[list[Any]], count: int) -> Iterable[int]:
    """Which bar is played after which, by the first part that says so: repeats hold for all."""
    for part, of_part in zip(parts, bars, strict=True):
        expander = music21.repeat.Expander(part)
        # None where a part says nothing of repeats; whether they fit together shows when they are played.
        if expander.isExpandable() is None:
            continue
        for index, bar in enumerate(of_part):
            bar.groups.append(f"{BAR}{index}")
        try:
            expanded = expander.process()
        except music21.exceptions21.Music21Exception as error:
            raise RefusedValue(
                f"the repeats of {path} could not be played ({error}); write them out in the notation program"
            ) from error
        # The expander copies bars, and their groups with them.
        names = [name for bar in expanded.getElementsByClass(music21.stream.Measure) for name in bar.groups]
        return [int(name.removeprefix(BAR)) for name in names if name.startswith(BAR)]
    return range(count)


def _clock(score: Any) -> Any:
    """A function from quarters since the start to seconds, by every tempo mark of the score."""
    marks: dict[float, float] = {0.0: QUARTERS_PER_MINUTE}
    for start, _, mark in score.flatten().metronomeMarkBoundaries():
        quarters_per_minute = mark.getQuarterBPM()
        if quarters_per_minute:
            marks[float(start)] = float(quarters_per_minute)
    starts = sorted(marks)

    def seconds(quarters: float) -> float:
        total = 0.0
        for start, stop in zip(starts, [*starts[1:], float("inf")], strict=True):
            if quarters <= start:
                break
            total += (min(quarters, stop) - start) * 60 / marks[start]
        return total

    return seconds


def _heard(music21: ModuleType, staff: Any) -> Iterator[tuple[int, float, float, bool]]:
    """Every note of a staff, ties joined: MIDI pitch, start and end in quarters, whether it has a pitch."""
    joined = staff.stripTies()
    graces: list[Any] = []
    for element in joined.flatten().notes:
        if isinstance(element, music21.harmony.Harmony):
            continue
        start, length = float(element.offset), float(element.duration.quarterLength)
        if element.duration.isGrace or length == 0:
            graces.append(element)
            continue
        yield from _graces(music21, graces)
        graces = []
        yield from _pitches(music21, element, start, start + length)
    yield from _graces(music21, graces)


def _graces(music21: ModuleType, graces: list[Any]) -> Iterator[tuple[int, float, float, bool]]:
    """Grace notes in a row, the last of them up to where they are written."""
    for before, grace in zip(range(len(graces), 0, -1), graces, strict=True):
        start = max(0.0, float(grace.offset) - GRACE_QUARTERS * before)
        yield from _pitches(music21, grace, start, start + GRACE_QUARTERS)


def _pitches(music21: ModuleType, element: Any, start: float, stop: float) -> Iterator[tuple[int, float, float, bool]]:
    members = element.notes if isinstance(element, music21.chord.ChordBase) else [element]
    for note in members:
        if isinstance(note, music21.note.Unpitched):
            place = note.displayPitch()
            yield (int(place.midi) if place else UNPITCHED_MIDI), start, stop, False
        else:
            yield int(note.pitch.midi), start, stop, True
