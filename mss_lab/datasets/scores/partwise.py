"""MusicXML as it is written: the notes of each part in beats, read in a few milliseconds.

`mss_lab.score.musicxml` plays a score, with repeats, tempi and grace notes, for which it asks music21 and takes
seconds. To draw excerpts from hundreds of works, what is on the page will do.

Contents: read_parts. Source: W3C, MusicXML 4.0 (score-partwise).
"""

import itertools
import os
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

from ...refusals import RefusedValue
from .notation import Written

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def read_parts(path: str | os.PathLike) -> list[tuple[str, tuple[Written, ...]]]:
    """The parts of a MusicXML file, in the order of the page.

    Ties are joined, and hold if a fermata stands over any of their notes. Pitches are as they sound. Grace notes, cue
    notes and notes without a pitch are left out; repeats are not played.

    Parameters
    ----------
    path : path
        A .musicxml, .xml or compressed .mxl file.

    Returns
    -------
    list of (name, notes)
        The part's name as printed, and its notes in order of time, in beats of a quarter.

    Raises
    ------
    ValueError
        If the file cannot be read as MusicXML by parts.
    """
    path = Path(path)
    try:
        root = ElementTree.fromstring(_text(path))
        names = {part.get("id"): (part.findtext("part-name") or "").strip() for part in root.iter("score-part")}
        parts = root.findall("part")
        starts = _starts(parts)
        found = [(names[part.get("id")], tuple(sorted(_notes(part, starts), key=_place))) for part in parts]
    except (
        zipfile.BadZipFile,
        ElementTree.ParseError,
        StopIteration,
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise RefusedValue(
            f"{path} could not be read as MusicXML ({type(error).__name__}: {error}); export the score again by parts"
        ) from error
    if not found:
        raise RefusedValue(f"{path} holds no part; export the score again, by parts (score-partwise)")
    return found


def _text(path: Path) -> bytes:
    if path.suffix.lower() != ".mxl":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        inside = (name for name in archive.namelist() if not name.startswith("META-INF"))
        return archive.read(next(name for name in inside if name.endswith((".xml", ".musicxml"))))


def _place(note: Written) -> tuple[Fraction, int]:
    return note.beat, note.midi


def _starts(parts: list[ElementTree.Element]) -> list[Fraction]:
    """The beat on which each bar starts: a bar is as long as in the part that fills it most."""
    lengths = [[beats for _, _, beats in _bars(part)] for part in parts]
    longest = map(max, itertools.zip_longest(*lengths, fillvalue=Fraction(0)))
    return list(itertools.accumulate(longest, initial=Fraction(0)))


Event = tuple[ElementTree.Element, Fraction, Fraction]


def _bars(part: ElementTree.Element) -> Iterator[tuple[list[Event], int, Fraction]]:
    """Every bar: its notes with place and length in beats, by how much the part sounds higher, the bar's length."""
    divisions, higher = Fraction(1), 0
    for bar in part.findall("measure"):
        now = before = longest = Fraction(0)
        events: list[Event] = []
        for element in bar:
            beats = Fraction(element.findtext("duration") or 0) / divisions
            if element.tag == "attributes":
                divisions = Fraction(element.findtext("divisions") or divisions)
                if (transpose := element.find("transpose")) is not None:
                    octaves = int(transpose.findtext("octave-change") or 0)
                    higher = int(transpose.findtext("chromatic") or 0) + 12 * octaves
            elif element.tag == "backup":
                now -= beats
            elif element.tag == "forward":
                now += beats
            elif element.tag == "note" and beats:
                # The others of a chord start with its first note.
                start = before if element.find("chord") is not None else now
                if element.find("cue") is None and element.find("pitch") is not None:
                    events.append((element, start, beats))
                before, now = start, start + beats
            longest = max(longest, now)
        yield events, higher, longest


def _notes(part: ElementTree.Element, starts: list[Fraction]) -> list[Written]:
    notes: list[Written] = []
    last: dict[int, int] = {}
    for (events, higher, _), start in zip(_bars(part), starts, strict=False):
        for element, place, beats in events:
            pitch = element.find("pitch")
            assert pitch is not None
            step, octave = STEPS[pitch.findtext("step", "")], int(pitch.findtext("octave", ""))
            midi = 12 * (octave + 1) + step + round(float(pitch.findtext("alter") or 0)) + higher
            note = Written(midi, start + place, beats, element.find("notations/fermata") is not None)
            tied = last.get(midi) if any(tie.get("type") == "stop" for tie in element.findall("tie")) else None
            if tied is not None and notes[tied].beat + notes[tied].beats == note.beat:
                longer = notes[tied].beats + beats
                notes[tied] = notes[tied]._replace(beats=longer, hold=notes[tied].hold or note.hold)
            else:
                last[midi] = len(notes)
                notes.append(note)
    return notes
