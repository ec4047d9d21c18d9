"""The order in which the measures of a score are played: repeats, endings, da capo, dal segno, fine and coda.

The page is given as Signs, one for each measure; the result is a list of measure indices. The rules are those of
performance practice:

- A strain goes from its start sign to its repeat sign. If the start sign is missing, it begins after the last repeated
  strain (with all of its endings), after a da capo, with the coda, or with the piece.
- An ending is played in the rounds that its number names. Endings without usable numbers are counted in order.
- A da capo or dal segno is followed once, in the last round of its strain. After it, strains that have been repeated
  are not repeated again, and only the last of their endings is played; fine and the signs to a coda apply from then on.

Contents: Jump, Signs, Played, merged, playing_order. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..refusals import RefusedValue

# Three hours of measures of a quarter of a second. More is an error in the file, or a malicious one.
MOST_MEASURES = 50_000
MOST_JUMPS = 100

# A few measures after the last jump may be empty; more are music that would be lost.
MOST_LEFT_OUT = 8


@dataclasses.dataclass(frozen=True)
class Jump:
    """A da capo or dal segno at the end of a measure.

    Attributes
    ----------
    to_segno : str or None
        The segno's label ("" for any), or None for a da capo.
    until : str
        "fine" or "coda" if the words say which sign ends the second round; "" if they do not.
    rounds : frozenset of int
        The rounds of its strain in which it applies; empty for the last one.
    text : str
        The words on the page.
    """

    to_segno: str | None = None
    until: str = ""
    rounds: frozenset[int] = frozenset()
    text: str = "da capo"


@dataclasses.dataclass(frozen=True)
class Signs:
    """The signs of one measure that determine the order of playing.

    Attributes
    ----------
    repeat_start : bool
        There is a start sign before the measure.
    repeat_rounds : int
        There is a repeat sign after it: how many times its strain is played in all; 0 without a sign.
    repeats_after_jump : bool
        That sign also applies after a da capo.
    ending : tuple of int, or None
        An ending begins with this measure: its numbers, or () if it has none.
    ending_stops : bool
        An ending stops after this measure.
    segnos, codas : frozenset of str
        Labels of the signs that are targets of jumps, "" for one without a label.
    jump : Jump or None
    to_coda : str or None
        After this measure the piece continues at the coda with this label, once a jump has been made.
    is_fine : bool
        After this measure the piece ends, once a jump has been made.
    begins_trio : bool
        The measure has the heading "Trio".
    """

    repeat_start: bool = False
    repeat_rounds: int = 0
    repeats_after_jump: bool = False
    ending: tuple[int, ...] | None = None
    ending_stops: bool = False
    segnos: frozenset[str] = frozenset()
    codas: frozenset[str] = frozenset()
    jump: Jump | None = None
    to_coda: str | None = None
    is_fine: bool = False
    begins_trio: bool = False


class Played(NamedTuple):
    """One played measure: its position on the page, from 0, and the round of its strain."""

    measure: int
    round: int


class _Ending(NamedTuple):
    """Measures `start` to `stop`, both included, which are played in certain rounds."""

    start: int
    stop: int
    rounds: frozenset[int]


class _Strain(NamedTuple):
    """Measures `start` to `stop`, both included, which are played `rounds` times before the piece continues."""

    start: int
    stop: int
    rounds: int = 1
    endings: tuple[_Ending, ...] = ()
    is_always_repeated: bool = False


def merged(parts: Sequence[Sequence[Signs]]) -> list[Signs]:
    """The signs of all parts together: the signs of one part apply to all.

    Parts may have different numbers of measures; the result has as many as the longest.
    """
    return [_both(signs) for signs in itertools.zip_longest(*parts, fillvalue=Signs())]


def _both(signs: Iterable[Signs]) -> Signs:
    signs = tuple(signs)

    def first(field: str) -> Any:
        return next((value for sign in signs if (value := getattr(sign, field)) is not None), None)

    return Signs(
        repeat_start=any(sign.repeat_start for sign in signs),
        repeat_rounds=max(sign.repeat_rounds for sign in signs),
        repeats_after_jump=any(sign.repeats_after_jump for sign in signs),
        # A numbered ending has priority over one without a number.
        ending=next((sign.ending for sign in signs if sign.ending), first("ending")),
        ending_stops=any(sign.ending_stops for sign in signs),
        segnos=frozenset().union(*(sign.segnos for sign in signs)),
        codas=frozenset().union(*(sign.codas for sign in signs)),
        jump=first("jump"),
        to_coda=first("to_coda"),
        is_fine=any(sign.is_fine for sign in signs),
        begins_trio=any(sign.begins_trio for sign in signs),
    )


def playing_order(signs: Sequence[Signs], names: Sequence[str] | None = None) -> tuple[list[Played], list[str]]:
    """The order in which measures are played.

    Parameters
    ----------
    signs : sequence of Signs, one for each measure in the order of the page
    names : sequence of str, optional
        Names of the measures in messages. Default: their positions from 1 on.

    Returns
    -------
    order : list of Played
    warnings : list of str
        What is ambiguous or wrong on the page, and how it was interpreted; whole sentences.

    Raises
    ------
    RefusedValue
        If a dal segno has no segno, or more than MOST_MEASURES measures or MOST_JUMPS jumps would be played.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Reference: W3C, MusicXML 4.0 (repeat, ending, sound).

    Examples
    --------
    >>> measures = [Signs(), Signs(repeat_rounds=2), Signs()]
    >>> order, warnings = playing_order(measures)
    >>> [played.measure for played in order]
    [0, 1, 0, 1, 2]
    """
    names = [str(number) for number in range(1, len(signs) + 1)] if names is None else list(names)
    warnings: list[str] = []
    strains = _strains(signs, names, warnings)
    jump_warnings: list[str] = []
    order = _played(_with_an_end_after_da_capo(signs, names, jump_warnings), strains, names)
    last = max((played.measure for played in order), default=-1)
    if len(signs) - 1 - last > MOST_LEFT_OUT:
        # The da capo of a movement must not end the file, and the beginning of the movement is unknown.
        warnings.append(
            f"A jump back would leave out the last {len(signs) - 1 - last} measures, so the file seems to contain "
            "several movements; it is played without jumps."
        )
        order = _played([dataclasses.replace(sign, jump=None) for sign in signs], strains, names)
    else:
        warnings += jump_warnings
    return order, warnings


def _played(signs: Sequence[Signs], strains: Sequence[_Strain], names: Sequence[str]) -> list[Played]:
    order = list(itertools.islice(_walk(signs, strains, names), MOST_MEASURES + 1))
    if len(order) > MOST_MEASURES:
        raise RefusedValue(f"more than {MOST_MEASURES} measures would be played")
    return order


def _walk(signs: Sequence[Signs], strains: Sequence[_Strain], names: Sequence[str]) -> Iterator[Played]:
    """The measures as played. Every jump starts a new list of measures, whose rest is then played."""
    upcoming = _rounds(strains, played_until=-1)
    used: set[int] = set()
    furthest = -1
    until: str | None = None
    while upcoming:
        last_turn = {played.measure: turn for turn, played in enumerate(upcoming)}
        for turn, (index, round_) in enumerate(upcoming):
            yield Played(index, round_)
            furthest = max(furthest, index)
            sign, is_last_time = signs[index], last_turn[index] == turn
            if until in ("", "fine") and sign.is_fine and is_last_time:
                return
            jump = sign.jump if index not in used else None
            if jump and (round_ in jump.rounds if jump.rounds else is_last_time):
                target, until = _target(signs, jump, index, names), jump.until
            elif until in ("", "coda") and sign.to_coda is not None and index not in used and is_last_time:
                coda = _coda(signs, sign.to_coda, index)
                if coda is None:
                    continue
                target = coda
            else:
                continue
            used.add(index)
            if len(used) > MOST_JUMPS:
                raise RefusedValue(f"more than {MOST_JUMPS} jumps would be made")
            again = _rounds(strains, played_until=furthest)
            # The target itself may be in an ending that is not played again.
            upcoming = again[
                next((turn for turn, played in enumerate(again) if played.measure >= target), len(again)) :
            ]
            break
        else:
            return


def _rounds(strains: Sequence[_Strain], *, played_until: int) -> list[Played]:
    """The strains in order: those that have been played before once, the others with all of their rounds."""
    order: list[Played] = []
    for strain in strains:
        is_again = strain.start <= played_until and not strain.is_always_repeated
        for round_ in (strain.rounds,) if is_again else range(1, strain.rounds + 1):
            order += [
                Played(index, round_)
                for index in range(strain.start, strain.stop + 1)
                if all(round_ in e.rounds or not e.start <= index <= e.stop for e in strain.endings)
            ]
            if len(order) > MOST_MEASURES:
                raise RefusedValue(f"more than {MOST_MEASURES} measures would be played")
    return order


def _strains(signs: Sequence[Signs], names: Sequence[str], warnings: list[str]) -> list[_Strain]:
    """The page divided into strains; every measure belongs to one of them."""
    groups = {group[0].start: group for group in _groups(signs, names, warnings)}
    strains: list[_Strain] = []
    start = index = 0

    def close(stop: int, rounds: int = 1, endings: tuple[_Ending, ...] = ()) -> None:
        nonlocal start
        always = any(signs[i].repeat_rounds and signs[i].repeats_after_jump for i in range(start, stop + 1))
        strains.append(_Strain(start, stop, min(rounds, MOST_MEASURES + 1), endings, always))
        start = stop + 1

    while index < len(signs):
        # A coda, and the music after a da capo, are separate sections; repeats do not reach back beyond their start.
        is_section = bool(signs[index].codas) or (
            index > 0 and signs[index - 1].jump is not None and not signs[start].repeat_start
        )
        if (signs[index].repeat_start or is_section) and index > start:
            close(index - 1)
        if index in groups:
            endings = groups[index]
            rounds = _rounds_of(endings, signs)
            if len(endings) > 1 and signs[endings[-1].start].repeat_start:
                # With a start sign before it, the last ending is the beginning of the next strain.
                close(endings[-1].start - 1, rounds, endings[:-1])
            else:
                close(endings[-1].stop, rounds, endings)
        elif signs[index].repeat_rounds:
            close(index, signs[index].repeat_rounds)
        index = max(index + 1, start)
    if start < len(signs):
        close(len(signs) - 1)
    return strains


def _rounds_of(endings: Sequence[_Ending], signs: Sequence[Signs]) -> int:
    """The number of rounds of a strain with these endings."""
    rounds = max(max(ending.rounds) for ending in endings)
    # The music after a single first ending is the second; it only has no bracket.
    if len(endings) == 1:
        rounds += 1
    marked = signs[endings[-1].stop].repeat_rounds
    return max(rounds, marked) if marked > 2 else rounds


def _groups(signs: Sequence[Signs], names: Sequence[str], warnings: list[str]) -> list[tuple[_Ending, ...]]:
    """The endings of every strain that has some, with rounds that are numbered from 1 on."""
    groups: list[tuple[_Ending, ...]] = []
    brackets = _brackets(signs)
    while brackets:
        group = [brackets.pop(0)]
        while brackets and brackets[0][0] == group[-1][1] + 1:
            group.append(brackets.pop(0))
        numbers = [numbers for _, _, numbers in group]
        where = f"measure {names[group[0][0]]}"
        returns = [bool(signs[stop].repeat_rounds or signs[stop].jump) for _, stop, _ in group]
        if len(group) == 1 and (not returns[0] or 1 not in (numbers[0] or (1,))):
            warnings.append(
                f"The ending at {where} is the only one, so that its bracket has no meaning and is ignored."
            )
            continue
        rounds = _counted(numbers)
        if any(numbers) and any(
            numbered and set(numbered) != expected for numbered, expected in zip(numbers, rounds, strict=True)
        ):
            warnings.append(f"The endings from {where} on are not numbered from 1 upwards; they are counted in order.")
        if not all(returns[:-1]):
            warnings.append(f"An ending from {where} on has no repeat sign; the strain is repeated nevertheless.")
        groups.append(tuple(_Ending(b[0], b[1], frozenset(r)) for b, r in zip(group, rounds, strict=True)))
    return groups


def _counted(numbers: Sequence[tuple[int, ...]]) -> list[set[int]]:
    """The rounds in which endings are played: as they are numbered, or in order if the numbers make no sense."""
    rounds: list[set[int]] = [set(marked) for marked in numbers]
    used = set().union(*rounds)
    for numbers_of_ending in rounds:
        if not numbers_of_ending:
            numbers_of_ending.add(next(number for number in itertools.count(1) if number not in used))
            used |= numbers_of_ending
    if sum(map(len, rounds)) == len(used) == max(used):
        return rounds
    return [{number} for number in range(1, len(numbers) + 1)]


def _brackets(signs: Sequence[Signs]) -> list[tuple[int, int, tuple[int, ...]]]:
    """The brackets over endings: first measure, last measure, numbers (empty if there are none)."""
    brackets: list[tuple[int, int, tuple[int, ...]]] = []
    index = 0
    while index < len(signs):
        stop = index
        if signs[index].ending is not None:
            stop = _last_measure(signs, index)
            brackets.append((index, stop, signs[index].ending or ()))
        elif signs[index].ending_stops:
            # Its beginning is missing: the ending is assumed to be as short as possible.
            brackets.append((index, index, ()))
        index = stop + 1
    return brackets


def _last_measure(signs: Sequence[Signs], start: int) -> int:
    """The last measure of the ending that begins with measure `start`."""
    # Every bracket stops before the next bracket, and before the next start sign.
    limit = next(
        (i for i in range(start + 1, len(signs)) if signs[i].ending is not None or signs[i].repeat_start), len(signs)
    )
    repeated = next((i for i in range(start, limit) if signs[i].repeat_rounds), None)
    stopped = next((i for i in range(start, limit) if signs[i].ending_stops), None)
    if stopped is None:
        return repeated if repeated is not None else limit - 1 if limit < len(signs) else start
    # Some files stop a bracket after its first measure, although the repeat sign and the next ending come later.
    leads_on = limit < len(signs) and signs[limit].ending is not None
    if leads_on and repeated == limit - 1 and not any(signs[i].jump for i in range(start, stopped + 1)):
        return limit - 1
    return stopped


def _target(signs: Sequence[Signs], jump: Jump, index: int, names: Sequence[str]) -> int:
    """The measure to which a da capo or dal segno leads."""
    if jump.to_segno is None:
        return 0
    named = [i for i, sign in enumerate(signs) if jump.to_segno in sign.segnos]
    targets = named or [i for i, sign in enumerate(signs) if sign.segnos]
    if not targets:
        raise RefusedValue(f"measure {names[index]} says {jump.text!r}, but no measure has a segno")
    return max((i for i in targets if i <= index), default=targets[0])


def _coda(signs: Sequence[Signs], label: str, index: int) -> int | None:
    """The measure of the coda that a sign leads to: the one with its label, otherwise the next; None without a coda."""
    named = [i for i, sign in enumerate(signs) if label in sign.codas and i != index]
    return next(iter(named or [i for i, sign in enumerate(signs) if sign.codas and i > index]), None)


def _with_an_end_after_da_capo(signs: Sequence[Signs], names: Sequence[str], warnings: list[str]) -> list[Signs]:
    """The signs, with a fine before the trio if a da capo is printed without one, as in many minuets."""
    signs = list(signs)
    for index, sign in enumerate(signs):
        if sign.to_coda is not None and _coda(signs, sign.to_coda, index) is None:
            warnings.append(f"Measure {names[index]} leads to a coda, but no measure begins one; it is ignored.")
    for until, field in (("fine", "is_fine"), ("coda", "to_coda")):
        if not any(getattr(sign, field) not in (None, False) for sign in signs):
            # Words that name an end which is not on the page have no additional meaning.
            signs = [
                dataclasses.replace(sign, jump=dataclasses.replace(sign.jump, until=""))
                if sign.jump and sign.jump.until == until
                else sign
                for sign in signs
            ]
    jumps = [i for i, sign in enumerate(signs) if sign.jump]
    ends = [i for i, sign in enumerate(signs) if sign.is_fine or sign.to_coda is not None]
    if not jumps or ends:
        return signs
    first, jump = jumps[0], signs[jumps[0]].jump
    assert jump is not None
    description = f"Measure {names[first]} says {jump.text!r}, but no fine is marked"
    trio = next((i for i in range(1, first + 1) if signs[i].begins_trio), None)
    if trio is None or jump.to_segno is not None:
        warnings.append(f"{description}; after it the piece is played to its end.")
        return signs
    coda = next((i for i in range(first + 1, len(signs)) if signs[i].codas), None)
    ending = {"is_fine": True} if coda is None else {"to_coda": min(signs[coda].codas)}
    signs[trio - 1] = dataclasses.replace(signs[trio - 1], **ending)
    then = "ends" if coda is None else f"goes to the coda (measure {names[coda]})"
    warnings.append(f"{description}; after it the piece {then} before the trio (measure {names[trio]}).")
    return signs
