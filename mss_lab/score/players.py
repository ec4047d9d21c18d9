"""Several players of one instrument: kept apart, as files bring them, or merged into one source.

Contents: merge, merge_players. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import dataclasses
from collections.abc import Iterable, Mapping

from .. import checks
from ..refusals import RefusedType, RefusedValue
from .instruments import without_player
from .notes import Score


def merge(score: Score, groups: Mapping[str, Iterable[str]]) -> Score:
    """The score with some of its sources joined: every note of a group's members becomes the group's.

    Parameters
    ----------
    score : Score
    groups : dict of new name -> names of sources
        Sources in no group stay. A group of one renames. Notes of two members that coincide both stay.

    Returns
    -------
    Score
        A group stands where the first of its members stood. It is unpitched if its members are.

    Raises
    ------
    TypeError
        If text stands where a list of names should.
    ValueError
        If a group is empty, names a source that the score has not, or mixes drums with pitches; if a source is in two
        groups; or if a new name is that of a source that stays.
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
            raise RefusedValue(f"a group's name must be free, got {name!r}, a source that stays; choose another name")
    renamed = {source: new_name.get(source, source) for source in score.sources}
    notes = tuple(dataclasses.replace(note, source=renamed[note.source]) for note in score.notes)
    sources = tuple(dict.fromkeys(renamed.values()))
    return Score(notes, sources, frozenset(renamed[source] for source in score.unpitched))


def merge_players(score: Score) -> Score:
    """The score with all players of one instrument as one source: "violin" and "violin 2" become "violin".

    Which names are one instrument's is said by `mss_lab.score.instruments.without_player`. A source without a fellow
    keeps its name.
    """
    fellows: dict[str, list[str]] = {}
    for source in score.sources:
        fellows.setdefault(without_player(source), []).append(source)
    return merge(score, {name: members for name, members in fellows.items() if len(members) > 1})
