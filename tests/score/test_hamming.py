"""The distance between rolls, and the way from one score to another."""

import numpy as np
import pytest

from mss_lab.score.hamming import hamming_distance, steps_between
from mss_lab.score.notes import Note, Score, jitter
from mss_lab.score.roll import piano_roll

FRAMES, FRAME_RATE_HZ = 120, 20


def roll_of(score):
    return piano_roll(score, FRAMES, FRAME_RATE_HZ)


@pytest.fixture
def true_score(rng):
    notes = [
        Note(source, int(rng.integers(40, 80)), onset_s, onset_s + 0.4)
        for source in ("a", "b")
        for onset_s in np.arange(0, 5.5, 0.5).tolist()
    ]
    return Score(tuple(notes), ("a", "b"))


def test_the_distance_is_one_from_nothing_and_zero_from_the_truth(true_score):
    roll = roll_of(true_score)
    assert hamming_distance(roll, np.zeros_like(roll)) == 1
    assert hamming_distance(roll, roll) == 0
    assert hamming_distance(np.zeros_like(roll), roll) == 0


def test_the_distance_is_one_less_the_recall_of_frames(rng):
    true_roll, roll = rng.random((2, 3, 20, 30)) > 0.6
    recall = (true_roll & roll).sum() / true_roll.sum()
    assert hamming_distance(true_roll, roll) == pytest.approx(1 - recall)


def test_rolls_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="shape of true_roll"):
        hamming_distance(np.zeros((2, 3)), np.zeros((2, 4)))


@pytest.mark.parametrize("steps", [1, 3, 5, 50])
def test_from_an_empty_score_the_distance_falls_from_one_to_zero(true_score, steps, rng):
    scores = steps_between(Score((), ("a", "b")), true_score, steps, rng=rng)
    distances = [hamming_distance(roll_of(true_score), roll_of(score)) for score in scores]
    assert len(scores) == steps + 1
    assert distances[0] == 1 and distances[-1] == 0
    assert (np.diff(distances) <= 0).all()
    assert scores[-1] == true_score


def test_from_a_wrong_score_it_never_rises_and_what_was_too_much_goes(true_score, rng):
    wrong = jitter(true_score, 0.15, rng=rng)
    surplus = Note("b", 100, 1.0, 2.0)
    start = Score((*wrong.notes[::2], surplus), true_score.sources)
    scores = steps_between(start, true_score, 4, rng=rng)
    distances = [hamming_distance(roll_of(true_score), roll_of(score)) for score in scores]
    assert scores[0].notes == start.notes and scores[-1] == true_score
    assert (np.diff(distances) <= 0).all() and distances[-1] == 0 < distances[0]


def test_the_order_of_the_edits_is_drawn(true_score):
    def halves(seed):
        return steps_between(Score((), ("a", "b")), true_score, 2, rng=np.random.default_rng(seed))[1]

    assert halves(1) == halves(1)
    assert halves(1) != halves(2)
    # Edits of all sources are shuffled together.
    assert {note.source for note in halves(1).notes} == {"a", "b"}


def test_two_equal_scores_have_no_way_between_them(true_score, rng):
    assert steps_between(true_score, true_score, 2, rng=rng) == [true_score] * 3


def test_sources_that_the_end_does_not_have_are_refused(true_score, rng):
    with pytest.raises(ValueError, match="got c too"):
        steps_between(Score((Note("c", 60, 0, 1),)), true_score, rng=rng)
