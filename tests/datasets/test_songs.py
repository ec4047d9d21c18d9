"""Made-up songs: the same from the same seed, in one key and one beat, and playable."""

import collections
import itertools

import numpy as np
import pytest

from mss_lab.datasets import songs
from mss_lab.datasets.songs import harmony, parts

DRUM_PITCHES = {parts.KICK, parts.SNARE, parts.CLOSED_HAT, parts.OPEN_HAT, parts.RIDE, parts.CRASH, *parts.TOMS}
RANGES = {"piano": (48, 84), "guitar": (33, 76), "bass": (27, 60), "strings": (50, 90), "lead": (60, 90)}
SEEDS = range(12)


def song(seed, **options):
    return songs.draw(np.random.default_rng(seed), **options)


def test_a_seed_makes_one_song_and_another_seed_another():
    assert song(3) == song(3)
    assert len({song(seed).notes for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_instruments_play_within_their_range_and_the_length(seed):
    made = song(seed, length_s=15.0)
    assert made.sources == songs.INSTRUMENTS and made.unpitched == {"drums"}
    for note in made.notes:
        low, high = RANGES.get(note.source, (0, 127))
        assert low <= note.midi <= high, note
        assert note.offset_s <= 15.0
    assert {note.midi for note in made.notes_of("drums")} <= DRUM_PITCHES


@pytest.mark.parametrize("instrument", songs.INSTRUMENTS)
def test_a_player_plays_the_same_whoever_else_plays(instrument):
    assert song(4, instruments=(instrument,)).notes == song(4).notes_of(instrument)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_player_strikes_a_pitch_that_still_sounds(seed):
    by_pitch = collections.defaultdict(list)
    for note in song(seed).notes:
        by_pitch[note.source, note.midi].append(note)
    for notes in by_pitch.values():
        for earlier, later in itertools.pairwise(sorted(notes, key=lambda note: note.onset_s)):
            assert earlier.offset_s <= later.onset_s


@pytest.mark.parametrize("seed", SEEDS)
def test_chords_and_tune_lie_in_the_key_and_the_bass_mostly(seed):
    scale = harmony.plan(np.random.default_rng(seed), 12.0).scale
    made = song(seed)
    for source in ("piano", "guitar", "strings", "lead"):
        assert all(note.midi % 12 in scale for note in made.notes_of(source)), source
    inside = [note.midi % 12 in scale for note in made.notes_of("bass")]
    assert np.mean(inside) > 0.7


@pytest.mark.parametrize("seed", SEEDS)
def test_strokes_keep_the_beat_within_the_errors_of_players(seed):
    agreed = harmony.plan(np.random.default_rng(seed), 12.0)
    # All positions on which a part may place a stroke, quarters of a beat, and the strums of the guitar left out.
    grid = [agreed.time_s(bar, beat) for bar in range(len(agreed.bars)) for beat in np.arange(0, 4, 0.25)]
    for note in song(seed, instruments=("bass", "drums", "piano", "lead")).notes:
        assert np.abs(np.array(grid) - note.onset_s).min() < 0.0201


def test_swing_moves_the_second_eighth_and_nothing_else():
    straight = harmony.Plan(0, "major", 120.0, 0.5, ())
    swung = harmony.Plan(0, "major", 120.0, 2 / 3, ())
    assert straight.time_s(1, 1.5) == pytest.approx(2.75)
    assert swung.time_s(1, 1.5) == pytest.approx(2 + 0.5 * (1 + 2 / 3))
    assert swung.time_s(2, 3.0) == straight.time_s(2, 3.0) == pytest.approx(5.5)


def test_a_section_that_returns_has_the_same_chords_and_tune():
    for seed in range(40):
        agreed = harmony.plan(np.random.default_rng(seed), 40.0)
        by_place = {}
        for bar in agreed.bars:
            assert by_place.setdefault((bar.section, bar.number), bar.chords) == bar.chords


def test_songs_differ_in_key_mode_tempo_and_way_of_playing():
    plans = [harmony.plan(np.random.default_rng(seed), 12.0) for seed in range(60)]
    assert len({one.key for one in plans}) == 12
    assert {one.mode for one in plans} == set(harmony.SCALES)
    assert min(one.tempo_bpm for one in plans) < 80 and max(one.tempo_bpm for one in plans) > 140


def test_players_are_seldom_idle():
    # The thesis requires ten onsets of a source in five seconds; here on average over songs.
    made = [song(seed, length_s=10.0) for seed in range(20)]
    for source in songs.INSTRUMENTS:
        assert np.mean([len(one.notes_of(source)) for one in made]) > (8 if source == "strings" else 15), source


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="instruments must be one of"):
        song(1, instruments=("tuba",))
    with pytest.raises(ValueError, match="length_s must be"):
        song(1, length_s=0)
