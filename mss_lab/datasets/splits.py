"""Splits: which pieces, and which timbres, a network learns from, and which it is tested on.

A piece or a timbre goes to a side by its name alone, through a checksum: the same on every machine and in every
order, and whoever adds a piece moves no other. What belongs together, settings of one tune or renditions of one
performance, goes together. Two of four sides of the course's training set differ in one thing only:

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
    """The side on which a name falls.

    Parameters
    ----------
    name : str
    shares : dict of side -> share
        Numbers of 0 or more; only their ratios count. The order of the sides matters.

    Returns
    -------
    str
        A key of `shares`, drawn as if at random with these shares, but always the same for one name.

    Raises
    ------
    TypeError, ValueError
        If a share is no number of 0 or more, or all are 0.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    limits = {side: checks.check_number(f"shares[{side!r}]", share, at_least=0) for side, share in shares.items()}
    total = sum(limits.values())
    if total <= 0:
        raise RefusedValue(f"shares must name a side with a share above 0, got {dict(shares)}; give one")
    # 64 bits of the checksum as a number from 0 to 1.
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64 * total
    for side, share in limits.items():
        place -= share
        if place < 0:
            return side
    # Rounding at the very end.
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
        What must not be parted, as `mss_lab.datasets.repertoire.families` says; a name that is not there stands alone.

    Returns
    -------
    dict of side -> names
        Every side, every name once, in alphabetical order.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    sides: dict[str, list[str]] = {side: [] for side in shares}
    for name in sorted(set(names)):
        sides[side_of((groups or {}).get(name, name), shares)].append(name)
    return {side: tuple(found) for side, found in sides.items()}


def check_no_leak(
    one: Iterable[Mapping[str, Any]],
    other: Iterable[Mapping[str, Any]],
    *,
    kinds: Iterable[str] = ("piece", "timbres"),
    groups: Mapping[str, str] | None = None,
) -> None:
    """Refuse two stores of songs of which one has heard what the other tests.

    Parameters
    ----------
    one, other : stores, or other sequences of items
        Items that say what they were made from: `piece`, a name, and `timbres`, one name for each source.
    kinds : names
        What must differ: by default both; ``("piece",)`` where the instruments may be the same.
    groups : dict of name -> group, optional
        Pieces or timbres that count as one.

    Raises
    ------
    KeyError
        If an item does not say it.
    ValueError
        If something is in both; the message names it.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    one, other, groups = list(one), list(other), groups or {}
    for kind in kinds:
        here, there = (_heard(items, kind, groups) for items in (one, other))
        common = sorted(here.keys() & there.keys())
        if common:
            named = "; ".join(f"{here[name]} here and {there[name]} there" for name in common[:3])
            raise RefusedValue(
                f"two sides of a split must share no {kind}, got {len(common)} in both ({named}); "
                "make one of them again without"
            )


def _heard(items: list[Mapping[str, Any]], kind: str, groups: Mapping[str, str]) -> dict[str, str]:
    """Every group that is heard -> one of its names."""
    heard = {}
    for number, item in enumerate(items):
        if kind not in item:
            raise KeyError(f"item {number} must say its {kind}, got {', '.join(item)}; make the store again")
        for name in np.atleast_1d(item[kind]):
            heard[groups.get(str(name), str(name))] = str(name)
    return heard
