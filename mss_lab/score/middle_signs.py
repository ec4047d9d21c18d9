"""Repeat signs inside a measure: all parts are cut there, so that repeats begin and end between measures.

Contents: cut. Reference: W3C, MusicXML 4.0 (barline, location).
"""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

from .musicxml_part import Measure
from .playing_order import Signs
from .ties import WrittenNote


def cut(parts: Sequence[tuple[list[Measure], list[Signs]]]) -> list[tuple[list[Measure], list[Signs]]]:
    """All parts, with every measure cut at the repeat signs inside it in any part.

    Parameters
    ----------
    parts : sequence of (measures, signs)
        As returned by `mss_lab.score.musicxml_part.read_measures`.

    Returns
    -------
    list of (measures, signs)
        All pieces of a cut measure keep its number. Notes across the cut become two tied notes. Signs before the
        measure stay before its first piece, and signs after it stay after the last.
    """
    signs_at: dict[int, dict[Fraction, int]] = {}
    for measures, _ in parts:
        for index, measure in enumerate(measures):
            for sign in measure.middle_signs:
                rounds_at = signs_at.setdefault(index, {})
                rounds_at[sign.start] = max(rounds_at.get(sign.start, 0), sign.rounds)
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
        for position, rounds in sorted(signs_at.get(index, {}).items()):
            before, measure = _halves(measure, position - done)
            first, sign = _shared_out(sign, rounds)
            new_measures.append(before)
            new_signs.append(first)
            done = position
        new_measures.append(measure)
        new_signs.append(sign)
    return new_measures, new_signs


def _halves(measure: Measure, position: Fraction) -> tuple[Measure, Measure]:
    """A measure up to a position in quarters, and the rest of it."""
    before: list[WrittenNote] = []
    after: list[WrittenNote] = []
    for note in measure.notes:
        if note.start >= position or (note.is_grace and note.stop == position):
            after.append(note._replace(start=note.start - position, stop=note.stop - position))
        elif note.stop <= position:
            before.append(note)
        else:
            before.append(note._replace(stop=position, tie_starts=True))
            after.append(note._replace(start=Fraction(0), stop=note.stop - position, tie_stops=True))
    allowed = None if measure.allowed is None else max(Fraction(0), measure.allowed - position)
    return (
        dataclasses.replace(
            measure, notes=tuple(before), filled=min(measure.filled, position), allowed=None, middle_signs=(),
            tempos=tuple(tempo for tempo in measure.tempos if tempo.start < position),
        ),
        dataclasses.replace(
            measure, notes=tuple(after), filled=max(Fraction(0), measure.filled - position), allowed=allowed,
            middle_signs=(),
            tempos=tuple(t._replace(start=t.start - position) for t in measure.tempos if t.start >= position),
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
