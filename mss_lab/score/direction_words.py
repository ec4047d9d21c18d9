"""Words above the staff that say in which order the measures are played: "D.C. al Fine", "To Coda", "Trio".

Only words that say nothing else are understood. An instruction that goes on ("Da capo, but without repeats, then the
coda on the next page") is not obeyed: half of it would be wrong. `speaks_of_jumps` tells that it was there.

Contents: Instruction, understood, speaks_of_jumps. Source: W3C, MusicXML 4.0 (words, sound).
"""

import re
from typing import NamedTuple

# What may follow a da capo or a dal segno. Repeats are left out after a jump anyway, whether the words say so or not.
_MAY_FOLLOW = frozenset((
    "al", "alla", "to", "at", "the", "il", "la", "le", "fine", "fin", "coda", "segno", "ma", "but", "senza", "sin",
    "without", "no", "ohne", "replica", "repliche", "ritornello", "ritornelli", "ripetizione", "ripetizioni",
    "repetizione", "repeat", "repeats", "repetition", "wiederholung",
))  # fmt: skip
# A piece may be named before it: "Menuetto D.C.", "Scherzo I D.C.", "M.D.C.".
_MOST_WORDS_BEFORE = 2

_JUMP = re.compile(r"\bd\. ?([cs])\b\.?|\bda ?(c)apo\b|\bdal (s)egno\b")
_JUMP_WITHOUT_DOTS = re.compile(r"d([cs])\b")


class Instruction(NamedTuple):
    """What words ask for: "da capo", "dal segno", "fine", "to coda", "coda" or "trio"; and until "fine" or "coda"."""

    kind: str
    until: str = ""


def understood(words: str) -> Instruction | None:
    """The instruction that words give, or None if they give none that is understood.

    Capitals, brackets, line breaks and full stops do not matter.
    """
    plain = _plain(words)
    # Without its dots, "DC" may be an abbreviation of anything, unless the words begin with it.
    found = _JUMP.search(plain) or _JUMP_WITHOUT_DOTS.match(plain)
    if found:
        before, after = _tokens(plain[: found.start()]), _tokens(plain[found.end() :])
        if len(before) > _MOST_WORDS_BEFORE or not set(after) <= _MAY_FOLLOW:
            return None
        until = next((word for word in after if word in ("fine", "fin", "coda")), "")
        kind = "da capo" if "c" in found.groups() else "dal segno"
        return Instruction(kind, "fine" if until == "fin" else until)
    simple = " ".join(_tokens(plain))
    if simple in ("fine", "fin", "coda", "trio"):
        return Instruction("fine" if simple == "fin" else simple)
    return Instruction("to coda") if simple in ("to coda", "to the coda", "al coda", "alla coda") else None


def speaks_of_jumps(words: str) -> bool:
    """Whether words speak of a da capo or dal segno at all."""
    return _JUMP.search(_plain(words)) is not None


def _plain(words: str) -> str:
    # Some programs write the signs themselves, which are letters of Unicode.
    return " ".join(words.replace("𝄌", " coda ").replace("⊕", " coda ").replace("𝄋", " segno ").casefold().split())


def _tokens(plain: str) -> list[str]:
    return re.findall(r"\w+", plain)
