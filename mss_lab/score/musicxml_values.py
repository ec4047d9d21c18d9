"""Single values of a MusicXML file: numbers, pitches, lengths of notes and measures, endings.

Contents: text_of, number_of, natural_pitch, printed_quarters, allowed_quarters, rounds_of, ending_numbers.
"""

import functools
import re
from fractions import Fraction
from xml.etree.ElementTree import Element

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

# Note heads, and the number of quarters of each.
UNITS = {"maxima": Fraction(32), "long": Fraction(16), "breve": Fraction(8), "whole": Fraction(4),
          "half": Fraction(2), "quarter": Fraction(1), "eighth": Fraction(1, 2), "16th": Fraction(1, 4),
          "32nd": Fraction(1, 8), "64th": Fraction(1, 16), "128th": Fraction(1, 32), "256th": Fraction(1, 64),
          "512th": Fraction(1, 128), "1024th": Fraction(1, 256)}  # fmt: skip

# Longer numbers would take minutes to compute with, and no score contains them.
_NUMBER = re.compile(r"\s*([+-]?[0-9]{0,12}(?:\.[0-9]{0,30})?)\s*", re.ASCII)

DASH = r"\s*[-\u2013\u2014]\s*"

_ENDING = re.compile(rf"([0-9]{{1,3}})(?:{DASH}([0-9]{{1,3}}))?", re.ASCII)


def text_of(element: Element | None, tag: str) -> str:
    """The text of a child element, without surrounding spaces; empty if there is none."""
    return "" if element is None else (element.findtext(tag) or "").strip()


@functools.lru_cache(maxsize=4096)
def number_of(text: str) -> Fraction:
    """The number in a text; ValueError if it is not a number, or longer than any score needs."""
    match = _NUMBER.fullmatch(text)
    if match is None or not any(letter.isdigit() for letter in text):
        raise ValueError(f"a number was expected, got {text[:40]!r}")
    return Fraction(match[1].rstrip(".") or "0")


def natural_pitch(pitch: Element, step: str, octave: str) -> int:
    """The MIDI number of a step and an octave, such as C and 4, without alterations."""
    name = text_of(pitch, step)
    if name not in STEPS:
        raise ValueError(f"a pitch must have a step from A to G, got {name!r}")
    return 12 * (int(number_of(text_of(pitch, octave))) + 1) + STEPS[name]


def printed_quarters(note: Element) -> Fraction:
    """A note's length according to its head, dots and tuplet."""
    quarters = UNITS.get(text_of(note, "type"), Fraction(0))
    quarters *= 2 - Fraction(1, 2 ** len(note.findall("dot")))
    tuplet = note.find("time-modification")
    if tuplet is not None:
        quarters *= number_of(text_of(tuplet, "normal-notes")) / number_of(text_of(tuplet, "actual-notes"))
    return quarters


def allowed_quarters(time: Element) -> Fraction | None:
    """The length of a measure according to its time signature, such as 3/4, 3+2/8, or 3/8 and 2/4; None without one."""
    beats, types = time.findall("beats"), time.findall("beat-type")
    if not beats or len(beats) != len(types):
        return None
    total = Fraction(0)
    for above, below in zip(beats, types, strict=True):
        count = sum((number_of(term) for term in (above.text or "").split("+")), Fraction(0))
        total += 4 * count / number_of(below.text or "")
    return total


def rounds_of(element: Element) -> frozenset[int]:
    """The rounds of a repeat in which an element applies; empty for all of them."""
    return frozenset(ending_numbers(element.get("time-only") or ""))


def ending_numbers(text: str) -> tuple[int, ...]:
    """The numbers in "1", "1, 2" or "1-3"; empty if there are none."""
    numbers: list[int] = []
    for first, last in _ENDING.findall(text):
        numbers += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(number for number in numbers if number > 0))
