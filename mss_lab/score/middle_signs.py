"""Repeat signs inside a measure: the measure is cut there, in all parts, so that repeats go from measure to measure.

Contents: cut. Source: W3C, MusicXML 4.0 (barline, location).
"""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

from .musicxml_part import Measure
from .playing_order import Signs
from .ties import WrittenNote


def cut(parts: Sequence[tuple[list[Measure], list[Signs]]]) -> list[tuple[list[Measure], list[Signs]]]:
    """All parts with every measure cut where any part has a repeat sign inside it.

    Parameters
    ----------
    parts : sequence of (measures, signs)
        As `mss_lab.score.musicxml_part.read_measures` gives them.

    Returns
    -------
    list of (measures, signs)
        A measure that is cut keeps its number in all of its pieces. Notes over the cut become two, tied. What is said
        before the measure stands before its first piece, and what is said behind it stands behind the last.
    """
    signs_at: dict[int, dict[Fraction, int]] = {}
    for measures, _ in parts:
        for index, measure in enumerate(measures):
            for sign in measure.middle_signs:
                found = signs_at.setdefault(index, {})
                found[sign.start] = max(found.get(sign.start, 0), sign.rounds)
    if not signs_at:
        return list(parts)
    return [_cut_part(measures, signs, signs_at) for measures, signs in parts]


def _cut_part(
    measures: Sequence[Measure], signs: Sequence[Signs], signs_at: dict[int, dict[Fraction, int]]
) -> tuple[list[Measure], list[Signs]]:
    new_measures: list[Measure] = []
    new_signs: list[Signs] = []
    for index, (measure, sign) in enumerate(zip(measures, signs, strict=True)):
        done = Fraction(0)
        for place, rounds in sorted(signs_at.get(index, {}).items()):
            before, measure = _halves(measure, place - done)
            first, sign = _shared_out(sign, rounds)
            new_measures.append(before)
            new_signs.append(first)
            done = place
        new_measures.append(measure)
        new_signs.append(sign)
    return new_measures, new_signs


def _halves(measure: Measure, place: Fraction) -> tuple[Measure, Measure]:
    """A measure up to `place` in quarters, and what is left of it."""
    before: list[WrittenNote] = []
    after: list[WrittenNote] = []
    for note in measure.notes:
        if note.start >= place or (note.is_grace and note.stop == place):
            after.append(note._replace(start=note.start - place, stop=note.stop - place))
        elif note.stop <= place:
            before.append(note)
        else:
            before.append(note._replace(stop=place, tie_starts=True))
            after.append(note._replace(start=Fraction(0), stop=note.stop - place, tie_stops=True))
    allowed = None if measure.allowed is None else max(Fraction(0), measure.allowed - place)
    return (
        dataclasses.replace(
            measure, notes=tuple(before), filled=min(measure.filled, place), allowed=None, middle_signs=(),
            tempos=tuple(tempo for tempo in measure.tempos if tempo.start < place),
        ),
        dataclasses.replace(
            measure, notes=tuple(after), filled=max(Fraction(0), measure.filled - place), allowed=allowed,
            middle_signs=(),
            tempos=tuple(t._replace(start=t.start - place) for t in measure.tempos if t.start >= place),
        ),
    )  # fmt: skip


def _shared_out(sign: Signs, rounds: int) -> tuple[Signs, Signs]:
    """The signs of a measure for two pieces of it, with a repeat sign between them, or a start sign for 0 rounds."""
    first = Signs(
        repeat_start=sign.repeat_start,
        repeat_rounds=rounds,
        ending=sign.ending,
        segnos=sign.segnos,
        codas=sign.codas,
        begins_trio=sign.begins_trio,
    )
    last = dataclasses.replace(
        sign, repeat_start=not rounds, ending=None, segnos=frozenset(), codas=frozenset(), begins_trio=False
    )
    return first, last
