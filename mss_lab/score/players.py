"""Players: given new names, kept apart as in the file, or merged into one source for each instrument.

Contents: named, merge, merge_players. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import dataclasses
from collections.abc import Iterable, Mapping

from .. import checks, units
from ..refusals import RefusedType, RefusedValue
from .instruments import numbered, without_player
from .notes import Score


def named(score: Score, names: Iterable[str]) -> Score:
    """The score with new names for all of its sources, in their order; the names in the file are replaced.

    Parameters
    ----------
    score : Score
    names : list of names
        One for each source. A repeated name gets a number: "violin", "violin 2".

    Raises
    ------
    TypeError
        If text is given instead of a list of names.
    ValueError
        If there are not as many names as sources (the message lists the sources), or a name is empty.
    """
    if isinstance(names, str):
        raise RefusedType(f"players must be a list of names, got {names!r}; write {names.split(',')!r}")
    cleaned = [name.strip() if isinstance(name, str) else name for name in names]
    if len(cleaned) != len(score.sources):
        parts = "; ".join(_in_brief(score, source) for source in score.sources)
        raise RefusedValue(
            f"players must name every part of the score in order, {len(score.sources)} in all, got {len(cleaned)} "
            f"({', '.join(map(str, cleaned)) or 'none'}); the parts are: {parts}"
        )
    new_names: list[str] = []
    for name in cleaned:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise RefusedValue(f"a player's name must be text, got {name!r}; name the player, such as 'violin'")
        new_names.append(numbered(name, new_names))
    renamed = dict(zip(score.sources, new_names, strict=True))
    notes = tuple(dataclasses.replace(note, source=renamed[note.source]) for note in score.notes)
    return Score(notes, tuple(new_names), frozenset(renamed[source] for source in score.unpitched))


def _in_brief(score: Score, source: str) -> str:
    pitches = [note.midi for note in score.notes_of(source)]
    count = f"{len(pitches)} note{'s' * (len(pitches) != 1)}"
    if not pitches or source in score.unpitched:
        return f"{source} ({count})"
    return f"{source} ({count}, {units.midi_to_name(min(pitches))} to {units.midi_to_name(max(pitches))})"


def merge(score: Score, groups: Mapping[str, Iterable[str]]) -> Score:
    """The score with some of its sources joined: every note of a group's members belongs to the group.

    Parameters
    ----------
    score : Score
    groups : dict of new name -> names of sources
        Sources in no group are kept. A group of one source renames it. Notes of two members that coincide are both
        kept.

    Returns
    -------
    Score
        A group has the position of the first of its members. It is unpitched if its members are.

    Raises
    ------
    TypeError
        If text is given instead of a list of names.
    ValueError
        If a group is empty, names a source that is not in the score, or mixes drums with pitches; if a source is in two
        groups; or if a new name is that of a source that is kept.
    """
    new_name: dict[str, str] = {}
    for name, members in groups.items():
        if isinstance(members, str):
            raise RefusedType(f"groups[{name!r}] must be a list of names, got {members!r}; write [{members!r}]")
        members = tuple(members)
        if not members:
            raise RefusedValue(f"groups[{name!r}] must name at least one source, got none; leave the group out")
        for member in members:
            checks.check_choice(f"a source of groups[{name!r}]", member, score.sources)
            if new_name.setdefault(member, name) != name:
                raise RefusedValue(
                    f"every source must be in one group, got {member!r} in {new_name[member]!r} and {name!r}; "
                    "leave it out of one"
                )
        if len({member in score.unpitched for member in members}) > 1:
            raise RefusedValue(
                f"groups[{name!r}] must be all pitched or all unpitched, got both in {', '.join(members)}; "
                "keep drums in a group of their own"
            )
        if name in score.sources and name not in members:
            raise RefusedValue(
                f"a group's name must be unused, got {name!r}, which is another source; choose another name"
            )
    renamed = {source: new_name.get(source, source) for source in score.sources}
    notes = tuple(dataclasses.replace(note, source=renamed[note.source]) for note in score.notes)
    sources = tuple(dict.fromkeys(renamed.values()))
    return Score(notes, sources, frozenset(renamed[source] for source in score.unpitched))


def merge_players(score: Score) -> Score:
    """The score with all players of one instrument as one source: "violin" and "violin 2" become "violin".

    `mss_lab.score.instruments.without_player` decides which names belong to one instrument. A source that is the only
    one of its instrument keeps its name.
    """
    same_instrument: dict[str, list[str]] = {}
    for source in score.sources:
        same_instrument.setdefault(without_player(source), []).append(source)
    return merge(score, {name: members for name, members in same_instrument.items() if len(members) > 1})
