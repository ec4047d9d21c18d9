"""Bootstrapping: new renditions in every stage, some of them twice, and always the same ones for the same step."""

from types import MappingProxyType

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import bootstrap, segments  # noqa: E402


class Songs(list):
    facts = MappingProxyType({"sources": ("a",), "sample_rate_hz": 16_000})


def batches(seed=0, count=40, items=None):
    """One sample a song, which is the song's number."""
    store = Songs({"audio": np.full((1, 1), number, np.float32), "notes": np.zeros((0, 4))} for number in range(count))
    return segments.batches(store, length_samples=1, batch=8, seed=seed, gains=(1, 1), items=items)


def heard(given, steps):
    return {int(number) for step in steps for number in given(step)["sources"].flatten()}


def test_a_stage_hears_its_own_renditions_and_no_others():
    given = bootstrap.stages(batches(), drawn=5, steps_a_stage=100)
    first, second = given.items(0), given.items(100)
    assert given.items(99) == first != second
    assert heard(given, range(100)) == set(first)
    assert heard(given, range(100, 200)) == set(second)


def test_renditions_are_drawn_with_replacement():
    given = bootstrap.stages(batches(count=10), drawn=50, steps_a_stage=1)
    drawn = [given.items(step) for step in range(100)]
    assert all(len(items) == 50 for items in drawn)
    counts = np.bincount(np.concatenate(drawn), minlength=10)
    # 500 of each are expected, give or take 21.
    assert np.all(np.abs(counts - 500) < 5 * 21)
    assert max(np.bincount(drawn[0])) > 5


def test_one_drawn_twice_is_heard_twice_as_often():
    given = bootstrap.stages(batches(count=3), drawn=5, steps_a_stage=10_000)
    counts = np.zeros(3)
    for step in range(200):
        counts += np.bincount(given(step)["sources"].flatten().int(), minlength=3)
    expected = np.bincount(given.items(0), minlength=3) / 5 * 1600
    assert np.all(np.abs(counts - expected) < 5 * np.sqrt(400))
    assert np.ptp(expected[expected > 0]) > 0


def test_a_step_depends_on_the_seed_and_on_nothing_that_came_before():
    one = bootstrap.stages(batches(seed=3), drawn=5, steps_a_stage=10)
    other = bootstrap.stages(batches(seed=3), drawn=5, steps_a_stage=10)
    expected = [one(step)["sources"] for step in range(30)]
    for step in (29, 3, 17):
        assert torch.equal(other(step)["sources"], expected[step])
    assert bootstrap.stages(batches(seed=4), drawn=5, steps_a_stage=10).items(0) != one.items(0)


def test_without_redrawing_the_set_stays():
    given = bootstrap.stages(batches(), drawn=5, steps_a_stage=10, redraw=False)
    assert {given.items(step) for step in range(100)} == {given.items(0)}


def test_only_items_that_were_given_are_drawn_and_processes_share_a_batch():
    given = bootstrap.stages(batches(items=(3, 5, 7)), drawn=50, steps_a_stage=10)
    assert set(given.items(0)) == {3, 5, 7}
    halves = [given.part(12, rank, 2)["sources"] for rank in (0, 1)]
    assert torch.equal(torch.cat(halves), given(12)["sources"])


def test_facts_say_how_it_was_made():
    given = bootstrap.stages(batches(), drawn=5, steps_a_stage=10)
    assert given.facts["bootstrap"] == {"drawn": 5, "steps_a_stage": 10, "redraw": True}
    assert given.facts["batch"] == 8 and given.sources == ("a",) and given.sample_rate_hz == 16_000


def test_none_to_draw_is_refused():
    with pytest.raises(ValueError, match="drawn must be a whole number at least 1"):
        bootstrap.stages(batches(), drawn=0, steps_a_stage=10)
