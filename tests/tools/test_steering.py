"""Steering by notes: gains on the way to the true score, and what a moved note takes with it."""

import numpy as np
import pytest

from mss_lab import signals, steering
from mss_lab.datasets.track import Track
from mss_lab.score.notes import Note, Score

RATE_HZ = 8_000
NOTES = (Note("a", 60, 0.0, 0.5), Note("a", 64, 0.5, 1.0), Note("b", 66, 0.0, 0.5), Note("b", 70, 0.5, 1.0))
SCORE = Score(NOTES, ("a", "b"))


def tone(note):
    """The sound of one note in a second of silence."""
    made = np.zeros((1, RATE_HZ), np.float32)
    piece = signals.harmonic_tone(440 * 2 ** ((note.midi - 69) / 12), 0.5, RATE_HZ, amplitude=0.2)
    made[:, round(note.onset_s * RATE_HZ) :][:, : piece.shape[1]] = piece
    return made


@pytest.fixture(scope="module")
def track():
    sources = {name: sum(tone(note) for note in SCORE.notes_of(name)) for name in SCORE.sources}
    return Track("two tones", RATE_HZ, sources, SCORE)


def by_notes(shares=1.0):
    """A separator that knows every note's sound, and gives a share of it to whoever has it in the score."""

    def separate(mixture, sample_rate_hz, score, /):
        owners = {(note.midi, note.onset_s): note.source for note in score.notes}
        estimates = {name: np.zeros_like(mixture) for name in score.sources}
        for note in NOTES:
            owner = owners.get((note.midi, note.onset_s))
            for name in estimates:
                share = 0.5 if owner is None else shares if name == owner else 1 - shares
                estimates[name] += share * tone(note)
        return estimates

    return separate


def test_each_right_note_brings_a_gain_and_the_distance_falls_to_nothing(track):
    rows = steering.interpolation(by_notes(0.9), track, steps=4, rng=np.random.default_rng(0))
    assert len(rows) == 2 * 5
    for source in ("a", "b"):
        own = [row for row in rows if row.source == source]
        assert [row.step for row in own] == [0, 1, 2, 3, 4]
        assert own[0].distance == 1 and own[0].gain == 0
        assert own[-1].distance == 0
        assert all(np.diff([row.distance for row in own]) <= 0)
        assert own[-1].gain == pytest.approx(own[-1].si_sdr - own[0].si_sdr)
        assert own[-1].gain > 5


def test_from_the_true_score_nothing_is_left_to_gain(track):
    rows = steering.interpolation(by_notes(0.9), track, SCORE, steps=2, rng=np.random.default_rng(0))
    assert {row.distance for row in rows} == {0.0}
    assert {row.gain for row in rows} == {0.0}


def test_a_silent_source_has_no_rows(track):
    sources = {"a": track.sources["a"], "b": np.zeros_like(track.sources["a"])}
    silent = Track("one tone", RATE_HZ, sources, Score(SCORE.notes_of("a"), ("a", "b")))
    rows = steering.interpolation(by_notes(0.9), silent, steps=1, rng=np.random.default_rng(0))
    assert {row.source for row in rows} == {"a"}


@pytest.mark.parametrize("share", [1.0, 0.8])
def test_a_note_that_a_separator_moves_is_said_to_have_moved(track, share):
    move = steering.move_note(by_notes(share), track, NOTES[0], "b", tone(NOTES[0]))
    assert move.before == pytest.approx(share, abs=2e-2)
    assert move.after == pytest.approx(1 - share, abs=2e-2)
    assert move.arrived == pytest.approx(2 * share - 1, abs=2e-2)
    assert move.moved == pytest.approx((2 * share - 1) / share, abs=2e-2)
    assert move.rest_lost == pytest.approx(0, abs=2e-2)


def test_a_separator_that_ignores_the_score_moves_nothing(track):
    def deaf(mixture, sample_rate_hz, score, /):
        return dict(track.sources)

    move = steering.move_note(deaf, track, NOTES[0], "b", tone(NOTES[0]))
    assert (move.before, move.after, move.arrived, move.moved) == pytest.approx((1, 1, 0, 0), abs=2e-2)


def test_what_the_other_notes_lose_is_counted(track):
    def takes_all(mixture, sample_rate_hz, score, /):
        # Whoever plays the first note gets everything.
        owner = next(note.source for note in score.notes if note.midi == 60)
        return {name: mixture if name == owner else np.zeros_like(mixture) for name in score.sources}

    move = steering.move_note(takes_all, track, NOTES[0], "b", tone(NOTES[0]))
    assert move.moved == pytest.approx(1, abs=2e-2)
    assert move.rest_lost == pytest.approx(1, abs=2e-2)


def test_refused_inputs(track):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="must have a score"):
        steering.interpolation(by_notes(), Track("x", RATE_HZ, track.sources), rng=rng)
    with pytest.raises(ValueError, match="one of the score's 4 notes"):
        steering.moved(SCORE, Note("a", 61, 0.0, 0.5), "b")
    with pytest.raises(ValueError, match="to"):
        steering.moved(SCORE, NOTES[0], "c")
    with pytest.raises(ValueError, match="part must sound"):
        steering.move_note(by_notes(), track, NOTES[0], "b", np.zeros((1, RATE_HZ), np.float32))
    with pytest.raises(ValueError, match="alone"):
        steering.move_note(by_notes(), track, NOTES[0], "b", np.zeros((1, 5), np.float32))
