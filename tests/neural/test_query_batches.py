"""Batches for hierarchies: who is in a mixture, what belongs to which level, and queries from elsewhere."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab import hierarchy  # noqa: E402
from mss_lab.datasets import store as stores  # noqa: E402
from mss_lab.datasets.duets import Songs  # noqa: E402
from mss_lab.neural import query_batches  # noqa: E402
from mss_lab.neural.query_data import QueryData  # noqa: E402

TREE = hierarchy.from_nested({"reeds": {"oboe": {}, "clarinet": {}}, "strings": {"violin": {}, "cello": {}}})
PROGRAMS = {"oboe": 68, "clarinet": 71, "violin": 40, "cello": 42}
RATE_HZ, SAMPLES = 8_000, 4_000


def song(number, leaves, seconds=1.0):
    """Stems whose constant value says which instrument of which song they are."""
    codes = [list(PROGRAMS).index(leaf) + number / 100 for leaf in leaves]
    return {
        "audio": np.array([[0.1 + 0.1 * code] * round(seconds * RATE_HZ) for code in codes], np.float16),
        "notes": np.zeros((0, 4)),
        "programs": np.array([PROGRAMS.get(leaf, 0) for leaf in leaves], np.uint8),
        "timbres": np.array([f"{leaf} {number // 4}" for leaf in leaves]),
    }


@pytest.fixture(scope="module")
def songs():
    facts = {"sources": ["player 1", "player 2"], "sample_rate_hz": RATE_HZ}
    pairs = [("oboe", "violin"), ("clarinet", "cello"), ("oboe", "cello"), ("violin", "clarinet")]
    return Songs([song(number, pairs[number % 4]) for number in range(8)], facts)


def batches(songs, **changes):
    options = {"length_samples": SAMPLES, "batch": 6, "seed": 1, "players": 3, "gains": (1.0, 1.0)}
    return query_batches.batches(songs, TREE, **{**options, **changes})


def code_of(waveform):
    """Instrument and song of a stem, by its value."""
    value = (float(waveform.max()) - 0.1) * 10
    return list(PROGRAMS)[int(value + 0.005)], round(100 * (value % 1)) % 100


def test_stems_are_found_by_the_programs_of_their_song(songs):
    stems = query_batches.stems_of(songs, TREE)
    assert {leaf: [(stem.item, stem.source) for stem in found] for leaf, found in stems.items()} == {
        "oboe": [(0, 0), (2, 0), (4, 0), (6, 0)],
        "clarinet": [(1, 0), (3, 1), (5, 0), (7, 1)],
        "violin": [(0, 1), (3, 0), (4, 1), (7, 0)],
        "cello": [(1, 1), (2, 1), (5, 1), (6, 1)],
    }


def test_the_name_of_a_source_goes_before_its_program():
    named = Songs([song(0, ("oboe",))], {"sources": ["cello"], "sample_rate_hz": RATE_HZ})
    assert list(query_batches.stems_of(named, TREE)) == ["cello"]


def test_a_batch_says_what_belongs_to_each_level(songs):
    batch = batches(songs)(3)
    assert batch["sources"].shape == (6, 3, SAMPLES)
    assert batch["belongs"].shape == (6, 2, 3)
    for sources, belongs in zip(batch["sources"], batch["belongs"], strict=True):
        leaves = [code_of(source)[0] for source in sources]
        assert len(set(leaves)) == 3
        # The second one is of the family of the first, the third is not.
        assert TREE.ancestor(leaves[0], 2) == TREE.ancestor(leaves[1], 2) != TREE.ancestor(leaves[2], 2)
        assert belongs.tolist() == [[1, 0, 0], [1, 1, 0]]


def test_a_batch_names_the_target_where_it_is_labelled(songs):
    for step in range(3):
        batch = batches(songs, labelled_leaves=0.5)(step)
        assert batch["leaf"].shape == (6,)
        for sources, labelled, leaf in zip(batch["sources"], batch["labelled"], batch["leaf"].tolist(), strict=True):
            assert leaf == (TREE.leaves.index(code_of(sources[0])[0]) if labelled[0] else -1)


def test_a_query_is_of_the_same_instrument_from_another_song_and_of_another_timbre(songs):
    made = batches(songs, query_samples=1000)
    for step in range(4):
        batch = made(step)
        for sources, query in zip(batch["sources"], batch["query"], strict=True):
            (leaf, number), (queried, other) = code_of(sources[0]), code_of(query)
            assert query.shape == (1000,)
            assert queried == leaf
            # Songs 0 to 3 have one timbre of each instrument, songs 4 to 7 another.
            assert number // 4 != other // 4


def test_several_players_of_a_mixture_can_be_targets(songs):
    batch, one = batches(songs, queries=2, batch=4)(2), batches(songs, batch=1)(2)
    # The sources do not depend on how many of them are asked for.
    assert torch.equal(batch["sources"][:1], one["sources"])
    assert (batch["query"].shape, batch["belongs"].shape) == ((8, SAMPLES), (8, 2, 3))
    assert (batch["labelled"].shape, batch["leaf"].shape) == ((8, 2), (8,))
    for row in range(8):
        sources, target = batch["sources"][row // 2], row % 2
        leaves = [code_of(source)[0] for source in sources]
        assert code_of(batch["query"][row])[0] == leaves[target] == TREE.leaves[batch["leaf"][row]]
        for level in (1, 2):
            expected = [TREE.ancestor(leaf, level) == TREE.ancestor(leaves[target], level) for leaf in leaves]
            assert batch["belongs"][row, level - 1].tolist() == expected


def test_instruments_are_changed_if_asked_for(songs):
    rng = np.random.default_rng(0)
    noisy = Songs(
        [{**item, "audio": (0.1 * rng.standard_normal((2, 3 * SAMPLES))).astype(np.float32)} for item in songs],
        songs.facts,
    )
    plain = batches(noisy)(1)
    for changes in ({"equaliser_db": 6.0}, {"varied_speed": True}):
        made, again = batches(noisy, **changes)(1), batches(noisy, **changes)(1)
        assert {name: values.shape for name, values in made.items()} == {
            name: values.shape for name, values in plain.items()
        }
        assert torch.equal(made["query"], again["query"]) and bool(made["sources"].isfinite().all())
        assert not torch.equal(made["query"], plain["query"])
        assert not torch.equal(made["sources"], plain["sources"])
        assert batches(noisy, **changes).facts != batches(noisy).facts


def test_with_one_timbre_a_query_still_comes_from_another_song(songs):
    batch = batches(songs, items=range(4))(0)
    for sources, query in zip(batch["sources"], batch["query"], strict=True):
        (leaf, number), (queried, other) = code_of(sources[0]), code_of(query)
        assert queried == leaf and number != other


def test_a_batch_depends_on_seed_and_step_alone(songs):
    first, again = batches(songs)(5), batches(songs)(5)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(batches(songs)(6)["sources"], first["sources"])
    assert not torch.equal(batches(songs, seed=2)(5)["sources"], first["sources"])


def test_facts_are_for_json_and_tell_batches_apart(songs):
    facts = batches(songs).facts
    assert json.loads(json.dumps(facts)) == json.loads(json.dumps(batches(songs).facts))
    for changes in ({"target": "oboe"}, {"labelled_leaves": 0.5}, {"items": [0, 1, 2, 3]}, {"queries": 2}):
        assert batches(songs, **changes).facts != facts


def test_a_share_of_the_leaves_has_labels_the_same_in_every_step(songs):
    made = batches(songs, labelled_leaves=0.5)
    seen = {}
    for step in range(20):
        batch = made(step)
        assert bool((batch["labelled"][:, 1] == 1).all())
        for sources, labelled in zip(batch["sources"], batch["labelled"], strict=True):
            seen.setdefault(code_of(sources[0]), set()).add(float(labelled[0]))
    assert all(len(values) == 1 for values in seen.values())
    assert {value for values in seen.values() for value in values} == {0.0, 1.0}


def test_a_separator_of_one_instrument_has_one_target(songs):
    batch = batches(songs, target="cello")(0)
    assert {code_of(sources[0])[0] for sources in batch["sources"]} == {"cello"}


def test_a_soft_passage_is_avoided():
    quiet_then_loud = np.concatenate([np.full(7 * RATE_HZ, 1e-3), np.full(RATE_HZ, 0.5)]).astype(np.float16)
    items = [dict(song(number, ("oboe", "violin")), audio=np.stack([quiet_then_loud] * 2)) for number in range(3)]
    made = batches(Songs(items, {"sources": ["a", "b"], "sample_rate_hz": RATE_HZ}), players=2, batch=32)
    peaks = made(0)["sources"].amax(dim=-1)
    # By chance three of sixteen would be loud.
    assert float((peaks > 0.1).float().mean()) > 0.5


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"players": 5}, "must hold 5 instruments of the tree, each in two songs or more, got 4"),
        ({"players": 1}, "players"),
        ({"queries": 0}, "queries"),
        ({"queries": 4}, "queries must be"),
        ({"queries": 2, "target": "oboe"}, "queries must be 1 where a target is set, got 2"),
        ({"target": "flute"}, "target"),
        ({"labelled_leaves": 1.5}, "labelled_leaves"),
        ({"length_samples": 0}, "length_samples"),
        ({"equaliser_db": -1.0}, "equaliser_db"),
        ({"items": [0, 1]}, "got 0: none"),
    ],
)
def test_refused_options(songs, changes, words):
    with pytest.raises(ValueError, match=words):
        batches(songs, **changes)


@pytest.fixture(scope="module")
def opened(songs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    facts = {"sources": ["a", "b"], "sample_rate_hz": RATE_HZ}
    leaves = [("oboe", "violin"), ("clarinet", "cello")]
    for side, count in (("train", 6), ("valid", 4)):
        recipe = [song(number, leaves[number % 2]) for number in range(count)].__getitem__
        stores.make(folder / side, recipe, count, facts=facts)
    return folder


def test_the_data_of_a_recipe_are_opened_with_the_levels_that_it_names(opened):
    data = QueryData(sample_rate_hz=RATE_HZ, levels=(1, 3), segment_s=0.2, query_s=0.1, batch=2, validate_batches=2)
    training = data.open(opened, None, seed=0)
    assert training.network_settings == {"sources": ["level 1", "level 3"], "sample_rate_hz": RATE_HZ}
    assert training.validated_on == "valid"
    batch = training.batches(None)(0)
    assert batch["belongs"].shape == (2, 2, 4)
    assert batch["query"].shape == (2, round(0.1 * RATE_HZ))
    assert len(training.validation(None)) == 2


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"tree": "oak"}, "tree"),
        ({"levels": ()}, "levels must be some of 1 to 3"),
        ({"levels": (2, 1)}, "levels must be some of 1 to 3"),
        ({"levels": (1, 4)}, "levels"),
        ({"items": 0.0}, "items"),
    ],
)
def test_refused_recipe_data(changes, words):
    with pytest.raises(ValueError, match=words):
        QueryData(**changes)


def test_songs_at_another_rate_are_refused(opened):
    with pytest.raises(ValueError, match="must be at 16000 Hz for this recipe, got 8000 Hz"):
        QueryData().open(opened, None, seed=0)


@pytest.mark.parametrize("at", [0, 5_000, 39_999])
def test_an_excerpt_of_a_stem_that_plays_one_short_note_holds_it(at):
    stem = np.zeros(40_000)
    stem[at] = 0.01
    for seed in range(5):
        excerpt = query_batches.salient_excerpt(stem, 400, np.random.default_rng(seed))
        assert excerpt.shape == (400,) and excerpt.max() == np.float32(0.01)
