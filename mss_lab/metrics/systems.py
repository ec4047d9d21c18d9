"""Means of several systems over the same items, with the same weights: the only ones that may be compared.

A report once printed 0.5159 for its own system and 0.5157 for the baseline. The first was the mean over all pieces, the
second the mean of two means, one of the pieces for strings and one of those for winds, which are not equally many. Over
the same pieces the baseline has 0.5139. So here every system is averaged at once, over the same items and weights.

Contents: mean_over_items, Means. Reference: the report's Table 2 (University of Thessaly, 2024/25).
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from .. import checks
from ..refusals import RefusedType, RefusedValue


@dataclasses.dataclass(frozen=True)
class Means:
    """The mean of each system.

    Attributes
    ----------
    means : dict of system -> float
        nan if no item is left.
    items : tuple of str
        Those in every mean.
    left_out : tuple of str
        Those in none, because a system has nan or an infinite value for them.
    """

    means: dict[str, float]
    items: tuple[str, ...]
    left_out: tuple[str, ...]

    def difference(self, system: str, other: str) -> float:
        """The mean of one system minus that of another, which is the mean of their differences; ValueError if unknown.

        Examples
        --------
        >>> means = mean_over_items({"ours": {"a": 1.0, "b": 3.0}, "theirs": {"a": 0.0, "b": 1.0}})
        >>> means.difference("ours", "theirs")
        1.5
        """
        checks.check_choice("system", system, self.means)
        checks.check_choice("other", other, self.means)
        return self.means[system] - self.means[other]


def mean_over_items(systems: Mapping[str, Mapping[str, float]], *, weights: Mapping[str, float] | None = None) -> Means:
    """The weighted mean of a metric over items, for each of several systems.

    Parameters
    ----------
    systems : dict of system -> dict of item -> float
        A metric of every item, such as a piece or a scene with its listener. All systems must have the same items.
    weights : dict of item -> float >= 0, optional
        The weight of each item, the same for all systems: for means of groups, the number of items in each group.
        Default: every item has the same weight.

    Returns
    -------
    Means
        An item for which one system has nan or an infinite value is left out for all of them.

    Raises
    ------
    TypeError
        If an argument is no mapping, or a value no number.
    ValueError
        If the systems, or the weights, have different items, there is none, or all weights are 0.

    Examples
    --------
    The report's means of 457 pieces for strings and 554 for winds.

    >>> groups = {"ours": {"strings": 0.5249, "winds": 0.5084}, "baseline": {"strings": 0.5350, "winds": 0.4965}}
    >>> means = mean_over_items(groups, weights={"strings": 457, "winds": 554}).means
    >>> round(means["ours"], 4), round(means["baseline"], 4)
    (0.5159, 0.5139)
    """
    items = _checked_items(systems)
    values = np.array([[_number(system, item, of_item[item]) for item in items] for system, of_item in systems.items()])
    of_items = np.ones(len(items)) if weights is None else _checked_weights(weights, items)
    is_kept = np.isfinite(values).all(axis=0)
    total = float(of_items[is_kept].sum())
    means = values[:, is_kept] @ of_items[is_kept] / total if total > 0 else np.full(len(values), np.nan)
    return Means(
        {system: float(mean) for system, mean in zip(systems, means, strict=True)},
        items=tuple(item for item, kept in zip(items, is_kept, strict=True) if kept),
        left_out=tuple(item for item, kept in zip(items, is_kept, strict=True) if not kept),
    )


def _checked_items(systems: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    if not isinstance(systems, Mapping) or not all(isinstance(of_item, Mapping) for of_item in systems.values()):
        raise RefusedType("systems must map each system to a dict of item -> number; pass {'ours': {'piece 1': 0.5}}")
    if not systems or not next(iter(systems.values())):
        raise RefusedValue("systems must hold at least one system with one item, got none; evaluate one first")
    (first, of_first), *others = systems.items()
    for system, of_item in others:
        _check_same_items(system, of_item, first, of_first)
    return tuple(of_first)


def _checked_weights(weights: Mapping[str, float], items: tuple[str, ...]) -> np.ndarray:
    if not isinstance(weights, Mapping):
        raise RefusedType(f"weights must map items to numbers, got {type(weights).__name__}; pass a dict")
    _check_same_items("weights", weights, "the systems", dict.fromkeys(items))
    of_items = np.array([checks.check_number(f"weights[{item!r}]", weights[item], at_least=0) for item in items])
    if not of_items.any():
        raise RefusedValue("weights must have at least one above 0, got only zeros; leave them out for equal weights")
    return of_items.astype(np.float64)


def _check_same_items(name: str, items: Mapping[str, object], other_name: str, others: Mapping[str, object]) -> None:
    if missing := [item for item in others if item not in items]:
        raise RefusedValue(
            f"{name} and {other_name} must have the same items, but {name} lacks {_listed(missing)}; "
            "means over different items cannot be compared: evaluate these too, or remove them from all"
        )
    if surplus := [item for item in items if item not in others]:
        raise RefusedValue(
            f"{name} and {other_name} must have the same items, but {other_name} lacks {_listed(surplus)}; "
            "means over different items cannot be compared: evaluate these too, or remove them from all"
        )


def _listed(items: list[str]) -> str:
    return ", ".join(map(str, items[:5])) + (f" and {len(items) - 5} more" if len(items) > 5 else "")


def _number(system: str, item: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise RefusedType(f"the value of {system} for {item} must be a number, got {value!r}; pass nan for none")
    return float(value)
