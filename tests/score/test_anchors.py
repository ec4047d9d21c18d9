"""Anchors: the laws of a score whose time is stretched between them, and which anchors are refused."""

import numpy as np
import pytest

from mss_lab.refusals import RefusedType, RefusedValue, ShapeError
from mss_lab.score.anchors import check_anchors, warped
from mss_lab.score.notes import Note, Score

END_S = 20.0


def many(rng, count=300):
    """Notes of all lengths, some of which reach over several anchors, and chords that begin at one time."""
    onsets_s = np.repeat(np.sort(rng.uniform(0, 18, count // 3)), 3)
    lengths_s = rng.choice([1e-3, 0.1, 0.5, 6.0], count)
    return Score(
        tuple(
            Note(f"p{n % 4}", 40 + n % 40, onset_s, min(onset_s + length_s, 19.5), 1 + n % 127)
            for n, (onset_s, length_s) in enumerate(zip(onsets_s.tolist(), lengths_s.tolist(), strict=True))
        ),
        ("p3", "p2", "p1", "p0", "silent"),
        frozenset({"p1"}),
    )


def anchors_of(rng, count=6):
    return np.stack([np.sort(rng.uniform(0.5, 19.5, count)) for _ in range(2)], axis=1)


def times_of(score):
    return np.array([(note.onset_s, note.offset_s) for note in score.notes])


@pytest.mark.parametrize("seed", range(5))
def test_times_follow_a_piecewise_linear_map_and_keep_their_order(seed):
    rng = np.random.default_rng(seed)
    score, pairs_s = many(rng), anchors_of(rng)
    after = warped(score, pairs_s, END_S)
    knots = np.concatenate([[[0, 0]], pairs_s, [[END_S, END_S]]]).T
    np.testing.assert_allclose(times_of(after), np.interp(times_of(score), *knots), rtol=0, atol=1e-12)
    assert (np.diff(times_of(after)[:, 0]) >= 0).all()
    assert (np.diff(times_of(after), axis=1) > 0).all()
    # Chords begin together, and only times have changed.
    for one, other in zip(score.notes, after.notes, strict=True):
        assert (one.source, one.midi, one.velocity) == (other.source, other.midi, other.velocity)
    assert (after.sources, after.unpitched) == (score.sources, score.unpitched)


@pytest.mark.parametrize("seed", range(5))
def test_an_anchor_that_is_not_moved_changes_nothing_and_the_inverse_gives_the_score_back(seed):
    rng = np.random.default_rng(seed)
    score, pairs_s = many(rng), anchors_of(rng)
    assert warped(score, np.stack([pairs_s[:, 0]] * 2, axis=1), END_S) == score
    assert warped(score, []) == warped(score, iter(())) == score
    back = warped(warped(score, pairs_s, END_S), pairs_s[:, ::-1], END_S)
    np.testing.assert_allclose(times_of(back), times_of(score), rtol=0, atol=1e-9)


def test_one_anchor_moves_only_what_lies_between_its_neighbours():
    score = many(np.random.default_rng(0))
    after = warped(score, [(5, 5), (8, 9.5), (11, 11)], END_S)
    outside = 0
    for one, other in zip(score.notes, after.notes, strict=True):
        for before_s, after_s in ((one.onset_s, other.onset_s), (one.offset_s, other.offset_s)):
            if before_s <= 5 or before_s >= 11:
                assert after_s == before_s
                outside += 1
            else:
                assert 5 < after_s < 11 and after_s > before_s
    assert 100 < outside < 2 * len(score.notes)
    at_anchors = Score(tuple(Note("p", 60, onset_s, 19.0) for onset_s in (5.0, 8.0, 11.0)))
    moved = warped(at_anchors, [(5, 5), (8, 9.5), (11, 11)], END_S)
    assert [note.onset_s for note in moved.notes] == [5.0, 9.5, 11.0]


def test_the_start_and_the_end_stay_unless_an_anchor_moves_them():
    score = Score((Note("p", 60, 0.0, 1.0), Note("p", 62, 3.0, 4.0)))
    np.testing.assert_allclose(times_of(warped(score, [(1.0, 2.0)])), [[0, 2], [2 + 4 / 3, 4]])
    # The recording begins with half a second of silence, and ends early.
    assert times_of(warped(score, [(0, 0.5), (4, 3.5)])).tolist() == [[0.5, 1.25], [2.75, 3.5]]
    # And back.
    early = warped(score, [(0, 0.5), (4, 3.5)])
    np.testing.assert_allclose(times_of(warped(early, [(0.5, 0), (3.5, 4)], 4.0)), times_of(score), atol=1e-12)
    # After the end of the recording nothing moves.
    np.testing.assert_allclose(times_of(warped(score, [(0.5, 1.0)], 2.0)), [[0, 1 + 1 / 3], [3, 4]])
    assert warped(Score((), ("p",)), [(0.5, 1.0)], 2.0) == Score((), ("p",))


@pytest.mark.parametrize(
    ("anchors", "error", "words"),
    [
        ([(1, 2), (2, 1)], RefusedValue, r"got \(1.0, 2.0\) and then \(2.0, 1.0\)"),
        ([(1, 1), (1, 2)], RefusedValue, "later than the one before"),
        ([(1, np.nan)], RefusedValue, "finite"),
        ([(1, np.inf)], RefusedValue, "finite"),
        ([(-1, 0)], RefusedValue, "at 0 s or later"),
        ([(1, 2, 3)], ShapeError, "two times"),
        ([1, 2], ShapeError, "anchors"),
        ([(1, 2), (3,)], ShapeError, "different lengths"),
        ([("1", "2")], RefusedType, "numbers"),
        (None, RefusedType, "numbers"),
    ],
)
def test_what_are_no_anchors_is_refused(anchors, error, words):
    with pytest.raises(error, match=words):
        check_anchors(anchors)
    with pytest.raises(error, match=words):
        warped(many(np.random.default_rng(0)), anchors, END_S)


def test_what_does_not_fit_is_refused():
    score = Score((Note("p", 60, 0.1, 1.0),))
    for anchors in ([(0.5, 1.5)], [(1.5, 0.5)]):
        with pytest.raises(RefusedValue, match=r"between 0 and 1 s, got 1\.5 s; pass the length"):
            warped(score, anchors)
    with pytest.raises(RefusedValue, match="at least 0"):
        warped(score, [(0.5, 0.0)])
    for end_s, error in ((0, RefusedValue), (np.nan, RefusedValue), ("1", RefusedType)):
        with pytest.raises(error, match="end_s"):
            warped(score, [], end_s)
    with pytest.raises(RefusedType, match="must be a Score"):
        warped([], [])
