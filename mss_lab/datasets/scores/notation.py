"""A small text notation for music: one line of text per voice, bar lines, note names and lengths.

A token is a pitch and a length: ``F#4q``. Pitches are scientific names (C4 is middle C) with # or b; ``R`` is a rest.
Lengths are letters: w whole, h half, q quarter, e eighth, s sixteenth; a dot adds half (``A4h.``). ``~`` ties a note
to the next, ``^`` is a fermata, at which all voices wait. ``|`` ends a bar, at the same beat in every voice.

    read_voices({"violin": "B4q | B4e C5e D5q", "bassoon": "G2q | G3q F#3q"})

Time is counted in beats of one quarter, as exact fractions. Contents: Written, read_voices.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from ...refusals import RefusedValue

_TOKEN = re.compile(r"(?P<pitch>R|[A-G][#b]?-?\d)(?P<length>[whqes])(?P<dot>\.?)(?P<tie>~?)(?P<hold>\^?)")
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_BEATS = {"w": Fraction(4), "h": Fraction(2), "q": Fraction(1), "e": Fraction(1, 2), "s": Fraction(1, 4)}


class Written(NamedTuple):
    """One written note: MIDI pitch, start and length in beats, and whether it has a fermata."""

    midi: int
    beat: Fraction
    beats: Fraction
    hold: bool = False


def read_voices(voices: Mapping[str, str]) -> dict[str, tuple[Written, ...]]:
    """Read the lines of several voices that sound together.

    Parameters
    ----------
    voices : dict of voice name -> text
        Line breaks inside a text are spaces.

    Returns
    -------
    dict of voice name -> tuple of Written, in order of time

    Raises
    ------
    ValueError
        If a token is not in the notation, a tie has no second note, or bars of two voices differ in length.

    Examples
    --------
    >>> read_voices({"violin": "A4q Rq B4h"})["violin"][1]
    Written(midi=71, beat=Fraction(2, 1), beats=Fraction(2, 1), hold=False)
    """
    lines, bars = {}, {}
    for voice, text in voices.items():
        lines[voice], bars[voice] = _read_line(voice, text)
    for voice, ends in bars.items():
        first = next(iter(bars))
        for number, (end, expected) in enumerate(zip(ends, bars[first], strict=False), start=1):
            if end != expected:
                raise RefusedValue(
                    f"bar {number} of {voice} ends on beat {end}, but that of {first} on beat {expected}; "
                    "correct the lengths in one of them"
                )
        if len(ends) != len(bars[first]):
            raise RefusedValue(
                f"{voice} has {len(ends)} bars, but {first} has {len(bars[first])}; write the missing bars"
            )
    return lines


def _read_line(voice: str, text: str) -> tuple[tuple[Written, ...], list[Fraction]]:
    notes: list[Written] = []
    ends: list[Fraction] = []
    beat, tied = Fraction(0), False
    for token in text.split():
        if token == "|":
            ends.append(beat)
            continue
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise RefusedValue(f"{token!r} in {voice} is not a note; write a pitch and a length, such as F#4q or Rh.")
        beats = _BEATS[match["length"]] * (Fraction(3, 2) if match["dot"] else 1)
        if match["pitch"] != "R":
            midi = _midi(match["pitch"])
            if tied:
                if notes[-1].midi != midi:
                    raise RefusedValue(
                        f"{token!r} in {voice} cannot continue the tie before it; tie equal pitches only"
                    )
                notes[-1] = notes[-1]._replace(beats=notes[-1].beats + beats, hold=bool(match["hold"]))
            else:
                notes.append(Written(midi, beat, beats, bool(match["hold"])))
        elif tied:
            raise RefusedValue(f"a tie in {voice} leads into the rest {token!r}; tie equal pitches only")
        tied = bool(match["tie"])
        beat += beats
    if tied:
        raise RefusedValue(f"the last tie in {voice} has no second note; remove it, or write the note")
    ends.append(beat)
    return tuple(notes), ends


def _midi(pitch: str) -> int:
    name, octave = re.fullmatch(r"([A-G][#b]?)(-?\d)", pitch).groups()  # type: ignore[union-attr]
    return 12 * (int(octave) + 1) + _STEPS[name[0]] + {"#": 1, "b": -1}.get(name[1:], 0)
