"""Misalignment on purpose: bounded, ordered, seeded."""

import numpy as np
import pytest

from mss_lab.score import misalign, notes


def scale(count=40, length_s=0.5):
    return notes.Score(
        tuple(notes.Note("flute", 60 + k % 12, k * length_s, (k + 0.9) * length_s) for k in range(count)), ("flute",)
    )


@pytest.mark.parametrize("within_s", [0.0, 0.05, 0.2, 0.5, 3.0])
@pytest.mark.parametrize("anchor_every_s", [0.5, 2.0])
def test_times_stay_within_bounds_and_keep_their_order(within_s, anchor_every_s):
    for seed in range(20):
        moved, time_map = misalign.misalign(
            scale(), within_s, rng=np.random.default_rng(seed), anchor_every_s=anchor_every_s
        )
        before, after = ([n.onset_s for n in score.notes] for score in (scale(), moved))
        assert np.abs(np.subtract(after, before)).max() <= within_s + 1e-9
        assert (np.diff(after) > 0).all()
        assert [n.midi for n in moved.notes] == [n.midi for n in scale().notes]
        assert np.diff(time_map.to_s).min() >= 0.09 * anchor_every_s


def test_neighbours_move_together_and_the_moves_are_of_the_size_asked_for():
    moved, _ = misalign.misalign(scale(400), 0.2, rng=np.random.default_rng(1))
    moves_s = np.array([b.onset_s - a.onset_s for a, b in zip(scale(400).notes, moved.notes, strict=True)])
    assert 0.15 < np.abs(moves_s).max() <= 0.2
    assert moves_s.min() < -0.1 and moves_s.max() > 0.1
    # A quarter of the way between anchors, at most a quarter of the way between moves.
    assert np.abs(np.diff(moves_s)).max() <= 0.1 + 1e-9


def test_one_seed_one_result_and_the_input_stays():
    score = scale()
    twice = [misalign.misalign(score, 0.2, rng=np.random.default_rng(7))[0] for _ in range(2)]
    assert twice[0] == twice[1] and score == scale()
    assert misalign.misalign(score, 0.2, rng=np.random.default_rng(8))[0] != twice[0]
    assert misalign.misalign(score, 0.0, rng=np.random.default_rng(8))[0] == score


def test_random_tempo_stays_between_its_bounds_and_the_map_says_what_was_done():
    score = scale()
    played, time_map = misalign.with_random_tempo(score, rng=np.random.default_rng(3), slowest=0.5, fastest=2.0)
    tempi = np.diff(time_map.from_s) / np.diff(time_map.to_s)
    assert tempi.min() >= 0.5 and tempi.max() <= 2.0 and np.ptp(tempi) > 0.3
    assert np.allclose(time_map([n.onset_s for n in score.notes]), [n.onset_s for n in played.notes])


def test_an_empty_score_stays_empty():
    empty = notes.Score((), ("flute",))
    assert misalign.misalign(empty, 0.2, rng=np.random.default_rng(0))[0] == empty
    assert misalign.with_random_tempo(empty, rng=np.random.default_rng(0))[0] == empty


@pytest.mark.parametrize(
    "change, words",
    [
        ({"within_s": -0.1}, "within_s must be a number at least 0"),
        ({"anchor_every_s": 0}, "anchor_every_s must be a number above 0"),
    ],
)
def test_refusals(change, words):
    with pytest.raises(ValueError, match=words):
        misalign.misalign(scale(), **{"within_s": 0.1, "rng": np.random.default_rng(0), **change})


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match="rng"):
        misalign.misalign(scale(), 0.1, rng=0)


def test_a_map_that_stands_still_is_refused():
    with pytest.raises(ValueError, match="each later than the one before"):
        misalign.TimeMap(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
