"""The order in which the measures of a score are played: repeats, endings, da capo, dal segno, fine and coda.

What stands on the page is given as Signs, one for each measure; the answer is a list of measure indices. The rules are
those that players follow:

- A strain goes from its start sign to its repeat sign. Where the start sign is missing, it begins behind the last
  strain that was repeated (with all of its endings), behind a da capo, with the coda, or with the piece.
- An ending is played in the rounds that its number names. Endings without usable numbers are counted in order.
- A da capo or dal segno is obeyed once, in the last round of its strain. After it, what has been repeated is not
  repeated again, and only the last of its endings is played; fine and the signs towards a coda hold from then on.

Contents: Jump, Signs, Played, merged, playing_order. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..refusals import RefusedValue

# Three hours of measures of a quarter of a second. More is an error in the file, or an attack.
MOST_MEASURES = 50_000
MOST_JUMPS = 100

# A few measures behind the last jump may be empty; more are music that would be lost.
MOST_LEFT_OUT = 8


@dataclasses.dataclass(frozen=True)
class Jump:
    """A da capo or dal segno at the end of a measure.

    Attributes
    ----------
    to_segno : str or None
        The segno's label ("" for any), or None for a da capo.
    until : str
        "fine" or "coda" where the words say which sign ends the second round; "" where they leave it to the page.
    rounds : frozenset of int
        In which rounds of its strain it holds; empty for the last one.
    text : str
        How the page says it.
    """

    to_segno: str | None = None
    until: str = ""
    rounds: frozenset[int] = frozenset()
    text: str = "da capo"


@dataclasses.dataclass(frozen=True)
class Signs:
    """What one measure says about the order of playing.

    Attributes
    ----------
    repeat_start : bool
        A start sign stands before the measure.
    repeat_rounds : int
        A repeat sign stands behind it: how many times its strain is played in all; 0 without a sign.
    repeats_after_jump : bool
        That sign holds after a da capo too.
    ending : tuple of int, or None
        An ending begins with this measure: its numbers, or () where it has none.
    ending_stops : bool
        An ending is over after this measure.
    segnos, codas : frozenset of str
        Labels of the signs to which others lead, "" for one without a label.
    jump : Jump or None
    to_coda : str or None
        After this measure the piece goes on at the coda of this label, once a jump has been made.
    is_fine : bool
        After this measure the piece is over, once a jump has been made.
    begins_trio : bool
        The measure is headed "Trio".
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
    """One measure as it is played: its place on the page, from 0, and in which round of its strain."""

    place: int
    round: int


class _Ending(NamedTuple):
    """Measures `start` to `stop`, both included, which are played in certain rounds."""

    start: int
    stop: int
    rounds: frozenset[int]


class _Strain(NamedTuple):
    """Measures `start` to `stop`, both included, which are played `rounds` times before the piece goes on."""

    start: int
    stop: int
    rounds: int = 1
    endings: tuple[_Ending, ...] = ()
    is_always_repeated: bool = False


def merged(parts: Sequence[Sequence[Signs]]) -> list[Signs]:
    """The signs of all parts together: what one part says holds for everybody.

    Parts may have different numbers of measures; the result has as many as the longest.
    """
    return [_both(signs) for signs in itertools.zip_longest(*parts, fillvalue=Signs())]


def _both(signs: Iterable[Signs]) -> Signs:
    signs = tuple(signs)

    def first(field: str):
        return next((value for one in signs if (value := getattr(one, field)) is not None), None)

    return Signs(
        repeat_start=any(one.repeat_start for one in signs),
        repeat_rounds=max(one.repeat_rounds for one in signs),
        repeats_after_jump=any(one.repeats_after_jump for one in signs),
        # A part that numbers its ending knows more than one that does not.
        ending=next((one.ending for one in signs if one.ending), first("ending")),
        ending_stops=any(one.ending_stops for one in signs),
        segnos=frozenset().union(*(one.segnos for one in signs)),
        codas=frozenset().union(*(one.codas for one in signs)),
        jump=first("jump"),
        to_coda=first("to_coda"),
        is_fine=any(one.is_fine for one in signs),
        begins_trio=any(one.begins_trio for one in signs),
    )


def playing_order(signs: Sequence[Signs], names: Sequence[str] | None = None) -> tuple[list[Played], list[str]]:
    """Which measure is played after which.

    Parameters
    ----------
    signs : sequence of Signs, one for each measure in the order of the page
    names : sequence of str, optional
        What to call the measures in messages; their places from 1 on without it.

    Returns
    -------
    order : list of Played
    warnings : list of str
        What the page leaves open or says wrongly, and how it was understood; whole sentences.

    Raises
    ------
    RefusedValue
        If a dal segno has no segno to go to, or more than MOST_MEASURES measures or MOST_JUMPS jumps would be played.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Source: W3C, MusicXML 4.0 (repeat, ending, sound).
    """
    names = [str(number) for number in range(1, len(signs) + 1)] if names is None else list(names)
    warnings: list[str] = []
    strains = _strains(signs, names, warnings)
    said_of_jumps: list[str] = []
    order = _played(_with_an_end_after_da_capo(signs, names, said_of_jumps), strains, names)
    last = max((played.place for played in order), default=-1)
    if len(signs) - 1 - last > MOST_LEFT_OUT:
        # The da capo of a movement must not end the file, and where the movement began is not said.
        warnings.append(
            f"A jump back would leave out the last {len(signs) - 1 - last} measures, so that the file seems to hold "
            "several movements; it is played as it stands, without jumps."
        )
        order = _played([dataclasses.replace(sign, jump=None) for sign in signs], strains, names)
    else:
        warnings += said_of_jumps
    return order, warnings


def _played(signs: Sequence[Signs], strains: Sequence[_Strain], names: Sequence[str]) -> list[Played]:
    order = list(itertools.islice(_walk(signs, strains, names), MOST_MEASURES + 1))
    if len(order) > MOST_MEASURES:
        raise RefusedValue(f"more than {MOST_MEASURES} measures would be played")
    return order


def _walk(signs: Sequence[Signs], strains: Sequence[_Strain], names: Sequence[str]) -> Iterator[Played]:
    """The measures as played. Every jump starts a new list of measures, the rest of which is then played."""
    upcoming = _rounds(strains, played_until=-1)
    used: set[int] = set()
    furthest = -1
    until: str | None = None
    while upcoming:
        last_time = {played.place: turn for turn, played in enumerate(upcoming)}
        for turn, (index, round_) in enumerate(upcoming):
            yield Played(index, round_)
            furthest = max(furthest, index)
            sign, is_last_time = signs[index], last_time[index] == turn
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
            # The target itself may stand in an ending that is not played again.
            upcoming = again[next((turn for turn, played in enumerate(again) if played.place >= target), len(again)) :]
            break
        else:
            return


def _rounds(strains: Sequence[_Strain], *, played_until: int) -> list[Played]:
    """The strains one after another: those that have been played before once, the others with all of their rounds."""
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
    """The page in strains, every measure in one of them."""
    groups = {group[0].start: group for group in _groups(signs, names, warnings)}
    strains: list[_Strain] = []
    start = index = 0

    def close(stop: int, rounds: int = 1, endings: tuple[_Ending, ...] = ()) -> None:
        nonlocal start
        always = any(signs[i].repeat_rounds and signs[i].repeats_after_jump for i in range(start, stop + 1))
        strains.append(_Strain(start, stop, min(rounds, MOST_MEASURES + 1), endings, always))
        start = stop + 1

    while index < len(signs):
        # A coda, and what follows a da capo, are sections of their own; repeats do not reach back beyond them.
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
    """How many rounds a strain with these endings has."""
    rounds = max(max(ending.rounds) for ending in endings)
    # What follows a first ending that stands alone is the second; only it has no bracket.
    if len(endings) == 1:
        rounds += 1
    said = signs[endings[-1].stop].repeat_rounds
    return max(rounds, said) if said > 2 else rounds


def _groups(signs: Sequence[Signs], names: Sequence[str], warnings: list[str]) -> list[tuple[_Ending, ...]]:
    """The endings of every strain that has some, with rounds that follow one another from 1 on."""
    groups: list[tuple[_Ending, ...]] = []
    brackets = _brackets(signs)
    while brackets:
        found = [brackets.pop(0)]
        while brackets and brackets[0][0] == found[-1][1] + 1:
            found.append(brackets.pop(0))
        numbers = [numbers for _, _, numbers in found]
        where = f"measure {names[found[0][0]]}"
        returns = [bool(signs[stop].repeat_rounds or signs[stop].jump) for _, stop, _ in found]
        if len(found) == 1 and (not returns[0] or 1 not in (numbers[0] or (1,))):
            warnings.append(f"The ending at {where} stands alone, so that its bracket has no meaning and is ignored.")
            continue
        rounds = _counted(numbers)
        if any(numbers) and any(
            given and set(given) != counted for given, counted in zip(numbers, rounds, strict=True)
        ):
            warnings.append(f"The endings from {where} on are not numbered from 1 upwards; they are counted in order.")
        if not all(returns[:-1]):
            warnings.append(f"An ending from {where} on has no repeat sign; the strain is repeated all the same.")
        groups.append(tuple(_Ending(b[0], b[1], frozenset(r)) for b, r in zip(found, rounds, strict=True)))
    return groups


def _counted(numbers: Sequence[tuple[int, ...]]) -> list[set[int]]:
    """In which rounds endings are played: as they are numbered, or in order where the numbers make no sense."""
    rounds: list[set[int]] = [set(given) for given in numbers]
    taken = set().union(*rounds)
    for one in rounds:
        if not one:
            one.add(next(number for number in itertools.count(1) if number not in taken))
            taken |= one
    if sum(map(len, rounds)) == len(taken) == max(taken):
        return rounds
    return [{number} for number in range(1, len(numbers) + 1)]


def _brackets(signs: Sequence[Signs]) -> list[tuple[int, int, tuple[int, ...]]]:
    """The brackets over endings: first measure, last measure, numbers (empty where there are none)."""
    brackets: list[tuple[int, int, tuple[int, ...]]] = []
    index = 0
    while index < len(signs):
        stop = index
        if signs[index].ending is not None:
            stop = _last_measure(signs, index)
            brackets.append((index, stop, signs[index].ending or ()))
        elif signs[index].ending_stops:
            # Its beginning is missing: it is taken to be as short as an ending can be.
            brackets.append((index, index, ()))
        index = stop + 1
    return brackets


def _last_measure(signs: Sequence[Signs], start: int) -> int:
    """The last measure of the ending that begins with measure `start`."""
    # Before the next bracket, or the next start sign, every bracket is over.
    limit = next(
        (i for i in range(start + 1, len(signs)) if signs[i].ending is not None or signs[i].repeat_start), len(signs)
    )
    repeated = next((i for i in range(start, limit) if signs[i].repeat_rounds), None)
    stopped = next((i for i in range(start, limit) if signs[i].ending_stops), None)
    if stopped is None:
        return repeated if repeated is not None else limit - 1 if limit < len(signs) else start
    # Some files close a bracket after its first measure, although the repeat sign and the next ending come later.
    leads_on = limit < len(signs) and signs[limit].ending is not None
    if leads_on and repeated == limit - 1 and not any(signs[i].jump for i in range(start, stopped + 1)):
        return limit - 1
    return stopped


def _target(signs: Sequence[Signs], jump: Jump, index: int, names: Sequence[str]) -> int:
    """The measure to which a da capo or dal segno leads."""
    if jump.to_segno is None:
        return 0
    named = [i for i, sign in enumerate(signs) if jump.to_segno in sign.segnos]
    found = named or [i for i, sign in enumerate(signs) if sign.segnos]
    if not found:
        raise RefusedValue(f"measure {names[index]} says {jump.text!r}, but no measure has a segno")
    return max((i for i in found if i <= index), default=found[0])


def _coda(signs: Sequence[Signs], label: str, index: int) -> int | None:
    """The measure of the coda that a sign leads to: of its label, or else the next one; None without a coda."""
    named = [i for i, sign in enumerate(signs) if label in sign.codas and i != index]
    return next(iter(named or [i for i, sign in enumerate(signs) if sign.codas and i > index]), None)


def _with_an_end_after_da_capo(signs: Sequence[Signs], names: Sequence[str], warnings: list[str]) -> list[Signs]:
    """The signs, with a fine before the trio where a da capo is printed without one, as in many minuets."""
    signs = list(signs)
    for index, sign in enumerate(signs):
        if sign.to_coda is not None and _coda(signs, sign.to_coda, index) is None:
            warnings.append(f"Measure {names[index]} leads to a coda, but no measure begins one; it is ignored.")
    for until, field in (("fine", "is_fine"), ("coda", "to_coda")):
        if not any(getattr(sign, field) not in (None, False) for sign in signs):
            # Words that name an end which the page does not have say no more than the page.
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
    said = f"Measure {names[first]} says {jump.text!r}, but no fine is marked"
    trio = next((i for i in range(1, first + 1) if signs[i].begins_trio), None)
    if trio is None or jump.to_segno is not None:
        warnings.append(f"{said}; after it the piece is played to its end.")
        return signs
    coda = next((i for i in range(first + 1, len(signs)) if signs[i].codas), None)
    ending = {"is_fine": True} if coda is None else {"to_coda": min(signs[coda].codas)}
    signs[trio - 1] = dataclasses.replace(signs[trio - 1], **ending)
    then = "ends" if coda is None else f"goes to the coda (measure {names[coda]})"
    warnings.append(f"{said}; after it the piece {then} before the trio (measure {names[trio]}).")
    return signs
