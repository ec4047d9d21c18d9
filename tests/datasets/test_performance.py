"""Notation read, and written notes played."""

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest

from mss_lab.datasets import performance
from mss_lab.datasets.scores import band, chorales, notation, song
from mss_lab.score.notes import Note, Score


def read(text):
    return notation.read_voices({"x": text})["x"]


# Notation


@pytest.mark.parametrize(
    ("token", "midi", "beats"),
    [
        ("C4q", 60, 1),
        ("F#4e", 66, Fraction(1, 2)),
        ("Bb2h.", 46, 3),
        ("A4w", 69, 4),
        ("G-1s", 7, Fraction(1, 4)),
        ("Cb4q.", 59, Fraction(3, 2)),
        ("B#3s", 60, Fraction(1, 4)),
    ],
)
def test_a_token_is_a_pitch_and_a_length(token, midi, beats):
    assert read(token) == ((midi, 0, beats, False),)


def test_rests_ties_and_fermatas():
    assert read("Rq A4q~ | A4e Re B4h^") == ((69, 1, Fraction(3, 2), False), (71, 3, 2, True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("H4q", "'H4q' in x is not a note"),
        ("A4", "'A4' in x is not a note"),
        ("A4q B4 q", "is not a note"),
        ("A4q~ B4q", "cannot continue the tie"),
        ("A4q~ Rq", "leads into the rest"),
        ("A4q~", "has no second note"),
    ],
)
def test_what_is_not_notation_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_voices_that_disagree_about_a_bar_are_refused():
    with pytest.raises(ValueError, match="bar 2 of low ends on beat 3, but that of high on beat 4"):
        notation.read_voices({"high": "A4h | A4h | A4h", "low": "A3h | A3q | A3h."})
    with pytest.raises(ValueError, match="low has 1 bars, but high has 2"):
        notation.read_voices({"high": "A4h | A4h", "low": "A3h"})


@pytest.mark.parametrize("lines", [chorales.KINDLEIN, chorales.FLUECHTIG, band.LOOP, band.LAST_CHORD, song.LINES])
def test_the_compositions_can_be_read(lines):
    voices = notation.read_voices(lines)
    ends = {line[-1].beat + line[-1].beats for line in voices.values()}
    assert len(ends) == 1


@pytest.mark.parametrize(("lines", "bass", "root"), [(chorales.KINDLEIN, 43, 7), (chorales.FLUECHTIG, 45, 9)])
def test_the_chorales_end_on_a_major_chord_over_their_root(lines, bass, root):
    last = {voice: line[-1] for voice, line in notation.read_voices(lines).items()}
    assert last["bassoon"].midi == bass
    assert {note.midi % 12 for note in last.values()} <= {root, (root + 4) % 12, (root + 7) % 12}
    assert all(note.hold for note in last.values())


def test_one_chorale_moves_more_than_the_other():
    rates = []
    for lines in (chorales.KINDLEIN, chorales.FLUECHTIG):
        voices = notation.read_voices(lines).values()
        rates.append(sum(map(len, voices)) / float(max(line[-1].beat + line[-1].beats for line in voices)))
    assert rates[1] > 1.1 * rates[0] > 3.5


def test_the_instruments_can_play_their_voices():
    ranges = {"violin": (55, 103), "clarinet": (50, 91), "saxophone": (44, 76), "bassoon": (34, 75)}
    for lines in (chorales.KINDLEIN, chorales.FLUECHTIG):
        for voice, line in notation.read_voices(lines).items():
            low, high = ranges[voice]
            assert all(low <= note.midi <= high for note in line), voice


def test_the_song_has_a_vowel_for_each_note():
    assert len(song.VOWELS) == len(notation.read_voices(song.LINES)["voice"])


# Performance


def play(text, rng, **options):
    strict = {"hold_beats": 0.0, "breath_s": 0.0, "slowing": 0.0, "lead_in_s": 0.0}
    return performance.perform({"x": read(text)}, 60, rng=rng, **(strict | options))


def test_strict_time_keeps_every_beat_within_the_errors_of_a_player(rng):
    notes = play(" ".join(["C4q"] * 50), rng).notes
    late_s = np.array([note.onset_s - beat for beat, note in enumerate(notes)])
    assert np.abs(late_s).max() <= performance.TIMING_LIMIT_SPREADS * performance.TIMING_SPREAD_S + 1e-3
    assert 0.002 < late_s.std() < 0.008


def test_the_notes_of_a_trill_are_shorter_than_errors_and_still_end_after_they_start(rng):
    strict = {"hold_beats": 0.0, "breath_s": 0.0, "slowing": 0.0, "lead_in_s": 0.1}
    notes = performance.perform({"x": read(" ".join(["C4s D4s"] * 40))}, 1500, rng=rng, **strict).notes
    assert len(notes) == 80
    assert all(note.offset_s > note.onset_s for note in notes)


def test_a_fermata_prolongs_its_note_and_then_all_breathe(rng):
    plain, held = (play(text, rng, hold_beats=0.7, breath_s=0.2).notes for text in ("C4q D4q E4q", "C4q D4q^ E4q"))
    assert held[2].onset_s - plain[2].onset_s == pytest.approx(0.9, abs=0.03)
    assert held[1].offset_s - plain[1].offset_s == pytest.approx(0.7, abs=0.03)
    assert held[0].offset_s == pytest.approx(plain[0].offset_s, abs=0.03)


def test_the_end_grows_slower(rng):
    onsets_s = [note.onset_s for note in play(" ".join(["C4q"] * 12), rng, slowing=0.3).notes]
    steps_s = np.diff(onsets_s)
    assert steps_s[:7] == pytest.approx(1, abs=0.03)
    assert steps_s[-1] > 1.08


def test_a_phrase_rises_and_falls(rng):
    line = " ".join(["C4q"] * 15 + ["C4q^"])
    strengths = np.mean([[note.velocity for note in play(line, rng).notes] for _ in range(20)], axis=0)
    assert strengths[7:9].mean() > strengths[0] + 5
    assert strengths[7:9].mean() > strengths[-1] + 5


def test_the_seed_decides():
    text = "C4q D4e E4e F4h"
    assert play(text, np.random.default_rng(1)) == play(text, np.random.default_rng(1))
    assert play(text, np.random.default_rng(1)) != play(text, np.random.default_rng(2))


def test_times_stand_on_the_grid_of_midi_files(rng):
    for note in play("C4q D4e E4e F4h", rng, lead_in_s=0.123).notes:
        for time_s in (note.onset_s, note.offset_s):
            assert time_s * 1920 == pytest.approx(round(time_s * 1920), abs=1e-9)


def test_a_source_never_strikes_a_key_that_it_holds(rng):
    lines = {"x": (*read("C4w C4w"), *read("Rq C4q C4q C4q"))}
    notes = performance.perform(lines, 60, rng=rng).notes
    assert all(this.offset_s <= following.onset_s for this, following in itertools.pairwise(notes))
    assert len(notes) == 5


def test_notes_ring_to_the_end_of_their_bar():
    rung = performance.let_ring(read("C4q D4q E4q | F4h. | G4w~ | G4w"), bar_beats=3)
    assert [note.beat + note.beats for note in rung] == [3, 3, 3, 6, 14]


def test_a_drum_grid_is_read(rng):
    score = performance.drum_grid({"kick": "X--- x---", "hat": "--o- ----"}, {"kick": 36, "hat": 42}, 60, rng=rng)
    assert [note.midi for note in score.notes] == [36, 42, 36]
    assert [note.onset_s for note in score.notes] == pytest.approx([0, 0.5, 1.0], abs=0.008)
    assert score.notes[0].velocity > score.notes[2].velocity > score.notes[1].velocity
    assert score.unpitched == {"drums"}


def test_a_sign_that_is_no_stroke_is_refused(rng):
    with pytest.raises(ValueError, match="row 'kick'"):
        performance.drum_grid({"kick": "X--y"}, {"kick": 36}, 120, rng=rng)


def test_joined_scores_keep_the_order_of_sources():
    a, b = Score((Note("a", 60, 0, 1),)), Score((Note("b", 62, 0, 1),), unpitched=frozenset({"b"}))
    joined = performance.join([(2.0, a), (1.0, b)], ("a", "b"))
    assert joined.sources == ("a", "b")
    assert joined.unpitched == {"b"}
    assert [(note.source, note.onset_s) for note in joined.notes] == [("b", 1.0), ("a", 2.0)]


def test_the_grid_keeps_a_very_short_note():
    short = Score((Note("x", 60, 1.0, 1.00001),))
    moved = performance.on_midi_grid(short)
    assert moved.notes[0].offset_s > moved.notes[0].onset_s
    assert short.notes[0] == dataclasses.replace(moved.notes[0], offset_s=1.00001)
