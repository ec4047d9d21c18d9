"""Notes of piano rolls: there and back again, thresholds, and rolls that cannot be."""

import numpy as np
import pytest

from mss_lab.score.from_roll import score_of_roll
from mss_lab.score.roll import piano_roll


def random_roll(rng, sources=2, frames=40):
    return rng.random((sources, 128, frames)) > 0.7


@pytest.mark.parametrize("frame_rate_hz", [10, 62.5, 16_000 / 256, 100 / 3])
def test_the_roll_of_the_score_of_a_roll_is_that_roll(rng, frame_rate_hz):
    roll = random_roll(rng)
    score = score_of_roll(roll, frame_rate_hz, ["a", "b"])
    np.testing.assert_array_equal(piano_roll(score, roll.shape[-1], frame_rate_hz), roll)


def test_a_roll_without_notes_names_its_sources():
    score = score_of_roll(np.zeros((2, 128, 7)), 10, ["a", "b"])
    assert score.notes == () and score.sources == ("a", "b")


def test_every_source_has_its_own_threshold():
    roll = np.full((2, 128, 3), 0.05)
    roll[:, 60] = 0.3
    score = score_of_roll(roll, 10, ["drums", "piano"], threshold={"drums": 0.1, "piano": 0.8})
    assert [(note.source, note.midi) for note in score.notes] == [("drums", 60)]


def test_short_notes_are_left_out():
    roll = np.zeros((1, 128, 10))
    roll[0, 60, 1:3] = roll[0, 62, 1:4] = 1
    assert [note.midi for note in score_of_roll(roll, 10, ["a"], least_s=0.3).notes] == [62]


@pytest.mark.parametrize(
    "roll, options, message",
    [
        (np.zeros((1, 128, 4)), {}, "2 sources"),
        (np.zeros((2, 88, 4)), {}, "128 pitches"),
        (np.full((2, 128, 4), np.nan), {}, "finite"),
        (np.zeros((2, 128, 4)), {"threshold": 2}, "threshold"),
        (np.zeros((2, 128, 4)), {"least_s": -1}, "least_s"),
    ],
)
def test_rolls_that_cannot_be_are_refused(roll, options, message):
    with pytest.raises(ValueError, match=message):
        score_of_roll(roll, 10, ["a", "b"], **options)
