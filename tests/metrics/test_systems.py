"""Means of systems over the same items: the report's table, one definition, and what is refused."""

import math

import numpy as np
import pytest

from mss_lab.metrics.systems import mean_over_items
from tests.measures import refusal

OURS = {"strings": 0.5249, "winds": 0.5084}
BASELINE = {"strings": 0.5350, "winds": 0.4965}
PIECES = {"strings": 457, "winds": 554}


def pieces(of_group):
    return {f"{group} {index}": of_group[group] for group, count in PIECES.items() for index in range(count)}


def test_the_table_of_the_report_averaged_alike():
    means = mean_over_items({"ours": OURS, "baseline": BASELINE}, weights=PIECES)
    assert round(means.means["ours"], 4) == 0.5159
    assert round(means.means["baseline"], 4) == 0.5139
    # The report printed the baseline's mean of two means beside its own mean of 1011 pieces.
    unweighted = mean_over_items({"ours": OURS, "baseline": BASELINE})
    assert abs(unweighted.means["baseline"] - 0.5157) < 1e-4
    assert means.difference("ours", "baseline") == pytest.approx(0.0020, abs=5e-5)


def test_weights_of_groups_are_items_counted_one_by_one():
    grouped = mean_over_items({"ours": OURS, "baseline": BASELINE}, weights=PIECES)
    single = mean_over_items({"ours": pieces(OURS), "baseline": pieces(BASELINE)})
    assert single.means == pytest.approx(grouped.means, abs=1e-12) and len(single.items) == 1011


def test_the_difference_of_means_is_the_mean_of_differences(rng):
    first, second, weights = rng.standard_normal((2, 20)), rng.standard_normal((2, 20)), rng.uniform(0, 3, 20)
    systems = {"a": dict(enumerate(first[0])), "b": dict(enumerate(second[0]))}
    expected = np.average(first[0] - second[0], weights=weights)
    means = mean_over_items(systems, weights=dict(enumerate(weights)))
    assert means.difference("a", "b") == pytest.approx(expected, abs=1e-12)


def test_an_item_without_a_value_is_left_out_for_all():
    systems = {"a": {"x": 1.0, "y": math.nan, "z": 5.0}, "b": {"z": 2.0, "y": 100.0, "x": -math.inf}}
    means = mean_over_items(systems)
    assert means.means == {"a": 5.0, "b": 2.0} and means.items == ("z",) and means.left_out == ("x", "y")
    assert math.isnan(mean_over_items({"a": {"x": math.nan}}).means["a"])


@pytest.mark.parametrize(
    "systems, weights, error, words",
    [
        ({"a": {"x": 1.0, "y": 2.0}, "b": {"x": 1.0}}, None, ValueError, "b lacks y"),
        ({"a": {"x": 1.0}, "b": {"x": 1.0, "y": 2.0}}, None, ValueError, "a lacks y"),
        ({"a": {"x": 1.0}, "b": dict.fromkeys("abcdefgx", 1.0)}, None, ValueError, "and 2 more"),
        ({"a": {"x": 1.0}}, {"y": 1.0}, ValueError, "weights lacks x"),
        ({"a": {"x": 1.0}}, {"x": 0.0}, ValueError, "only zeros"),
        ({"a": {"x": 1.0}}, {"x": -1.0}, ValueError, "at least 0"),
        ({"a": {"x": 1.0}}, [1.0], TypeError, "weights must map"),
        ({}, None, ValueError, "at least one system"),
        ({"a": {}}, None, ValueError, "at least one system"),
        ({"a": [1.0]}, None, TypeError, "must map each system"),
        ({"a": {"x": "1.0"}}, None, TypeError, "must be a number"),
    ],
)
def test_means_that_cannot_be_compared_are_refused(systems, weights, error, words):
    assert words in refusal(lambda: mean_over_items(systems, weights=weights), error)


def test_unknown_systems_are_refused():
    means = mean_over_items({"a": {"x": 1.0}})
    assert "'a'" in refusal(lambda: means.difference("a", "c"))
