"""The glossary: what a term means in plain words, and which lesson teaches it, also for a term that is nearly right.

In a notebook, `lab.glossary("mask")` shows one term and `lab.glossary()` all of them. The terms themselves are lines of
the table in `glossary.md`, beside this file.

Contents: Term, terms, card, find, near_misses, plain.
"""

import dataclasses
import difflib
import functools
import re
from pathlib import Path

from .cards import Card, table_html

TABLE = Path(__file__).with_name("glossary.md")
COLUMNS = ("Term", "Meaning", "Lesson")
MOST_NEAR_MISSES = 5


@dataclasses.dataclass(frozen=True)
class Term:
    """A term, and what it means in this course.

    Attributes
    ----------
    name : str
        As texts write it.
    lesson : str
        The lesson that teaches it, such as "03".
    meaning : str
        One or two sentences for a reader who does not know the term yet.
    also : tuple of str
        Other names under which a reader may search it: abbreviations in full, synonyms.
    compare : tuple of str
        Names of related terms.
    """

    name: str
    lesson: str
    meaning: str
    also: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()


@functools.cache
def terms() -> tuple[Term, ...]:
    """All terms, in the order of the table."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return tuple(_term(line) for line in lines[1:])


def _term(line: str) -> Term:
    cells = line.strip().removeprefix("|").removesuffix("|").split("|")
    name, lesson, meaning, also, compare = (cell.strip() for cell in cells)
    return Term(name, lesson, meaning, _names(also), _names(compare))


def _names(cell: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in cell.split(",") if name.strip())


def card(name: str = "") -> Card:
    """The card of one term, or of all terms where no name is given.

    A name that is unknown gives a card with the terms that come nearest to it.
    """
    words = str(name).strip()
    if not words:
        return _card_of_all()
    term = find(words)
    return _card_of_one(term) if term else _card_of_unknown(words)


def find(name: str) -> Term | None:
    """The term of this name, in capitals or not, in the plural or not, or by one of its other names; else None."""
    by_name = {plain(spelling): term for term in reversed(terms()) for spelling in term.also}
    by_name |= {plain(term.name): term for term in terms()}
    sought = plain(name)
    for spelling in (sought, sought.removesuffix("s"), sought.removesuffix("es")):
        if spelling in by_name:
            return by_name[spelling]
    return None


def near_misses(name: str) -> tuple[Term, ...]:
    """Terms whose name is spelled nearly so, or holds the name, or whose meaning speaks of it; the nearest first."""
    sought = plain(name)
    spellings = {plain(spelling): term for term in terms() for spelling in (*term.also, term.name)}
    close = difflib.get_close_matches(sought, spellings, n=MOST_NEAR_MISSES, cutoff=0.7)
    near = [spellings[spelling] for spelling in close]
    if sought:
        near += [term for spelling, term in spellings.items() if re.search(rf"\b{re.escape(sought)}\b", spelling)]
        near += [term for term in terms() if re.search(rf"\b{re.escape(sought)}\b", plain(term.meaning))]
    return tuple(dict.fromkeys(near))[:MOST_NEAR_MISSES]


def _card_of_one(term: Term) -> Card:
    lines = [term.meaning]
    if term.also:
        lines.append(f"Also: {', '.join(term.also)}.")
    if term.compare:
        lines.append(f"Compare: {', '.join(term.compare)}.")
    lines.append(f"Taught in lesson {term.lesson}.")
    return Card(term.name, "\n".join(lines))


def _card_of_unknown(name: str) -> Card:
    near = near_misses(name)
    if near:
        proposals = " or ".join(f'`lab.glossary("{term.name}")`' for term in near)
        return Card(f'No term "{name}"', f"Did you mean {proposals}?")
    return Card(f'No term "{name}"', "No term comes near it. `lab.glossary()` lists all terms.")


def _card_of_all() -> Card:
    rows = [(term.name, term.meaning, term.lesson) for term in sorted(terms(), key=lambda term: plain(term.name))]
    return Card(
        f"Glossary: {len(rows)} terms",
        '`lab.glossary("mask")` shows one of them, with its other names.',
        # A table of whole sentences would be too wide for a terminal.
        body_text="\n".join(f"{name} (lesson {lesson}): {meaning}" for name, meaning, lesson in rows),
        body_html=table_html("All terms", COLUMNS, rows),
    )


def plain(words: str) -> str:
    """A name as names are compared: without capitals, and with one space where a hyphen or an underscore stands."""
    return re.sub(r"[\s_-]+", " ", words.casefold()).strip(' .?!"`')
