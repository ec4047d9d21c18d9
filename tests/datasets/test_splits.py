"""Who learns from a piece is not tested on it, and nothing but its name says which."""

import itertools

import numpy as np
import pytest

from mss_lab.datasets import splits

SHARES = {"train": 0.8, "valid": 0.08, "test": 0.12}
NAMES = [f"piece {number}" for number in range(2000)]


def test_every_name_is_on_one_side_and_the_shares_come_out():
    sides = splits.split(NAMES, SHARES)
    assert list(sides) == list(SHARES)
    assert sorted(itertools.chain(*sides.values())) == sorted(NAMES)
    for side, share in SHARES.items():
        # Five standard deviations of a draw.
        assert abs(len(sides[side]) / 2000 - share) < 5 * np.sqrt(share * (1 - share) / 2000)


def test_a_name_goes_where_it_goes_whoever_stands_beside_it():
    sides = splits.split(NAMES, SHARES)
    fewer = splits.split(reversed(NAMES[::3]), SHARES)
    assert all(set(fewer[side]) <= set(sides[side]) for side in SHARES)
    assert fewer["train"] == tuple(sorted(fewer["train"]))
    # Written down, so that another machine or another year cannot change it.
    assert [splits.side_of(name, SHARES) for name in PINNED] == list(PINNED.values())


PINNED = {"bwv1.6": "train", "bwv112.5": "valid", "bwv113.1": "train", "bwv115.6": "valid", "piece 3": "test"}


def test_groups_stay_together():
    groups = {name: f"group {int(name.split()[1]) // 7}" for name in NAMES}
    sides = splits.split(NAMES, SHARES, groups=groups)
    side_of = {name: side for side, names in sides.items() for name in names}
    assert all(side_of[name] == splits.side_of(groups[name], SHARES) for name in NAMES)
    assert all(len(names) for names in sides.values())


@pytest.mark.parametrize("shares, wanted", [({"a": 1}, "a"), ({"a": 0, "b": 3}, "b"), ({"a": 1, "b": 0}, "a")])
def test_a_share_of_nothing_gets_nothing(shares, wanted):
    assert all(splits.side_of(name, shares) == wanted for name in NAMES)


@pytest.mark.parametrize(
    "shares, words", [({}, "a share above 0"), ({"a": 0}, "a share above 0"), ({"a": -1}, r"shares\['a'\] must be")]
)
def test_shares_that_divide_nothing_are_refused(shares, words):
    with pytest.raises(ValueError, match=words):
        splits.side_of("name", shares)


def songs(*made):
    return [{"piece": np.array(piece), "timbres": np.array(timbres)} for piece, timbres in made]


TRAIN = songs(("a", ["font/040", "font/071"]), ("b", ["font/040", "harmonic/1"]))


def test_sides_that_share_nothing_pass():
    splits.check_no_leak(TRAIN, songs(("c", ["other/040", "other/071"]), ("d", ["other/040", "harmonic/2"])))
    splits.check_no_leak(TRAIN, songs(("c", ["font/040", "font/071"])), kinds=("piece",))
    splits.check_no_leak(TRAIN, [])


@pytest.mark.parametrize(
    "other, words",
    [
        (
            songs(("c", ["other/040", "other/071"]), ("b", ["other/040", "other/071"])),
            r"no piece, got 1 in both \(b he",
        ),
        (songs(("c", ["other/040", "harmonic/1"])), r"no timbres, got 1 in both \(harmonic/1 here"),
    ],
)
def test_a_leak_is_found(other, words):
    with pytest.raises(ValueError, match=words):
        splits.check_no_leak(TRAIN, other)
    with pytest.raises(ValueError, match=words.replace(" here", "").replace(" he", "")):
        splits.check_no_leak(other, TRAIN)


def test_a_leak_through_a_twin_is_found():
    other = songs(("c", ["other/040"]))
    groups = {"c": "b"}
    with pytest.raises(ValueError, match=r"no piece, got 1 in both \(b here and c there\)"):
        splits.check_no_leak(TRAIN, other, groups=groups)


def test_items_that_do_not_say_what_they_were_made_from_are_refused():
    with pytest.raises(KeyError, match="item 0 must say its piece"):
        splits.check_no_leak(TRAIN, [{"audio": np.zeros((2, 5))}])
