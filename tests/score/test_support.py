"""How far a recording supports its notes, on sounds of which everything is known; edits of single notes."""

import dataclasses

import numpy as np
import pytest

from mss_lab import signals
from mss_lab.datasets import pieces
from mss_lab.score import edits, support
from mss_lab.score.notes import Note, Score

RATE_HZ = 16_000


def sounding(*notes, length_s=2.0, harmonics=8, seed=0):
    """Harmonic tones for (midi, onset_s, offset_s), and a little noise."""
    rng = np.random.default_rng(seed)
    wave = 1e-4 * rng.standard_normal((1, round(length_s * RATE_HZ)))
    for midi, onset_s, offset_s in notes:
        tone = signals.harmonic_tone(440 * 2 ** ((midi - 69) / 12), offset_s - onset_s, RATE_HZ, amplitude=0.1)
        start = round(onset_s * RATE_HZ)
        wave[:, start : start + tone.shape[1]] += tone
    return wave


def support_of(wave, *notes, rate_hz=RATE_HZ):
    score = Score(tuple(Note("player", *note) for note in notes), ("player",))
    return support.support(wave, rate_hz, score)


@pytest.mark.parametrize("midi", [40, 48, 60, 69, 84, 100])
def test_a_note_that_sounds_is_supported_and_its_neighbours_are_not(midi):
    wave = sounding((midi, 0.0, 2.0))
    supports = support_of(wave, *[(midi + step, 0.2, 1.8) for step in range(-3, 4)])
    assert supports[3] > 0.85
    # Low semitones are narrower than the lobe of the window.
    assert np.delete(supports, 3).max() < (0.1 if midi > 45 else support.LEAST_SUPPORT)


def test_level_rate_and_channels_do_not_count():
    wave = sounding((60, 0.0, 2.0))
    notes = [(60, 0.2, 1.8), (64, 0.2, 1.8)]
    expected = support_of(wave, *notes)
    np.testing.assert_allclose(support_of(1e-3 * wave, *notes), expected, atol=1e-3)
    np.testing.assert_allclose(support_of(np.concatenate([wave, -wave]), *notes), expected, atol=1e-3)
    slow = signals.harmonic_tone(440 * 2 ** (-9 / 12), 2.0, 8_000, amplitude=0.1)
    assert support_of(slow, *notes, rate_hz=8_000)[0] > 0.85


def test_the_share_of_the_time_counts():
    wave = sounding((60, 0.0, 1.0))
    whole, half, late = support_of(wave, (60, 0.1, 0.9), (60, 0.1, 1.9), (60, 1.2, 1.9))
    assert whole > 0.9
    assert half == pytest.approx(whole / 2, abs=0.08)
    assert late < 0.1


def test_in_noise_and_silence_no_note_is_supported():
    noise = np.random.default_rng(1).standard_normal((1, 4 * RATE_HZ))
    notes = [(midi, 0.5, 3.5) for midi in range(40, 90, 7)]
    assert support_of(noise, *notes).max() < 0.15
    np.testing.assert_array_equal(support_of(np.zeros((2, RATE_HZ)), *notes), 0)
    np.testing.assert_array_equal(support_of(np.zeros((1, 1)), *notes), 0)


def test_an_octave_above_is_supported_and_below_is_not():
    wave = sounding((60, 0.0, 2.0))
    above, below = support_of(wave, (72, 0.1, 1.9), (48, 0.1, 1.9))[[1, 0]]
    assert above > 0.8
    assert below < support.LEAST_SUPPORT


def test_notes_without_harmonics_and_after_the_end():
    score = Score((Note("drums", 38, 0, 1), Note("flute", 72, 9, 10)), unpitched=frozenset({"drums"}))
    drums, flute = support.support(sounding((72, 0.0, 2.0)), RATE_HZ, score)
    assert np.isnan(drums)
    assert flute == 0
    assert support.support(sounding(), RATE_HZ, Score((), ("flute",))).shape == (0,)


def test_what_is_no_recording_or_score_is_refused():
    with pytest.raises(ValueError, match=r"NaN|finite"):
        support.prepared(np.full((1, 100), np.nan), RATE_HZ)
    with pytest.raises(TypeError, match="must be a Score"):
        support.support(sounding(), RATE_HZ, [1, 2])


def test_a_prepared_one_measures_only_what_is_new(monkeypatch):
    measure = support.prepared(sounding((60, 0.0, 2.0), (64, 0.0, 2.0)), RATE_HZ)
    score = Score((Note("a", 60, 0.2, 1.8), Note("b", 64, 0.2, 1.8)))
    before = measure(score)
    measured, of_note = [], support._of_note
    monkeypatch.setattr(support, "_of_note", lambda *given: measured.append(given[1]) or of_note(*given))
    edited = edits.changed(score, score.notes[1], midi=65)
    after = measure(edited)
    assert [note.midi for note in measured] == [65]
    assert after[0] == before[0]
    assert before[1] > 0.8 > 0.2 > after[1]


@pytest.mark.slow(3)
def test_the_notes_of_a_shipped_chorale_and_wrong_ones_lie_apart():
    track = pieces.load("chorale_a")
    first = tuple(note for note in track.score.notes if note.offset_s < 12)
    measure = support.prepared(track.mixture[:, : 12 * track.sample_rate_hz], track.sample_rate_hz)
    right = measure(Score(first))
    assert support.is_doubtful(right).mean() < 0.02
    for step, most in ((1, 0.05), (-1, 0.05), (-2, 0.1)):
        wrong = measure(Score(tuple(dataclasses.replace(note, midi=note.midi + step) for note in first)))
        assert support.is_doubtful(wrong).mean() > 1 - most


# ---- edits --------------------------------------------------------------------------------------------------------


def test_edits_keep_all_else():
    notes = (Note("a", 60, 0, 1), Note("b", 64, 0, 1), Note("drums", 38, 0.5, 0.6))
    score = Score(notes, ("b", "drums", "a", "silent"), frozenset({"drums"}))
    for edited in (
        edits.changed(score, notes[0], source="silent", velocity=9),
        edits.without(score, notes[0]),
        edits.added(score, Note("silent", 70, 2, 3)),
    ):
        assert (edited.sources, edited.unpitched) == (score.sources, score.unpitched)
        assert set(notes[1:]) <= set(edited.notes)
        assert score.notes == Score(notes, score.sources).notes
    assert edits.changed(score, notes[0], onset_s=0.25).notes[-2:] == (
        Note("a", 60, 0.25, 1),
        notes[2],
    )


def test_of_two_equal_notes_one_is_edited():
    note = Note("a", 60, 0, 1)
    assert edits.without(Score((note, note)), note).notes == (note,)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda score: edits.without(score, Note("a", 61, 0, 1)), "one of the score's 1 notes"),
        (lambda score: edits.changed(score, score.notes[0], offset_s=0), "end after it starts"),
        (lambda score: edits.changed(score, score.notes[0], source="nobody"), "belong to one of the sources"),
        (lambda score: edits.added(score, Note("b", 60, 0, 1)), "belong to one of the sources"),
    ],
)
def test_what_is_no_edit_is_refused(edit, words):
    with pytest.raises(ValueError, match=words):
        edit(Score((Note("a", 60, 0, 1),)))
