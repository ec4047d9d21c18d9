"""Splits: the pieces and timbres that a network is trained on, and those that it is tested on.

A piece or a timbre is assigned to a side only by its name, through a checksum: the result is the same on every machine
and in every order, and a new piece does not move any other. Related pieces, such as arrangements of one tune or
renditions of one performance, are assigned together. Two of the four sides of the course's training set differ in only
one respect:

    train    pieces to learn from       timbres to learn from
    valid    pieces of its own          timbres to learn from     (chooses when to stop)
    seen     pieces of its own          timbres to learn from     (tests: other music, known instruments)
    unseen   the same pieces as seen    timbres of its own        (tests: other music, other instruments)

Contents: side_of, split, check_no_leak. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue


def side_of(name: str, shares: Mapping[str, float]) -> str:
    """The side to which a name is assigned.

    Parameters
    ----------
    name : str
    shares : dict of side -> share
        Numbers of 0 or more; only their ratios matter. The order of the sides matters.

    Returns
    -------
    str
        A key of `shares`, with these shares as probabilities, but always the same for one name.

    Raises
    ------
    TypeError, ValueError
        If a share is not a number of 0 or more, or all are 0.

    Lesson: notebooks/15_data_is_the_model.ipynb

    Examples
    --------
    >>> side_of("bwv269", {"train": 1, "test": 0})
    'train'
    """
    limits = {side: checks.check_number(f"shares[{side!r}]", share, at_least=0) for side, share in shares.items()}
    total = sum(limits.values())
    if total <= 0:
        raise RefusedValue(f"shares must name a side with a share above 0, got {dict(shares)}; give one")
    # 64 bits of the checksum as a number from 0 to 1.
    position = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64 * total
    for side, share in limits.items():
        position -= share
        if position < 0:
            return side
    # Rounding may leave a remainder at the very end.
    return next(side for side in reversed(limits) if limits[side] > 0)


def split(
    names: Iterable[str], shares: Mapping[str, float], *, groups: Mapping[str, str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Divide names among sides, whole groups at a time.

    Parameters
    ----------
    names : names
    shares : dict of side -> share
    groups : dict of name -> group, optional
        Names that must stay together, as returned by `mss_lab.datasets.repertoire.families`; others are independent.

    Returns
    -------
    dict of side -> names
        Every side, every name once, in alphabetical order.

    Lesson: notebooks/15_data_is_the_model.ipynb

    Examples
    --------
    >>> split(["a", "b", "c", "d"], {"train": 3, "test": 1})
    {'train': ('b', 'c', 'd'), 'test': ('a',)}
    """
    sides: dict[str, list[str]] = {side: [] for side in shares}
    for name in sorted(set(names)):
        sides[side_of((groups or {}).get(name, name), shares)].append(name)
    return {side: tuple(names_of_side) for side, names_of_side in sides.items()}


def check_no_leak(
    one: Iterable[Mapping[str, Any]],
    other: Iterable[Mapping[str, Any]],
    *,
    kinds: Iterable[str] = ("piece", "timbres"),
    groups: Mapping[str, str] | None = None,
) -> None:
    """Refuse two stores of songs if one of them contains what the other tests.

    Parameters
    ----------
    one, other : stores, or other sequences of items
        Items with the attributes that they were made from: `piece`, a name, and `timbres`, one name for each source.
    kinds : names
        Attributes that must differ: by default both; ``("piece",)`` if the instruments may be the same.
    groups : dict of name -> group, optional
        Pieces or timbres that count as one.

    Raises
    ------
    KeyError
        If an item does not have the attribute.
    ValueError
        If a value is in both; the message names it.

    Lesson: notebooks/15_data_is_the_model.ipynb

    Examples
    --------
    >>> train, test = [{"piece": "bwv269"}], [{"piece": "bwv270"}]
    >>> check_no_leak(train, test, kinds=("piece",))
    >>> check_no_leak(train, [*test, *train], kinds=("piece",))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    mss_lab.refusals.RefusedValue: two sides of a split must share no piece, got 1 in both ...
    """
    one, other, groups = list(one), list(other), groups or {}
    for kind in kinds:
        here, there = (_groups_of(items, kind, groups) for items in (one, other))
        common = sorted(here.keys() & there.keys())
        if common:
            named = "; ".join(f"{here[name]} here and {there[name]} there" for name in common[:3])
            raise RefusedValue(
                f"two sides of a split must share no {kind}, got {len(common)} in both ({named}); "
                "make one of them again without them"
            )


def _groups_of(items: list[Mapping[str, Any]], kind: str, groups: Mapping[str, str]) -> dict[str, str]:
    """Map every group that occurs to one of its names."""
    one_name = {}
    for number, item in enumerate(items):
        if kind not in item:
            raise KeyError(f"item {number} must say its {kind}, got {', '.join(item)}; make the store again")
        for name in np.atleast_1d(item[kind]):
            one_name[groups.get(str(name), str(name))] = str(name)
    return one_name
