"""Hierarchies: levels and sums of stems, and trees that are none."""

import numpy as np
import pytest

from mss_lab import hierarchy

TREES = {"quartet": hierarchy.QUARTET, "band": hierarchy.BAND, "hornbostel_sachs": hierarchy.HORNBOSTEL_SACHS}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_every_leaf_has_one_ancestor_at_each_level(tree):
    assert tree.levels == 3
    for leaf in tree.leaves:
        assert tree.ancestor(leaf, 1) == leaf
        for level in range(1, 4):
            assert leaf in tree.leaves_of(tree.ancestor(leaf, level))
    for level in range(1, 4):
        below = [leaf for node in tree.nodes(level) for leaf in tree.leaves_of(node)]
        assert sorted(below) == sorted(tree.leaves)


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_the_stems_of_every_level_add_up_to_the_mixture(tree, rng):
    stems = {leaf: rng.standard_normal((2, 50)) for leaf in tree.leaves[::2]}
    mixture = sum(stems.values())
    for level in range(1, 4):
        nodes = tree.stems(stems, level)
        np.testing.assert_allclose(sum(nodes.values()), mixture, atol=1e-6)
        for node, waveform in nodes.items():
            parts = [stems[leaf] for leaf in tree.leaves_of(node) if leaf in stems]
            np.testing.assert_allclose(waveform, sum(parts), atol=1e-6)


def test_a_parent_with_one_sounding_child_is_its_child_and_no_input_changes(rng):
    stems = {"violin": rng.standard_normal((1, 9)), "clarinet": rng.standard_normal((1, 9))}
    before = {name: waveform.copy() for name, waveform in stems.items()}
    found = hierarchy.QUARTET.stems(stems, 3)
    found["strings"] += 1
    assert set(found) == {"winds", "strings"}
    for name in stems:
        np.testing.assert_array_equal(stems[name], before[name])


def test_both_ways_to_write_a_tree_agree():
    nested = hierarchy.from_nested({"winds": {"flute": {}, "oboe": {}}, "strings": {"violin": {}}})
    parents = {"flute": "winds", "oboe": "winds", "violin": "strings", "winds": None, "strings": ""}
    assert hierarchy.from_parents(parents) == nested


def test_a_stem_is_salient_above_minus_thirty_decibels():
    loud, soft = (np.full((1, 100), 10 ** (level_db / 20)) for level_db in (-29.9, -30.1))
    assert hierarchy.is_salient(loud) and not hierarchy.is_salient(soft)
    assert not hierarchy.is_salient(np.zeros((1, 100)))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: hierarchy.from_nested({"a": {"x": {}}, "b": {"x": {}}}), "x below a and below b"),
        (lambda: hierarchy.from_nested({"a": {"a": {}}}), "one parent"),
        (lambda: hierarchy.from_nested({"a": {"x": {}}, "b": {}}), "same depth"),
        (lambda: hierarchy.from_nested({}), "at least one leaf"),
        (lambda: hierarchy.from_parents({"a": "b", "b": "c", "c": "a"}), "a cycle: a below b below c below a"),
        (lambda: hierarchy.from_parents({"x": "a", "a": "a"}), "a cycle"),
        (lambda: hierarchy.from_parents({"x": "a"}), "which is missing"),
        (lambda: hierarchy.QUARTET.stems({"tuba": np.zeros((1, 4))}, 1), "leaf_stems must be one of"),
        (lambda: hierarchy.QUARTET.nodes(4), "level must be"),
        (lambda: hierarchy.QUARTET.leaves_of("brass"), "node must be one of"),
    ],
)
def test_trees_that_are_none_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_tree_of_a_reader_gets_a_name_for_recipes(monkeypatch):
    monkeypatch.setattr(hierarchy, "TREES", dict(hierarchy.TREES))
    tree = hierarchy.from_nested({"a": {"x": {}, "y": {}}})
    hierarchy.register("mine", tree)
    hierarchy.register("mine", tree)
    assert hierarchy.TREES["mine"] is tree
    with pytest.raises(ValueError, match="got band, which is a shipped tree's"):
        hierarchy.register("band", tree)
    with pytest.raises(TypeError, match="must be a Hierarchy, got a dict"):
        hierarchy.register("other", {"a": {}})


def test_a_tree_of_something_else_is_refused():
    with pytest.raises(TypeError, match="for a leaf"):
        hierarchy.from_nested({"a": ["x"]})
