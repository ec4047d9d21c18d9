"""Words above the staff that change the order in which measures are played: "D.C. al Fine", "To Coda", "Trio".

Only words without any other meaning are understood. A longer instruction ("Da capo, but without repeats, then the coda
on the next page") is ignored, because following half of it would be wrong; `speaks_of_jumps` shows that it was there.

Contents: Instruction, understood, speaks_of_jumps. Reference: W3C, MusicXML 4.0 (words, sound).
"""

import re
from typing import NamedTuple

# Words that may follow a da capo or a dal segno. After a jump repeats are always left out, whatever the words say.
_MAY_FOLLOW = frozenset((
    "al", "alla", "to", "at", "the", "il", "la", "le", "fine", "fin", "coda", "segno", "ma", "but", "senza", "sin",
    "without", "no", "ohne", "replica", "repliche", "ritornello", "ritornelli", "ripetizione", "ripetizioni",
    "repetizione", "repeat", "repeats", "repetition", "wiederholung",
))  # fmt: skip
# The name of a section may come before it: "Menuetto D.C.", "Scherzo I D.C.", "M.D.C.".
_MOST_WORDS_BEFORE = 2

_JUMP = re.compile(r"\bd\. ?([cs])\b\.?|\bda ?(c)apo\b|\bdal (s)egno\b")
_JUMP_WITHOUT_DOTS = re.compile(r"d([cs])\b")


class Instruction(NamedTuple):
    """An instruction: "da capo", "dal segno", "fine", "to coda", "coda" or "trio"; and until "fine" or "coda"."""

    kind: str
    until: str = ""


def understood(words: str) -> Instruction | None:
    """The instruction that words contain, or None if they contain none that is understood.

    Capitals, brackets, line breaks and full stops are ignored.

    Examples
    --------
    >>> understood("D.C. al Fine")
    Instruction(kind='da capo', until='fine')
    """
    plain = _plain(words)
    # Without its dots, "DC" may abbreviate anything, unless the words begin with it.
    match = _JUMP.search(plain) or _JUMP_WITHOUT_DOTS.match(plain)
    if match:
        before, after = _tokens(plain[: match.start()]), _tokens(plain[match.end() :])
        if len(before) > _MOST_WORDS_BEFORE or not set(after) <= _MAY_FOLLOW:
            return None
        until = next((word for word in after if word in ("fine", "fin", "coda")), "")
        kind = "da capo" if "c" in match.groups() else "dal segno"
        return Instruction(kind, "fine" if until == "fin" else until)
    simple = " ".join(_tokens(plain))
    if simple in ("fine", "fin", "coda", "trio"):
        return Instruction("fine" if simple == "fin" else simple)
    return Instruction("to coda") if simple in ("to coda", "to the coda", "al coda", "alla coda") else None


def speaks_of_jumps(words: str) -> bool:
    """Whether words mention a da capo or dal segno at all."""
    return _JUMP.search(_plain(words)) is not None


def _plain(words: str) -> str:
    # Some programs write the signs themselves as Unicode characters.
    return " ".join(words.replace("𝄌", " coda ").replace("⊕", " coda ").replace("𝄋", " segno ").casefold().split())


def _tokens(plain: str) -> list[str]:
    return re.findall(r"\w+", plain)
