"""The harmonic synthesiser: exact notes, drawn timbres, no clicks and nothing above the limit, at every rate."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab.datasets import drawn, harmonic, rooms, timbres
from mss_lab.datasets.harmonic import HarmonicEngine, render
from mss_lab.score.notes import Note, Score
from mss_lab.units import midi_to_hz

RATE_HZ = 16_000
ENGINE = HarmonicEngine()
# One of each family, and an instrument of no name.
PROGRAMS = (40, 71, 73, 56, 52, 19, 24, None)
# Without what differs from note to note, without noise, without a room.
STEADY = {
    **dict.fromkeys(
        ("vibrates", "tremolo_db", "wander_db", "scoop_cents", "drift_cents", "intonation_cents", "tuning_cents",
         "uneven_levels_db", "swell_db", "gain_db", "legato", "stretch", "spread"), 0.0),
    "noise_db": -400.0, "burst_db": -120.0, "players": 1, **rooms.DRY.facts(),
}  # fmt: skip


def timbre(seed=0, program=40, steady=True, **changes):
    found = ENGINE.draw_timbre(np.random.default_rng(seed), program)
    return found.replace(**{**(STEADY if steady else {}), **changes})


def dry(seed, program):
    return timbre(seed, program, steady=False, **rooms.DRY.facts())


def play(notes, own, rate_hz=RATE_HZ, seed=1, tail_s=0.5):
    score = Score(tuple(Note("x", *note) for note in notes), ("x",))
    return ENGINE.play(
        score, sample_rate_hz=rate_hz, rng=np.random.default_rng(seed), timbres={"x": own}, tail_s=tail_s
    )["x"][0].astype(float)


def rms(waveform):
    return np.sqrt(np.mean(waveform**2))


def spectrum(waveform, rate_hz=RATE_HZ, size=1 << 18):
    """Magnitude of a Blackman-windowed waveform, and the frequencies of its bins."""
    return np.abs(np.fft.rfft(waveform * np.blackman(len(waveform)), size)), np.fft.rfftfreq(size, 1 / rate_hz)


def partial_levels_db(waveform, f0_hz, partials, rate_hz=RATE_HZ):
    magnitude, hz = spectrum(waveform, rate_hz)
    near = [np.abs(hz - number * f0_hz) < 0.3 * f0_hz for number in range(1, partials + 1)]
    return np.array([20 * np.log10(magnitude[band].max() + 1e-12) for band in near])


def cents_off(waveform, f0_hz, rate_hz=RATE_HZ, partials=6):
    """How far the strongest of the first partials lies from where it should, in cents."""
    levels = partial_levels_db(waveform, f0_hz, partials, rate_hz)
    number = int(np.argmax(levels)) + 1
    magnitude, hz = spectrum(waveform, rate_hz)
    band = np.flatnonzero(np.abs(hz - number * f0_hz) < 0.04 * number * f0_hz)
    return 1200 * np.log2(hz[band[np.argmax(magnitude[band])]] / (number * f0_hz))


# What the same seed gives, and another


def test_the_same_seed_gives_the_same_samples_and_another_other_ones():
    score = Score((Note("violin", 67, 0.1, 0.5), Note("bassoon", 48, 0.2, 0.7)))
    first, again, other = (
        ENGINE.play(score, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    for source in score.sources:
        assert_array_equal(first[source], again[source])
        assert np.abs(first[source] - other[source]).max() > 1e-3


def test_every_stem_is_mono_single_precision_and_of_one_length():
    score = Score((Note("violin", 67, 0.1, 0.5), Note("bassoon", 48, 0.2, 0.7)), ("flute", "bassoon", "violin"))
    stems = ENGINE.play(score, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(0), tail_s=0.3)
    assert list(stems) == ["flute", "bassoon", "violin"]
    assert {(stem.shape, stem.dtype.name) for stem in stems.values()} == {((1, RATE_HZ), "float32")}
    assert not stems["flute"].any()
    assert stems["violin"].any() and stems["bassoon"].any()


def test_a_score_without_notes_is_silent():
    stems = ENGINE.play(Score((), ("violin",)), sample_rate_hz=RATE_HZ, rng=np.random.default_rng(0))
    assert_array_equal(stems["violin"], np.zeros((1, RATE_HZ // 2), np.float32))


def test_no_two_draws_are_one_instrument():
    rng = np.random.default_rng(0)
    for program in PROGRAMS:
        assert len({ENGINE.draw_timbre(rng, program).name for _ in range(50)}) == 50


@pytest.mark.parametrize("program", PROGRAMS)
def test_drawn_instruments_differ_in_spectrum_and_one_instrument_does_not(program):
    notes = [(57, 0.1, 1.3)]
    # Of plucked notes little is left later.
    inside = slice(round(0.15 * RATE_HZ), round(0.65 * RATE_HZ))

    def levels(seed, performance):
        sound = play(notes, dry(seed, program), seed=performance)
        found = partial_levels_db(sound[inside], midi_to_hz(57), 12)
        # Below that, noise speaks for partials that are hardly there.
        return np.maximum(found - found.max(), -40)

    drawn_levels = [levels(seed, 1) for seed in range(5)]
    apart = [np.mean(np.abs(drawn_levels[a] - drawn_levels[b])) for a in range(5) for b in range(a)]
    same = [np.mean(np.abs(levels(seed, 2) - drawn_levels[seed])) for seed in range(5)]
    assert np.median(apart) > 3
    assert min(apart) > 1
    assert np.median(same) < 0.5 * np.median(apart)


# Notes are where and what the score says


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_note_starts_at_its_onset_and_not_before(program, rate_hz):
    onset_s = 0.2345
    for seed in range(2):
        sound = play([(60, onset_s, 0.5)], timbre(seed, program, steady=False), rate_hz)
        onset = round(onset_s * rate_hz)
        assert np.abs(sound[:onset]).max() < 1e-12
        heard_s = (np.argmax(np.abs(sound) > 1e-3 * np.abs(sound).max()) - onset) / rate_hz
        assert 0 <= heard_s < 0.012, (seed, heard_s)


@pytest.mark.parametrize("program", PROGRAMS)
def test_between_notes_and_after_the_last_there_is_silence(program):
    for seed in range(3):
        sound = play([(60, 0.1, 0.4), (64, 1.0, 1.3)], dry(seed, program))
        between = sound[round((0.4 + drawn.LONGEST_RELEASE_S + 0.01) * RATE_HZ) : round(1.0 * RATE_HZ)]
        assert np.abs(between).max() < 1e-12
        assert rms(sound[round(1.05 * RATE_HZ) : round(1.2 * RATE_HZ)]) > 1e-3
        assert abs(sound[-1]) < 1e-4


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("midi", [36, 57.37, 69, 84])
def test_a_steady_note_has_its_pitch_to_a_cent(rate_hz, midi):
    sound = play([(midi, 0.05, 1.5)], timbre(0, 42), rate_hz)
    inside = sound[round(0.2 * rate_hz) : round(1.4 * rate_hz)]
    assert abs(cents_off(inside, midi_to_hz(midi), rate_hz, partials=3)) < 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_drawn_note_has_its_pitch_to_a_quarter_of_a_semitone(program):
    for seed in range(4):
        sound = play([(62, 0.05, 1.5)], timbre(seed, program, steady=False, players=1))
        inside = sound[round(0.1 * RATE_HZ) : round(1.4 * RATE_HZ)]
        # Vibrato spreads a partial to both sides, and the larger side may be either: a fundamental shows it least.
        magnitude, hz = spectrum(inside)
        band = (np.abs(hz / midi_to_hz(62) - 1) < 0.06) * magnitude**2
        centre_hz = np.sum(band * hz) / np.sum(band)
        assert abs(1200 * np.log2(centre_hz / midi_to_hz(62))) < 25


def test_a_chord_holds_all_its_notes():
    chord = (48, 55, 64)
    sound = play([(midi, 0.1, 1.1) for midi in chord], timbre(0, 19))
    inside = sound[round(0.3 * RATE_HZ) : round(1.0 * RATE_HZ)]
    for midi in chord:
        assert abs(cents_off(inside, midi_to_hz(midi), partials=1)) < 3
    alone = play([(chord[0], 0.1, 1.1)], timbre(0, 19))
    assert rms(inside) > 1.3 * rms(alone[round(0.3 * RATE_HZ) : round(1.0 * RATE_HZ)])


@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_a_note_of_one_sample_is_a_blip(rate_hz):
    for program in PROGRAMS:
        sound = play([(60, 0.1, 0.1 + 1 / rate_hz)], dry(1, program), rate_hz)
        assert np.all(np.isfinite(sound))
        assert 0 < np.abs(sound).max() < 0.5
        after = sound[round((0.1 + drawn.LONGEST_RELEASE_S + 0.02) * rate_hz) :]
        assert np.abs(after).max() < 1e-12


def test_a_piece_of_one_sample_can_be_played():
    sound = play([(60, 0.0, 1 / RATE_HZ)], timbre(), tail_s=0)
    assert sound.shape == (1,)
    assert np.isfinite(sound).all()


# No clicks, nothing above the limit


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("midi", [40, 69, 91, 103, 113, 127])
def test_nothing_sounds_above_the_limit(rate_hz, midi):
    highest_hz = min(drawn.HIGHEST_HZ, drawn.HIGHEST_PART * rate_hz)
    # A spectrum that does not fall, a swinging pitch, and a loud room.
    bright = timbre(2, 56, fall=-6.0, table_db=np.zeros(drawn.GRID_SIZE), vibrates=1.0, vibrato_cents=60.0,
                    attack_s=0.02, release_s=0.04)  # fmt: skip
    bright = dataclasses.replace(bright, settings=timbres.plain(dict(bright.settings)))
    sound = play([(midi, 0.1, 0.9)], bright, rate_hz)
    assert np.isfinite(sound).all()
    magnitude, hz = spectrum(sound, rate_hz)
    if midi_to_hz(midi) > highest_hz:
        assert np.abs(sound).max() < 1e-12
        return
    # 3 % for the skirts of what sounds right below it.
    above = hz > 1.03 * highest_hz
    assert np.sum(magnitude[above] ** 2) < 1e-8 * np.sum(magnitude**2)


def test_partials_meet_their_limit_without_aliases():
    # At a rate where all partials below it fit, and at half of it: the lower partials are the same ones.
    own = timbre(3, 40, table_db=np.zeros(drawn.GRID_SIZE), fall=3.0)
    full, half = (play([(88, 0.1, 1.1)], own, rate_hz, tail_s=0.4) for rate_hz in (32_000, 16_000))
    levels = [
        partial_levels_db(sound[round(0.3 * rate_hz) : round(1.0 * rate_hz)], midi_to_hz(88), 5, rate_hz)
        for sound, rate_hz in ((full, 32_000), (half, 16_000))
    ]
    relative = [level - level[0] for level in levels]
    # Single partials wander by a draw of their own; an alias would lie between them.
    assert_allclose(relative[0][:4], relative[1][:4], atol=4)
    magnitude, hz = spectrum(half[round(0.3 * 16_000) : round(1.0 * 16_000)], 16_000)
    between = np.abs(hz / midi_to_hz(88) - np.rint(hz / midi_to_hz(88))) > 0.1
    assert magnitude[between].max() < 1e-4 * magnitude.max()


@pytest.mark.parametrize("length_s", [0.01, 0.05, 0.4])
@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_clicks(program, length_s):
    # A fundamental alone, so that whatever lies far above it is a click.
    table_db = np.where(drawn.GRID_HZ < 350, 0.0, -90.0)
    pure = timbre(0, program, table_db=table_db, fall=20.0, attack_s=0.012, release_s=0.02, decay_db_s=0.0)
    notes = [(60 + number % 3, 0.1 + number * 1.02 * length_s, 0.1 + (number + 1) * length_s) for number in range(8)]
    sound = play(notes, pure)
    magnitude, hz = spectrum(sound)
    assert np.sum(magnitude[hz > 3_000] ** 2) < 1e-6 * np.sum(magnitude**2)
    # Slower than a sine wave of its height and twice its frequency would.
    assert np.abs(np.diff(sound)).max() < 2 * 2 * np.pi * midi_to_hz(62) / RATE_HZ * np.abs(sound).max()


@pytest.mark.parametrize("program", range(0, 128, 9))
def test_every_program_gives_finite_sound_of_a_sensible_level(program):
    rng = np.random.default_rng(program)
    for _ in range(3):
        own = ENGINE.draw_timbre(rng, program)
        sound = play([(52, 0.0, 0.3, 100), (64, 0.3, 0.5, 20), (59, 0.3, 0.7, 127)], own)
        assert np.isfinite(sound).all()
        assert 0.02 < np.abs(sound).max() < 3


# How it is played


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_stronger_note_is_louder_and_brighter(program):
    # 19, an organ, hardly cares.
    own = timbre(0, program, **({"brighter": 0.1} if program == 19 else {}))
    soft, loud = (play([(57, 0.1, 1.1, velocity)], own)[round(0.3 * RATE_HZ) : RATE_HZ] for velocity in (40, 110))

    assert rms(loud) > 3 * rms(soft)
    tilts_db = [partial_levels_db(sound, midi_to_hz(57), 8) for sound in (loud, soft)]
    brighter_db = np.subtract(*tilts_db)
    assert brighter_db[2:].mean() > brighter_db[0] + 0.5


def test_a_note_of_middle_velocity_has_the_reference_level_whatever_its_colour():
    for seed in range(6):
        for midi in (48, 60, 72):
            sound = play([(midi, 0.0, 1.0)], timbre(seed, 71, even_loudness=1.0))
            level_db = 20 * np.log10(rms(sound[round(0.3 * RATE_HZ) : round(0.9 * RATE_HZ)]) / drawn.REFERENCE_RMS)
            assert abs(level_db) < 3


def test_slurred_notes_flow_and_tongued_notes_part():
    notes = [(60 + 2 * number, 0.1 + 0.4 * number, 0.5 + 0.4 * number) for number in range(5)]

    def dip(legato):
        own = timbre(0, 71, legato=legato, attack_s=0.03)
        level = np.sqrt(np.convolve(play(notes, own, seed=2) ** 2, np.ones(160) / 160, mode="same"))
        inside = level[round(0.3 * RATE_HZ) : round(0.45 * RATE_HZ)].mean()
        joints = [round((0.1 + 0.4 * number) * RATE_HZ) for number in range(1, 5)]
        return np.mean([level[joint - 480 : joint + 480].min() / inside for joint in joints])

    assert dip(0.0) < 0.25
    assert dip(1.0) > 0.4


def test_a_slur_starts_on_its_way_from_the_note_before():
    notes = tuple(Note("x", midi, onset, onset + 0.4) for midi, onset in ((60, 0.0), (67, 0.4)))
    voice = drawn.strokes(notes, timbre(0, 40, legato=1.0), RATE_HZ, np.random.default_rng(0))
    assert voice["scoop_cents"][0] == 0
    assert -100 <= voice["scoop_cents"][1] < 0


def test_vibrato_sets_in_late_and_swings_as_deep_as_it_says():
    own = timbre(0, 40, vibrates=1.0, vibrato_cents=30.0, vibrato_delay_s=0.3, vibrato_rise_s=0.1)
    voice = drawn.strokes((Note("x", 69, 0.0, 2.0),), own, RATE_HZ, np.random.default_rng(2))
    cents = 1200 * np.log2(harmonic.control(voice, 0, RATE_HZ)["f0_hz"] / 440)
    times_s = np.arange(len(cents)) * 0.004
    assert np.abs(cents[times_s < 0.17]).max() < 0.01
    late = cents[times_s > 0.8]
    assert 0.35 * 30 <= late.max() <= 1.25 * 30 or voice["vibrato_cents"][0] == 0
    assert late.max() == pytest.approx(voice["vibrato_cents"][0], rel=0.05)


def test_notes_differ_in_level_vibrato_and_attack():
    notes = tuple(Note("x", 60, 0.5 * number, 0.5 * number + 0.3) for number in range(20))
    voice = drawn.strokes(notes, timbre(0, 40, steady=False, players=1), RATE_HZ, np.random.default_rng(0))
    for name in ("level_db", "vibrato_hz", "drift_hz", "swell_db"):
        assert np.std(voice[name]) > 0, name
    assert np.std(voice["attack_s"][:, 0]) > 0.001


def test_partials_wander_each_on_its_own():
    notes = (Note("x", 60, 0.0, 2.0),)
    still, wandering = (
        harmonic.control(
            drawn.strokes(notes, timbre(0, 40, wander_db=wander_db), RATE_HZ, np.random.default_rng(0)), 0, RATE_HZ
        )["gains"][:, 100:400]
        for wander_db in (0.0, 2.0)
    )
    assert np.std(20 * np.log10(still), axis=1).max() < 1.5
    ratio_db = 20 * np.log10(wandering / still)
    assert 0.3 < np.std(ratio_db, axis=1).mean() < 2
    assert np.abs(np.corrcoef(ratio_db[:8])[np.triu_indices(8, 1)]).mean() < 0.6


def test_high_partials_speak_later_where_the_attack_is_spread():
    notes = (Note("x", 50, 0.0, 1.0),)
    own = timbre(0, 56, spread=1.2, attack_s=0.05)
    gains = harmonic.control(drawn.strokes(notes, own, RATE_HZ, np.random.default_rng(0)), 0, RATE_HZ)["gains"]
    rising = gains / gains[:, 150:200].mean(axis=1, keepdims=True)
    half_way = np.argmax(rising > 0.5, axis=1)
    assert half_way[15:25].mean() > 1.5 * half_way[0]


def test_vibrato_moves_levels_where_the_body_resonates():
    steep = np.where(drawn.GRID_HZ < 880, -30.0, 0.0)
    notes = (Note("x", 69, 0.0, 1.5),)
    swings = {}
    for name, table_db in (("flat", np.zeros(drawn.GRID_SIZE)), ("steep", steep)):
        own = timbre(0, 40, table_db=table_db, vibrates=1.0, vibrato_cents=30.0, vibrato_delay_s=0.05)
        gains = harmonic.control(drawn.strokes(notes, own, RATE_HZ, np.random.default_rng(2)), 0, RATE_HZ)["gains"]
        swings[name] = np.std(20 * np.log10(gains[1, 200:350]))
    assert swings["steep"] > 3 * swings["flat"] + 1


def test_noise_is_as_loud_as_it_says_and_has_the_response_it_is_given():
    highs = np.where(drawn.GRID_HZ < 3_000, -60.0, 0.0)
    silent = {"even_loudness": 1.0, "noise_table_db": highs, "flutter": 0.0, "fall": 40.0}
    own = timbre(0, 19, noise_db=-20.0, **silent)
    sound = play([(48, 0.1, 2.1)], own)[round(0.5 * RATE_HZ) : round(2.0 * RATE_HZ)]
    magnitude, hz = spectrum(sound)
    high, middle = (magnitude[(hz > low) & (hz < low + 2_000)] ** 2 for low in (4_000, 800))
    assert 10 * np.log10(high.mean() / middle.mean()) > 25
    # The tone has no partial up there, so what is above 3 kHz is the noise.
    blackman = np.mean(np.blackman(len(sound)) ** 2)
    noise_rms = np.sqrt(2 * np.sum(magnitude[hz > 2_500] ** 2) / (1 << 18) / blackman / len(sound))
    assert 20 * np.log10(noise_rms / drawn.REFERENCE_RMS) == pytest.approx(-20, abs=4)


def test_plucked_notes_die_away_and_held_ones_do_not():
    def late_over_early(program):
        sound = play([(57, 0.0, 2.0)], timbre(0, program))
        return rms(sound[round(1.5 * RATE_HZ) : round(1.9 * RATE_HZ)]) / rms(
            sound[round(0.1 * RATE_HZ) : round(0.5 * RATE_HZ)]
        )

    assert late_over_early(24) < 0.5
    assert late_over_early(71) > 0.6


def test_several_players_are_not_together_and_not_early():
    notes = tuple(Note("x", 60, 0.1 + number, 0.9 + number) for number in range(3))
    own = timbre(0, 40, players=3, apart_cents=8.0)
    voice = drawn.strokes(notes, own, RATE_HZ, np.random.default_rng(0))
    assert len(voice["start"]) == 9
    early = voice["start"].reshape(3, 3) / RATE_HZ - np.array([[0.1], [1.1], [2.1]])
    assert early.min() >= -1e-4
    assert np.all(early[:, 1:] > 0)
    assert np.std(voice["pitch_hz"]) > 0.1


def test_a_room_rings_on_and_a_booth_does_not():
    wet = rooms.Room(1.0, -6.0, 4, 6_000.0)
    score = Score((Note("x", 60, 0.1, 0.4),))
    after = slice(round((0.4 + drawn.LONGEST_RELEASE_S + 0.02) * RATE_HZ), None)
    for room, rings in ((wet, True), (rooms.DRY, False)):
        sound = ENGINE.play(
            score, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(0), timbres={"x": timbre()}, room=room, tail_s=1.0
        )["x"][0]
        assert (np.abs(sound[after]).max() > 1e-4) == rings
        assert np.abs(sound[: round(0.1 * RATE_HZ)]).max() < 1e-12


def test_inharmonic_partials_stand_apart_as_stiff_strings_ask():
    notes = (Note("x", 57, 0.0, 1.0),)
    voice = drawn.strokes(notes, timbre(0, 0, stretch=1e-3), RATE_HZ, np.random.default_rng(0))
    ratios = harmonic.control(voice, 0, RATE_HZ)["ratios"]
    assert ratios[0] == 1
    assert ratios[9] == pytest.approx(10 * np.sqrt(1 + 1e-3 * 99), rel=1e-9)


# One sound from many voices


def test_voices_in_one_set_of_parameters_sound_as_they_do_alone():
    voices = [
        drawn.strokes((Note("x", midi, 0.0, 0.2),), timbre(seed, 40), RATE_HZ, np.random.default_rng(seed))
        for seed, midi in ((0, 60), (1, 60))
    ]
    both = {name: np.concatenate([voice[name] for voice in voices]) for name in voices[0]}
    both["voice"] = np.array([0, 1])
    together = render(both, 6_000, RATE_HZ)
    alone = np.concatenate([render(voice, 6_000, RATE_HZ) for voice in voices])
    assert_allclose(together, alone, atol=1e-12)


def test_parameters_are_not_written_into(frozen):
    score = Score((Note("x", 60, 0.0, 0.2), Note("x", 62, 0.2, 0.4)))
    voice = ENGINE.voice(score, "x", timbre(0, 40, steady=False), 8_000, RATE_HZ, np.random.default_rng(0))
    assert np.isfinite(render(frozen(voice), 8_000, RATE_HZ)).all()


# Refusals


def test_drums_are_refused():
    score = Score((Note("drums", 42, 0.0, 0.2),), unpitched=frozenset({"drums"}))
    with pytest.raises(ValueError, match=r"unpitched drums.*soundfont engine"):
        ENGINE.play(score, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(0))


@pytest.mark.parametrize("rate_hz", [4_000, 400_000, 16_000.5])
def test_rates_out_of_reach_are_refused(rate_hz):
    with pytest.raises(ValueError, match="sample_rate_hz"):
        ENGINE.play(Score((), ("x",)), sample_rate_hz=rate_hz, rng=np.random.default_rng(0))


@pytest.mark.parametrize("program", [-1, 128, 1.5])
def test_a_program_that_midi_does_not_have_is_refused(program):
    with pytest.raises(ValueError, match="program"):
        ENGINE.draw_timbre(np.random.default_rng(0), program)


def test_a_seed_in_place_of_a_generator_is_refused():
    with pytest.raises(TypeError, match=r"default_rng"):
        ENGINE.draw_timbre(0)
    with pytest.raises(TypeError, match=r"default_rng"):
        ENGINE.play(Score((), ("x",)), sample_rate_hz=RATE_HZ, rng=0)
