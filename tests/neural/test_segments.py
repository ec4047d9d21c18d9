"""Segments: what a step is given follows from the seed and the step's number, and from nothing else."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab.neural import query_batches, segments
from mss_lab.neural.segments import batches, roll_of
from mss_lab.score.notes import Note, Score
from mss_lab.score.roll import piano_roll
from tests.neural.toy_network import RATE_HZ, SOURCES, Songs, song


def songs(count=5, length_s=1.0):
    return Songs([song(index, length_s) for index in range(count)])


def ramps(count=4, samples=1000):
    """Songs whose samples say which song, source and place they are from."""
    place = np.arange(samples) / 1024
    made = [np.stack([place + 1 + 2 * (2 * index + source) for source in range(2)]) for index in range(count)]
    return Songs([{"audio": audio.astype(np.float32), "notes": np.zeros((0, 4))} for audio in made])


def origin(value):
    """Song, source and place of a sample of `ramps`."""
    which = int((value - 1) // 2)
    return which // 2, which % 2, round((value - 1 - 2 * which) * 1024)


@pytest.mark.parametrize("frame_rate_hz", [100.0, 31.25, 8000 / 256])
def test_rolls_are_those_of_the_package(rng, frame_rate_hz):
    onsets_s = rng.uniform(0, 3, 40).round(2)
    rows = [(int(rng.integers(3)), float(rng.uniform(30, 90)), on, on + float(rng.uniform(0.01, 1))) for on in onsets_s]
    score = Score(tuple(Note("abc"[source], midi, on, off) for source, midi, on, off in rows), tuple("abc"))
    expected = piano_roll(score, 300, frame_rate_hz)
    made = roll_of(np.array(rows), 3, 300, frame_rate_hz)
    assert made.dtype == np.float32
    assert_array_equal(made, expected.transpose(0, 2, 1))


def test_a_roll_may_start_anywhere(rng):
    rows = np.array([(0, 60, 0.10, 0.29), (1, 64.6, 0.5, 1.0), (0, 60, 0.29, 0.4), (0, 60, 7.0, 8.0)])
    whole = roll_of(rows, 2, 200, 100.0)
    for first in (0, 9, 29, 50, 99, 150):
        assert_array_equal(roll_of(rows, 2, 50, 100.0, first / 100), whole[:, first : first + 50])
    assert whole[0, 10:40, 60].all() and whole.sum() == 30 + 50
    assert whole[1, 50:100, 65].all()
    assert roll_of(np.zeros((0, 4)), 2, 5, 100.0).sum() == 0


@pytest.mark.parametrize("roll_hop_samples", [None, 64])
def test_a_batch_has_the_promised_shape(roll_hop_samples):
    made = batches(songs(), length_samples=4000, batch=3, seed=1, roll_hop_samples=roll_hop_samples)
    batch = made(7)
    assert set(batch) == ({"sources"} if roll_hop_samples is None else {"sources", "rolls"})
    assert batch["sources"].shape == (3, 2, 4000)
    assert batch["sources"].dtype == torch.float32
    if roll_hop_samples:
        assert batch["rolls"].shape == (3, 2, 1 + 4000 // 64, 128)
        assert batch["rolls"].dtype == torch.float32
        assert set(batch["rolls"].unique().tolist()) == {0.0, 1.0}
    assert made.sources == SOURCES
    assert made.sample_rate_hz == RATE_HZ


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_step_is_the_same_whenever_it_comes():
    options = {"length_samples": 2000, "batch": 4, "roll_hop_samples": 64, "incoherent": 0.5}
    first, second = (batches(songs(), seed=3, **options) for _ in range(2))
    forwards = [first(step) for step in range(6)]
    backwards = [second(step) for step in reversed(range(6))][::-1]
    assert all(same(one, other) for one, other in zip(forwards, backwards, strict=True))
    assert not any(same(forwards[0], other) for other in forwards[1:])
    assert not same(forwards[0], batches(songs(), seed=4, **options)(0))


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_processes_share_one_batch(ranks):
    made = batches(songs(), length_samples=2000, batch=4, seed=3, roll_hop_samples=64, incoherent=0.5)
    whole = made(5)
    parts = [made.part(5, rank, ranks) for rank in range(ranks)]
    assert same({name: torch.cat([part[name] for part in parts]) for name in whole}, whole)


def test_a_batch_that_cannot_be_shared_is_refused():
    made = batches(songs(), length_samples=2000, batch=4, seed=3)
    with pytest.raises(ValueError, match="must be a multiple of the number of processes, 3, got 4; choose 6"):
        made.part(0, 0, 3)


def test_segments_are_cut_from_songs_at_one_place():
    store = ramps()
    made = batches(store, length_samples=100, batch=8, seed=0, gains=(1, 1))
    found = set()
    for step in range(20):
        for example in made(step)["sources"].numpy():
            song_index, _, place = origin(example[0, 0])
            for source in range(2):
                assert origin(example[source, 0]) == (song_index, source, place)
                assert_array_equal(example[source], store[song_index]["audio"][source, place : place + 100])
            found.add((song_index, place))
    assert {song_index for song_index, _ in found} == {0, 1, 2, 3}
    places = [place for _, place in found]
    assert 0 <= min(places) < 60 and 840 < max(places) <= 900


def test_a_song_as_long_as_a_segment_and_one_that_is_shorter():
    whole = ramps(1, 100)[0]["audio"]
    (example,) = batches(ramps(1, 100), length_samples=100, batch=1, seed=0, gains=(1, 1))(0)["sources"].numpy()
    assert_array_equal(example, whole)
    (example,) = batches(ramps(1, 100), length_samples=130, batch=1, seed=0, gains=(1, 1))(0)["sources"].numpy()
    assert_array_equal(example[:, :100], whole)
    assert not example[:, 100:].any()


def test_incoherent_mixtures_take_each_source_from_elsewhere():
    for incoherent, least, most in ((0.0, 0, 0), (0.5, 0.3, 0.7), (1.0, 0.98, 1)):
        made = batches(ramps(), length_samples=100, batch=16, seed=0, gains=(1, 1), incoherent=incoherent)
        examples = [example for step in range(10) for example in made(step)["sources"].numpy()]
        for example in examples:
            assert [origin(example[source, 0])[1] for source in range(2)] == [0, 1]
        apart = [origin(example[0, 0])[::2] != origin(example[1, 0])[::2] for example in examples]
        assert least <= np.mean(apart) <= most


def test_gains_are_drawn_for_each_source():
    options = {"length_samples": 100, "batch": 16, "seed": 0}
    plain, drawn = (batches(ramps(), gains=gains, **options)(0)["sources"] for gains in ((1, 1), (0.25, 1.25)))
    ratios = (drawn / plain).numpy()
    assert_allclose(ratios, np.broadcast_to(ratios[:, :, :1], ratios.shape), rtol=1e-5)
    gains = ratios[:, :, 0]
    assert 0.25 <= gains.min() < 0.4 and 1.1 < gains.max() <= 1.25
    assert np.abs(gains[:, 0] - gains[:, 1]).min() > 1e-4
    assert not batches(ramps(), gains=(0, 0), **options)(0)["sources"].any()


@pytest.mark.parametrize("incoherent", [0.0, 1.0])
def test_rolls_lie_where_the_notes_sound(incoherent):
    hop = 64
    made = batches(songs(), length_samples=4000, batch=8, seed=2, roll_hop_samples=hop, incoherent=incoherent)
    for step in range(5):
        batch = made(step)
        heard = torch.nn.functional.pad(batch["sources"].abs(), (0, hop)).unfold(-1, hop, hop).amax(dim=-1) > 0
        written = batch["rolls"].any(dim=-1)
        # A frame that is written and not heard, or the other way, lies at a note's end.
        assert (heard[..., : written.shape[-1]] != written).float().mean() < 0.04
        assert 0.2 < written.float().mean() < 0.95


def test_only_the_items_that_are_named_are_drawn():
    made = batches(ramps(), length_samples=100, batch=8, seed=0, gains=(1, 1), items=(1, 3))
    drawn = {origin(example[0, 0])[0] for step in range(10) for example in made(step)["sources"].numpy()}
    assert drawn == {1, 3}
    assert made.facts["items"] == [1, 3]


def test_facts_tell_batches_apart():
    options = {"length_samples": 100, "batch": 2, "seed": 0}
    one = batches(songs(), **options)
    assert one.facts == batches(songs(), **options).facts
    assert one.facts["items"] == 5
    for other in ({"seed": 1}, {"batch": 4}, {"gains": (1, 1)}, {"incoherent": 0.1}, {"roll_hop_samples": 4}):
        assert batches(songs(), **(options | other)).facts != one.facts
    assert batches(Songs([song(0)], seed=7), **options).facts != one.facts


def test_what_makes_no_sense_is_refused():
    options = {"length_samples": 100, "batch": 2, "seed": 0}
    for wrong, words in (
        ({"length_samples": 0}, "length_samples must be a whole number at least 1"),
        ({"batch": 0}, "batch must be a whole number at least 1"),
        ({"seed": -1}, "seed must be a whole number at least 0"),
        ({"gains": (-1, 1)}, "gains must be a number at least 0"),
        ({"incoherent": 2}, "incoherent must be a number at least 0 and at most 1"),
        ({"items": ()}, "items must name at least one item"),
    ):
        with pytest.raises(ValueError, match=words):
            batches(songs(), **(options | wrong))
    bare = Songs([song(0)])
    bare.facts = {}
    with pytest.raises(ValueError, match="with sources, sample_rate_hz among its facts"):
        batches(bare, **options)


def test_no_two_draws_of_a_step_have_the_same_random_numbers():
    # A generator of (a, b, c) and one of (a, b, c, 0) give the same numbers, so their first numbers must differ.
    assert np.random.default_rng((1, 2, 3)).random() == np.random.default_rng((1, 2, 3, 0)).random()
    assert len({segments.STREAM, segments.MOVES}) == 2
    assert len({query_batches.STREAM, query_batches.LABELS}) == 2
