"""Scores in the format of notation programs: MusicXML, plain or compressed, played without interpretation.

Notation states the length of a note in quarters, and the number of quarters in a minute; here they become seconds.
`musicxml_file` opens a file, `musicxml_part` reads the content of each part, `playing_order` resolves the repeats, and
`ties` joins notes. This module puts the measures in sequence, with common times for all parts.

Contents: read_musicxml, read_musicxml_in_full. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import bisect
import itertools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

from ..refusals import RefusedValue
from . import middle_signs
from .instruments import is_drums, name_of, numbered, program_of, without_player
from .musicxml_file import not_musicxml, read_tree
from .musicxml_part import Measure, read_measures
from .musicxml_values import text_of
from .notes import Note, Score
from .playing_order import Played, Signs, merged, playing_order
from .reading import Reading, ScoreWarning
from .ties import WrittenNote, joined

ENDINGS = (".musicxml", ".mxl", ".xml")
QUARTERS_PER_MINUTE = Fraction(120)

# More notes than any score has; a small file could contain this many by repeats.
MOST_NOTES = 2_000_000

# Names that programs give to parts without a name.
_NO_NAMES = ("", "musicxml part")


class Part(NamedTuple):
    """One part of a file: its name, whether the file gives one, its measures and its signs."""

    name: str
    is_named: bool
    measures: list[Measure]
    signs: list[Signs]


def read_musicxml(path: str | os.PathLike[str]) -> Score:
    """Read a MusicXML file: one source for each part, in the order of the page.

    Like `read_musicxml_in_full`, whose warnings become ScoreWarnings.

    Parameters
    ----------
    path : path
        A .musicxml, .xml or compressed .mxl file.

    Returns
    -------
    Score
        Times in seconds from the first measure's start.

    Raises
    ------
    FileNotFoundError, RefusedValue
        As for `read_musicxml_in_full`.

    Reference: W3C, MusicXML 4.0.
    """
    reading = read_musicxml_in_full(path)
    for text in reading.warnings:
        warnings.warn(text, ScoreWarning, stacklevel=2)
    return reading.score


def read_musicxml_in_full(path: str | os.PathLike[str]) -> Reading:
    """Read a MusicXML file, with information about how it was read.

    Pitches are sounding pitches, also those of transposing instruments; quarter tones stay between two semitones.
    Repeats, endings and jumps are played according to `mss_lab.score.playing_order`, ties joined according to
    `mss_lab.score.ties`. Tempo marks apply to all parts, and to repeated measures until the next mark; a mark for
    playback (<sound>) has priority over a printed one at the same position. Before the first mark the tempo is 120
    quarters a minute.

    A grace note sounds just before the note that it decorates, or together with it at the very start. Cue notes are
    silent. The two staves of a piano are one source. Parts with the same name are distinguished by a number ("Violin",
    "Violin 2"); a part without a name is named after its abbreviation, its instrument, its MIDI program, or its
    position. Parts without a pitch are unpitched, with drums numbered by their printed position. Dynamics, ornaments
    and fermatas are not played.

    A repeat sign inside a measure applies at its position: the measure counts as two with the same number.

    A measure is as long as in the part that fills it most. If one part exceeds the time signature and another does not,
    only notes make the measure longer, not rests: two whole rests in a measure of 4/4 do not lengthen it, but five
    quarter notes do, so that all parts stay together. There is a warning in both cases.

    Parameters
    ----------
    path : path
        A .musicxml, .xml or compressed .mxl file.

    Returns
    -------
    Reading
        Times in seconds from the first measure's start.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RefusedValue
        If the file is not MusicXML, contains no note, is too large, or has repeats that cannot be played.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Reference: W3C, MusicXML 4.0.
    """
    path = Path(path)
    parts, texts = read_page(path)
    if not any(measure.notes for part in parts for measure in part.measures):
        raise RefusedValue(f"{path} holds no notes; export the score again with its notes, or choose another file")
    lengths = measure_lengths(parts)
    names = [measure.number for measure in max((part.measures for part in parts), key=len)]
    try:
        order, jump_warnings = playing_order(merged([part.signs for part in parts]), names)
    except RefusedValue as error:
        raise RefusedValue(
            f"the repeats of {path} could not be played ({error}); write them out in the notation program"
        ) from error
    starts = list(itertools.accumulate((lengths[played.measure] for played in order), initial=Fraction(0)))
    clock = _Clock(_tempo_changes(parts, order, starts))
    unplayed = [names[i] for i in sorted(set(range(len(names))) - {played.measure for played in order})]
    if unplayed:
        jump_warnings.append(f"Measures that the repeats never reach: {_listed(unplayed)}.")
    texts += jump_warnings + _of_long_measures(parts)
    score, unnamed = _score(path, parts, order, starts, clock.seconds, texts)
    measures = tuple(names[played.measure] for played in order)
    return Reading(score, clock.changes, measures, unnamed, tuple(texts))


def read_page(path: Path) -> tuple[list[Part], list[str]]:
    """The parts of a MusicXML file as they are written, and warnings.

    Raises
    ------
    FileNotFoundError, RefusedValue
        As for `read_musicxml_in_full`, except that a page without notes is no error here.
    """
    root = read_tree(path)
    listed = {part.get("id"): part for part in root.iter("score-part")}
    parts: list[Part] = []
    texts: list[str] = []
    for number, element in enumerate(root.findall("part"), start=1):
        header = listed.get(element.get("id"))
        if header is None:
            raise not_musicxml(path, f"part {element.get('id')!r} is not in the list of parts")
        name, is_named = _name(header)
        name = name or f"part {number}"
        try:
            measures, signs, part_warnings = read_measures(element)
        except ValueError as error:
            raise not_musicxml(path, error) from error
        parts.append(Part(name, is_named, measures, signs))
        texts += [f"{name}: {text}" for text in part_warnings]
    cut = middle_signs.cut([(part.measures, part.signs) for part in parts])
    parts = [part._replace(measures=m, signs=s) for part, (m, s) in zip(parts, cut, strict=True)]
    if not parts:
        raise RefusedValue(f"{path} contains no part; export the score again, by parts (score-partwise)")
    if len({len(part.measures) for part in parts}) > 1:
        counts = ", ".join(f"{part.name} has {len(part.measures)}" for part in parts)
        texts.append(f"The parts have different numbers of measures: {counts}.")
    return parts, texts


def measure_lengths(parts: Sequence[Part]) -> list[Fraction]:
    """The length of each measure in quarters, for all parts together; see `read_musicxml_in_full`."""
    lengths: list[Fraction] = []
    for measures in itertools.zip_longest(*(part.measures for part in parts)):
        written = [measure for measure in measures if measure is not None]
        filled = max(measure.filled for measure in written)
        if any(measure.allowed is not None and measure.filled <= measure.allowed for measure in written):
            # One part keeps to the time signature: rests beyond it are a mistake in the others.
            filled = max(min(measure.filled, measure.allowed or measure.filled) for measure in written)
        lengths.append(max(filled, *(measure.sounding for measure in written)))
    return lengths


def _of_long_measures(parts: Sequence[Part]) -> list[str]:
    texts = []
    for part in parts:
        for kind, wait in (("notes", "all parts wait for them"), ("rests", "the excess is left out")):
            numbers = [
                measure.number
                for measure in part.measures
                if measure.allowed is not None
                and max(measure.filled, measure.sounding) > measure.allowed
                and (measure.sounding > measure.allowed) == (kind == "notes")
            ]
            if numbers:
                texts.append(
                    f"{part.name}: more {kind} than the time signature allows, and {wait}, in "
                    f"{'measure' if len(numbers) == 1 else 'measures'} {_listed(numbers)}."
                )
    return texts


def _listed(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _name(header: Element) -> tuple[str, bool]:
    """The name of a part, and whether it is the file's own name for it; "" if the file contains no useful name."""
    shown = "".join(text.text or "" for text in header.findall("part-name-display/display-text"))
    for name in (header.findtext("part-name") or "", shown):
        if _printable(name).lower() not in _NO_NAMES:
            return _printable(name), True
    abbreviation = _printable(header.findtext("part-abbreviation") or "")
    if _is_instrument(abbreviation):
        return without_player(abbreviation), True
    for name in (header.findtext("score-instrument/instrument-name") or "", abbreviation):
        if _printable(name).lower() not in _NO_NAMES:
            return _printable(name), True
    if text_of(header, "midi-instrument/midi-channel") == "10":
        return "drums", False
    program = text_of(header, "midi-instrument/midi-program")
    if program.isascii() and program.isdecimal() and 1 <= int(program[:4]) <= 128:
        return name_of(int(program) - 1), False
    return "", False


def _is_instrument(name: str) -> bool:
    try:
        return bool(name) and (is_drums(name) or program_of(name) >= 0)
    except ValueError:
        return False


def _printable(name: str) -> str:
    """A name on one line."""
    return " ".join("".join(letter for letter in " ".join(name.split()) if letter.isprintable()).split())


class _Clock:
    """Converts quarters since the start to seconds, and stores the results: many notes start together."""

    def __init__(self, changes: Sequence[tuple[Fraction, Fraction]]) -> None:
        self.starts = [start for start, _ in changes]
        self.quarters_per_minute = [tempo for _, tempo in changes]
        self.starts_s = [Fraction(0)]
        for (start, tempo), (stop, _) in itertools.pairwise(changes):
            self.starts_s.append(self.starts_s[-1] + (stop - start) * 60 / tempo)
        self._computed: dict[Fraction, float] = {}

    @property
    def changes(self) -> tuple[tuple[float, float], ...]:
        """Every tempo with the time from which it applies."""
        return tuple((float(s), float(tempo)) for s, tempo in zip(self.starts_s, self.quarters_per_minute, strict=True))

    def seconds(self, quarters: Fraction) -> float:
        if quarters not in self._computed:
            index = bisect.bisect_right(self.starts, quarters) - 1
            since = (quarters - self.starts[index]) * 60 / self.quarters_per_minute[index]
            self._computed[quarters] = float(self.starts_s[index] + since)
        return self._computed[quarters]


def _tempo_changes(
    parts: Sequence[Part], order: Sequence[Played], starts: Sequence[Fraction]
) -> list[tuple[Fraction, Fraction]]:
    """Every change of tempo, in quarters since the start and quarters a minute, the first at 0."""
    marks = [
        (start + mark.start, turn, not mark.is_sound, mark)
        for turn, (played, start) in enumerate(zip(order, starts, strict=False))
        for part in parts
        if played.measure < len(part.measures)
        for mark in part.measures[played.measure].tempos
    ]
    # At one position of one measure, the first mark for playback decides, otherwise the first printed one.
    marks.sort(key=lambda mark: mark[:3])
    changes = [(Fraction(0), QUARTERS_PER_MINUTE)]
    for (start, _), together in itertools.groupby(marks, key=lambda mark: mark[:2]):
        _, _, _, mark = next(together)
        tempo = mark.quarters_per_minute * (changes[-1][1] if mark.is_ratio else 1)
        if start == changes[-1][0]:
            changes.pop()
        if not changes or tempo != changes[-1][1]:
            changes.append((start, tempo))
    return changes


def _score(
    path: Path,
    parts: Sequence[Part],
    order: Sequence[Played],
    starts: Sequence[Fraction],
    seconds: Callable[[Fraction], float],
    texts: list[str],
) -> tuple[Score, frozenset[str]]:
    """The notes of all parts in seconds; and the sources without a name in the file."""
    notes: list[Note] = []
    sources: list[str] = []
    unpitched, unnamed = set(), set()
    for part in parts:
        played = list(itertools.islice(_played(part, order, starts), MOST_NOTES + 1 - len(notes)))
        if len(played) + len(notes) > MOST_NOTES:
            raise RefusedValue(f"{path} would play more than {MOST_NOTES} notes; write its repeats out, or split it")
        in_range = [note for note in played if 0 <= note.midi <= 127]
        if len(in_range) < len(played):
            texts.append(
                f"{part.name}: {len(played) - len(in_range)} notes lie outside MIDI's pitches, and are left out."
            )
        if not in_range:
            continue
        source = numbered(part.name, sources)
        sources.append(source)
        if not part.is_named:
            unnamed.add(source)
        if not all(note.is_pitched for note in in_range):
            unpitched.add(source)
        for chain in joined(in_range):
            start, stop = in_range[chain[0]].start, max(in_range[index].stop for index in chain)
            notes.append(Note(source, in_range[chain[0]].midi, seconds(start), seconds(stop)))
    if not notes:
        raise RefusedValue(f"{path} holds no notes that are played; check its pitches and repeats")
    return Score(tuple(notes), tuple(sources), frozenset(unpitched)), frozenset(unnamed)


def _played(part: Part, order: Sequence[Played], starts: Sequence[Fraction]) -> Iterator[WrittenNote]:
    """The written notes of a part in the order in which they are played, ties not joined, times in quarters."""
    for (measure, round_), start in zip(order, starts, strict=False):
        if measure >= len(part.measures):
            continue
        for note in part.measures[measure].notes:
            if note.rounds and round_ not in note.rounds:
                continue
            # Grace notes of the very first note have no time before it.
            begins = max(Fraction(0), start + note.start)
            yield note._replace(start=begins, stop=begins + note.stop - note.start)
