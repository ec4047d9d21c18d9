"""MusicXML as it is written, not as it is played: the notes of each part in beats.

`mss_lab.score.musicxml.read_musicxml` plays a score, with its repeats, tempi and grace notes. For excerpts from
hundreds of works, the written notes are enough.

Contents: read_parts. Reference: W3C, MusicXML 4.0.
"""

import itertools
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from ... import units
from ...score.musicxml import Part, measure_lengths, read_page
from ...score.ties import joined
from .notation import Written


def read_parts(path: str | os.PathLike[str]) -> list[tuple[str, tuple[Written, ...]]]:
    """The parts of a MusicXML file, in the order of the page.

    Ties are joined, and a joined note has a fermata if any of its notes has one. Pitches are sounding pitches, to the
    nearest semitone. Grace notes, cue notes and notes without a pitch are left out; repeats are not played.

    Parameters
    ----------
    path : path
        A .musicxml, .xml or compressed .mxl file.

    Returns
    -------
    list of (name, notes)
        The name of the part in the file, and its notes in order of time, in beats of a quarter.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RefusedValue
        If the file cannot be read as MusicXML, or has no parts.
    """
    parts, _ = read_page(Path(path))
    starts = list(itertools.accumulate(measure_lengths(parts), initial=Fraction(0)))
    return [(part.name, _notes(part, starts)) for part in parts]


def _notes(part: Part, starts: Sequence[Fraction]) -> tuple[Written, ...]:
    notes = [
        note._replace(start=start + note.start, stop=start + note.stop)
        for measure, start in zip(part.measures, starts, strict=False)
        for note in measure.notes
        if note.is_pitched and not note.is_grace
    ]
    written = []
    for chain in joined(notes):
        start, stop = notes[chain[0]].start, max(notes[index].stop for index in chain)
        holds = any(notes[index].has_fermata for index in chain)
        written.append(Written(units.nearest_pitch(notes[chain[0]].midi), start, stop - start, holds))
    return tuple(sorted(written, key=lambda note: (note.beat, note.midi)))
