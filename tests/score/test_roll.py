"""Piano rolls: floor of the onset to ceiling of the offset, cut at both ends, nothing else."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mss_lab import transforms
from mss_lab.score.notes import Note, Score
from mss_lab.score.roll import note_frames, piano_roll


def frames_of(*notes, frames=20, rate=10.0, **options):
    roll = piano_roll(Score(notes), frames, rate, **options)
    return np.flatnonzero(roll.any(axis=(0, 1))).tolist()


@pytest.mark.parametrize(
    "onset_s, offset_s, first, last",
    [
        (0.0, 0.1, 0, 0),  # one whole frame; the next is not included
        (0.0, 0.11, 0, 1),  # any part of a frame fills it
        (0.19, 0.21, 1, 2),
        (0.5, 0.9, 5, 8),
        (0.55, 0.56, 5, 5),  # within one frame
        (1.9, 2.0, 19, 19),
        (1.9, 9.0, 19, 19),  # cut at the end
        (0.0, 9.0, 0, 19),
        (0.3, 0.7, 3, 6),  # 0.7 * 10 is 7.000000000000001 to a computer, 0.3 * 10 is 3
        (0.6, 0.8, 6, 7),
    ],
)
def test_a_note_fills_the_frames_of_the_rule(onset_s, offset_s, first, last):
    assert frames_of(Note("a", 60, onset_s, offset_s)) == list(range(first, last + 1))


@pytest.mark.parametrize("onset_s", [2.0, 2.5, 100.0])
def test_a_note_beyond_the_recording_fills_nothing(onset_s):
    assert frames_of(Note("a", 60, onset_s, onset_s + 1)) == []


def test_times_on_the_grid_of_frames_gain_none():
    # 0.29 s at 100 frames a second is 28.999999999999996 to a computer.
    for start in range(200):
        note = Note("a", 60, start / 100, (start + 3) / 100)
        assert note_frames(note, 300, 100.0) == slice(start, start + 3)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, 5000), st.integers(1, 5000), st.integers(0, 300), st.sampled_from([44100, 16000, 8000]))
def test_the_rule_holds_in_exact_arithmetic(onset_ms, duration_ms, tolerance_ms, sample_rate_hz):
    hop, frames = 512, 150
    rate = Fraction(sample_rate_hz, hop)
    first = max(0, floor(Fraction(onset_ms - tolerance_ms, 1000) * rate))
    last = min(frames, ceil(Fraction(onset_ms + duration_ms + tolerance_ms, 1000) * rate))
    note = Note("a", 60, onset_ms / 1000, (onset_ms + duration_ms) / 1000)
    filled = note_frames(note, frames, sample_rate_hz / hop, tolerance_ms / 1000)
    assert list(range(frames))[filled] == list(range(first, last))


def test_tolerance_widens_both_ends_and_stops_at_the_start():
    assert frames_of(Note("a", 60, 0.5, 0.7), tolerance_s=0.2) == list(range(3, 9))
    assert frames_of(Note("a", 60, 0.1, 0.2), tolerance_s=0.5) == list(range(0, 7))
    # A note behind the end reaches into it.
    assert frames_of(Note("a", 60, 2.1, 3), tolerance_s=0.25) == [18, 19]


def test_sources_and_pitches_have_their_rows():
    score = Score((Note("b", 60, 0, 1), Note("a", 127, 1, 2), Note("b", 0, 1, 2)), ("a", "b", "silent"))
    roll = piano_roll(score, 20, 10.0)
    assert roll.shape == (3, 128, 20) and roll.dtype == bool
    assert {(s, p) for s, p in np.argwhere(roll.any(axis=2)).tolist()} == {(1, 60), (0, 127), (1, 0)}


def test_overlapping_notes_of_one_pitch_are_one():
    both = piano_roll(Score((Note("a", 60, 0, 1), Note("a", 60, 0.5, 1.5))), 20, 10.0)
    assert np.array_equal(both, piano_roll(Score((Note("a", 60, 0, 1.5),)), 20, 10.0))


@pytest.mark.parametrize("midi, row", [(60.4, 60), (60.5, 61), (61.5, 62), (59.51, 60), (126.7, 127)])
def test_pitches_with_fractions_go_to_the_nearest_row(midi, row):
    roll = piano_roll(Score((Note("a", midi, 0, 1),)), 5, 10.0)
    assert np.flatnonzero(roll[0].any(axis=1)).tolist() == [row]


def test_a_score_without_notes_is_an_empty_roll():
    assert piano_roll(Score((), ("a", "b")), 5, 10.0).shape == (2, 128, 5)
    assert not piano_roll(Score((), ("a", "b")), 5, 10.0).any()


def test_a_roll_lies_on_the_frames_of_a_transform():
    rate, hop, samples = 16_000, 512, 16_000
    frames = transforms.frame_count(samples, 2048, hop)
    roll = piano_roll(Score((Note("a", 60, 0, 1),)), frames, rate / hop)
    # The last frame is centred on sample 15872, before the end of the note.
    assert roll.shape[2] == frames == 32 and roll[0, 60].all()


@pytest.mark.parametrize(
    "arguments, error, parts",
    [
        ({"frames": 0}, ValueError, ("frames", "at least 1", "got 0")),
        ({"frames": 2.5}, ValueError, ("frames", "whole number", "got 2.5")),
        ({"frame_rate_hz": 0}, ValueError, ("frame_rate_hz", "above 0 (frames a second)", "got 0")),
        ({"tolerance_s": -0.1}, ValueError, ("tolerance_s", "at least 0 (seconds)", "got -0.1")),
        ({"frames": "20"}, TypeError, ("frames", "'20' of type str")),
    ],
)
def test_refusals(arguments, error, parts):
    with pytest.raises(error) as refusal:
        piano_roll(**{"score": Score((Note("a", 60, 0, 1),)), "frames": 20, "frame_rate_hz": 10.0, **arguments})
    for part in parts:
        assert part in str(refusal.value)
