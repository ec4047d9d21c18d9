"""Scores of a transcription: right, late, long and doubled notes, and agreement with a count by hand."""

import numpy as np
import pytest

from mss_lab.metrics import transcription

pytest.importorskip("mir_eval", reason="not run: mir_eval is not installed")

NOTES = np.array([[60, 0.0, 0.5], [64, 0.5, 1.0], [67, 1.0, 2.0], [60, 2.0, 2.4]])


def scores(notes, **options):
    found = transcription.note_scores(NOTES, np.array(notes), **options)
    return found.precision, found.recall, found.f1


def test_the_true_notes_are_all_right_in_any_order():
    assert scores(NOTES) == scores(NOTES[::-1]) == (1, 1, 1)


def test_precision_counts_the_notes_that_are_there_and_recall_those_that_should_be():
    assert scores(NOTES[:2]) == pytest.approx((1, 0.5, 2 / 3))
    assert scores([*NOTES, [72, 0, 1], [73, 0, 1], [74, 0, 1], [75, 0, 1]]) == pytest.approx((0.5, 1, 2 / 3))


@pytest.mark.parametrize(
    "change, right",
    [
        ((0, 0.04, 0), 1.0),
        ((0, 0.06, 0), 0.0),
        ((0, 0, 0.04), 1.0),
        ((0.4, 0, 0), 1.0),
        ((0.6, 0, 0), 0.0),
        ((12, 0, 0), 0.0),
    ],
)
def test_tolerances_of_pitch_onset_and_end(change, right):
    assert scores(NOTES + np.array(change))[2] == right


def test_the_end_of_a_long_note_may_be_off_by_a_fifth_of_it():
    # A fifth of the third note is 0.2 s, of the others 0.1 s or less.
    assert scores(NOTES + np.array([0, 0, 0.15]))[2] == pytest.approx(0.25)
    assert scores(NOTES + np.array([0, 0, 0.15]), ends=False)[2] == 1


def test_a_true_note_is_matched_once():
    assert scores([NOTES[0], NOTES[0] + [0, 0.01, 0]]) == pytest.approx((0.5, 0.25, 1 / 3))


def test_nothing_against_nothing_is_right_and_against_something_wrong():
    empty = np.zeros((0, 3))
    assert transcription.note_scores(empty, empty).f1 == 1
    assert transcription.note_scores(NOTES, empty) == transcription.NoteScores(0, 0, 0)
    assert transcription.note_scores(empty, NOTES).f1 == 0
    silence = np.zeros((2, 3))
    assert transcription.frame_scores(silence, silence).f1 == 1
    assert transcription.frame_scores(silence, silence + 1).f1 == 0


def test_frames_are_counted_one_by_one():
    rng = np.random.default_rng(0)
    true, found = rng.random((2, 128, 50)) < 0.1
    both = sum(bool(a) and bool(b) for a, b in zip(true.ravel(), found.ravel(), strict=True))
    counted = transcription.frame_scores(true, found)
    assert counted.precision == pytest.approx(both / found.sum())
    assert counted.recall == pytest.approx(both / true.sum())
    assert counted.f1 == pytest.approx(2 * counted.precision * counted.recall / (counted.precision + counted.recall))


def test_refused_inputs():
    with pytest.raises(ValueError, match="must end after they begin, got one from 1 to 1 s"):
        transcription.note_scores(NOTES, np.array([[60, 1.0, 1.0]]))
    with pytest.raises(ValueError, match=r"must be \(notes, 3\)"):
        transcription.note_scores(NOTES, np.zeros((2, 4)))
    with pytest.raises(ValueError, match="must have the shape of true_roll"):
        transcription.frame_scores(np.zeros((2, 3)), np.zeros((2, 4)))
