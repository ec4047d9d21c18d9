"""Timbres, rooms, and the engine of soundfonts (marker `renders` where FluidSynth and FluidR3 are needed)."""

import json
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab.datasets import engines, render, rooms
from mss_lab.datasets.engines import SoundfontEngine
from mss_lab.datasets.harmonic import HarmonicEngine
from mss_lab.datasets.timbres import Timbre, timbres_of
from mss_lab.score.notes import Note, Score
from mss_lab.units import midi_to_hz

RATE_HZ = 16_000
DUET = Score((Note("violin", 67, 0.1, 0.5), Note("bassoon", 48, 0.2, 0.7)))


@pytest.fixture
def fonts(tmp_path):
    """Two files that are soundfonts by name alone."""
    paths = [tmp_path / "one.sf2", tmp_path / "two.sf3"]
    for path in paths:
        path.write_bytes(b"font")
    return paths


@pytest.fixture(scope="module")
def fluid():
    return SoundfontEngine([render.find_soundfont()])


def plain_timbre(engine, program=71, **changes):
    return engine.draw_timbre(np.random.default_rng(0), program, shaped=False).replace(**changes)


def play(engine, notes, timbre, rate_hz=RATE_HZ, seed=0, **options):
    score = Score(tuple(Note("x", *note) for note in notes), ("x",))
    stems = engine.play(
        score, sample_rate_hz=rate_hz, rng=np.random.default_rng(seed), timbres={"x": timbre}, **options
    )
    return stems["x"][0].astype(float)


def pitch_hz(sound, near_hz, rate_hz=RATE_HZ):
    magnitude = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
    hz = np.fft.rfftfreq(1 << 18, 1 / rate_hz)
    band = np.flatnonzero(np.abs(hz / near_hz - 1) < 0.04)
    return hz[band[np.argmax(magnitude[band])]]


# Timbres


@pytest.mark.parametrize("kind", ["harmonic", "soundfont"])
def test_facts_are_json_and_make_the_timbre_again(kind, fonts):
    engine = HarmonicEngine() if kind == "harmonic" else SoundfontEngine(fonts)
    timbre = engine.draw_timbre(np.random.default_rng(0), 40)
    again = Timbre.from_facts(json.loads(json.dumps(timbre.facts())))
    assert again == timbre
    assert hash(again) == hash(timbre)
    assert pickle.loads(pickle.dumps(timbre)) == timbre


def test_a_timbre_that_was_written_down_sounds_the_same():
    engine = HarmonicEngine()
    timbre = engine.draw_timbre(np.random.default_rng(0), 40)
    again = Timbre.from_facts(json.loads(json.dumps(timbre.facts())))
    assert_array_equal(*(play(engine, [(60, 0.1, 0.3)], one) for one in (timbre, again)))


def test_the_same_seed_draws_the_same_timbre(fonts):
    for engine in (HarmonicEngine(), SoundfontEngine(fonts)):
        first, again, other = (engine.draw_timbre(np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert first == again != other


def test_soundfont_timbres_are_named_by_font_and_program_alone(fonts):
    engine = SoundfontEngine(fonts)
    assert engine.timbres((40, 7)) == ("one/040", "two/040", "one/007", "two/007")
    rng = np.random.default_rng(0)
    drawn = [engine.draw_timbre(rng, 40) for _ in range(30)]
    assert {timbre.name for timbre in drawn} == {"one/040", "two/040"}
    assert len({timbre["gain_db"] for timbre in drawn}) == 30
    assert engine.draw_timbre(rng, 40, "two").name == "two/040"
    assert engine.draw_timbre(rng).program in engines.ORCHESTRAL_PROGRAMS


def test_an_unshaped_timbre_leaves_the_soundfont_as_it_is(fonts):
    timbre = SoundfontEngine(fonts).draw_timbre(np.random.default_rng(0), 40, shaped=False)
    for setting in ("gain_db", "detune_cents", "drift_cents", "vibrato_cents", "attack_s", "room_s"):
        assert timbre[setting] == 0, setting
    assert not any(timbre["filter_db"])


def test_a_setting_that_is_not_there_is_refused(fonts):
    timbre = SoundfontEngine(fonts).draw_timbre(np.random.default_rng(0), 40)
    with pytest.raises(KeyError, match="has no setting 'colour', only font"):
        timbre["colour"]
    with pytest.raises(KeyError, match="colour"):
        timbre.replace(colour=1)
    assert timbre.replace(gain_db=3)["gain_db"] == 3


def test_sources_get_the_instrument_their_name_means(fonts):
    engine = SoundfontEngine(fonts)
    score = Score(
        (Note("violin 2", 60, 0, 1), Note("hum", 60, 0, 1), Note("kit", 38, 0, 1)), unpitched=frozenset({"kit"})
    )
    chosen = timbres_of(engine, score, np.random.default_rng(0))
    assert list(chosen) == list(score.sources)
    assert chosen["violin 2"].program == 40
    assert chosen["hum"].program in engines.ORCHESTRAL_PROGRAMS
    assert chosen["kit"].program == 0
    given = engine.draw_timbre(np.random.default_rng(5), 12)
    assert timbres_of(engine, score, np.random.default_rng(0), {"hum": given})["hum"] is given


def test_engines_are_made_by_name():
    assert engines.make("harmonic").name == "harmonic"
    with pytest.raises(ValueError, match="'harmonic', 'soundfont'"):
        engines.make("sampler")


# Refusals


def test_timbres_of_strangers_and_of_other_engines_are_refused(fonts):
    theirs = SoundfontEngine(fonts).draw_timbre(np.random.default_rng(0), 40)
    engine = HarmonicEngine()
    with pytest.raises(ValueError, match=r"drawn by the engine that plays it, harmonic, got one of soundfont"):
        engine.play(DUET, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(0), timbres={"violin": theirs})
    with pytest.raises(ValueError, match="a source of timbres"):
        engine.play(DUET, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(0), timbres={"horn": theirs})


def test_soundfonts_that_are_not_there_or_share_a_name_are_refused(tmp_path, fonts):
    with pytest.raises(FileNotFoundError, match="give the path of a"):
        SoundfontEngine([tmp_path / "none.sf2"])
    with pytest.raises(FileNotFoundError, match="at least one soundfont"):
        SoundfontEngine([])
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "one.sf2").write_bytes(b"font")
    with pytest.raises(ValueError, match="must have its own name"):
        SoundfontEngine([*fonts, tmp_path / "deeper" / "one.sf2"])


def test_a_font_program_or_rate_that_is_not_there_is_refused(fonts):
    engine = SoundfontEngine(fonts)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="font must be one of"):
        engine.draw_timbre(rng, 40, "three")
    with pytest.raises(ValueError, match="program"):
        engine.draw_timbre(rng, 128)
    with pytest.raises(ValueError, match="FluidSynth plays at these rates"):
        engine.play(DUET, sample_rate_hz=4_000, rng=rng)
    other = engine.draw_timbre(rng, 40).replace(font="three")
    with pytest.raises(ValueError, match="the soundfont of violin's timbre"):
        engine.play(DUET, sample_rate_hz=RATE_HZ, rng=rng, timbres={"violin": other})


def test_a_machine_without_soundfonts_is_told_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.delenv(render.SOUNDFONT_VARIABLE, raising=False)
    monkeypatch.setattr(render, "SOUNDFONT_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(engines, "OTHER_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="fluid-soundfont-gm"):
        engines.find_soundfonts()
    (tmp_path / "MuseScore_General.sf3").write_bytes(b"font")
    assert engines.find_soundfonts() == [tmp_path / "MuseScore_General.sf3"]


@pytest.mark.parametrize("bend", [[250.0], [0.0, -201.0], [np.nan]])
def test_a_bend_that_is_too_wide_is_refused(bend):
    with pytest.raises(ValueError, match="bends_cents"):
        render.render(DUET, {"violin": 40, "bassoon": 70}, bends_cents={"violin": np.array(bend)})


# Rooms and filters


def test_a_response_starts_with_the_direct_sound_and_has_the_energy_it_says():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        room = rooms.draw(rng, dry=0.0)
        taps = rooms.response(room, RATE_HZ, rng)
        assert taps[0] == 1
        assert 10 * np.log10(np.sum(taps[1:] ** 2)) == pytest.approx(room.room_db, abs=1e-6)
        assert len(taps) == round(room.room_s * RATE_HZ)


def test_echoes_fall_by_sixty_decibels_over_the_rooms_time():
    taps = rooms.response(rooms.Room(1.0, -6.0, 0, 1e6), RATE_HZ, np.random.default_rng(0))
    energy_db = [10 * np.log10(np.mean(taps[part : part + 800] ** 2)) for part in (1_600, 14_400)]
    assert energy_db[0] - energy_db[1] == pytest.approx(60 * 12_800 / RATE_HZ, abs=2)


def test_no_room_is_one_tap_and_some_draws_are_dry():
    assert_array_equal(rooms.response(rooms.DRY, RATE_HZ, np.random.default_rng(0)), [1.0])
    rng = np.random.default_rng(0)
    dry = [rooms.draw(rng, dry=0.5) == rooms.DRY for _ in range(100)]
    assert 30 < sum(dry) < 70


def test_convolution_is_convolution():
    rng = np.random.default_rng(0)
    for samples, taps in ((100, 7), (7, 100), (1, 1), (1, 5)):
        waveform, response = rng.standard_normal(samples), rng.standard_normal(taps)
        assert_allclose(rooms.convolve(waveform, response), np.convolve(waveform, response)[:samples], atol=1e-12)


def test_a_filter_has_its_gains_and_answers_at_once():
    hz = np.array([62.5, 500.0, 2_000.0, 8_000.0])
    gains_db = np.array([-6.0, 0.0, 8.0, -10.0])
    taps = rooms.minimum_phase(hz, gains_db, RATE_HZ)
    found_db = 20 * np.log10(np.abs(np.fft.rfft(taps, RATE_HZ)))
    assert_allclose(
        found_db[[100, 500, 2_000, 7_990]], np.interp(np.log([100, 500, 2_000, 7_990]), np.log(hz), gains_db), atol=0.5
    )
    assert np.sum(taps[:16] ** 2) > 0.9 * np.sum(taps**2)
    assert_allclose(rooms.minimum_phase(hz, np.zeros(4), RATE_HZ), np.eye(1, 512)[0], atol=1e-12)


@pytest.mark.parametrize("samples", [1, 2, 3, 5, 1_000, 16_001])
def test_good_sizes_are_long_enough_and_not_much_longer(samples):
    size = rooms.good_size(samples)
    assert samples <= size < 1.34 * samples + 1


def test_attacks_are_softened_only_where_the_source_was_silent():
    notes = [Note("x", 60, 0.1, 0.3), Note("x", 64, 0.2, 0.4), Note("x", 60, 0.6, 0.8)]
    gains = engines._attacks(notes, 0.05, RATE_HZ, RATE_HZ)
    assert gains[1_600] < 0.01 > gains[9_600]
    assert gains[3_200] == 1
    assert np.all(np.diff(gains[1_600:2_400]) >= 0)
    assert np.all(engines._attacks(notes, 0.0, RATE_HZ, RATE_HZ) == 1)


# FluidSynth plays


@pytest.mark.renders
def test_the_same_seed_gives_the_same_samples(fluid):
    first, again, other = (
        fluid.play(DUET, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    for source in DUET.sources:
        assert first[source].shape == (1, round(1.2 * RATE_HZ))
        assert first[source].dtype == np.float32
        assert_array_equal(first[source], again[source])
        assert np.abs(first[source] - other[source]).max() > 1e-3


@pytest.mark.renders
@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
def test_notes_start_where_they_should_and_nothing_sounds_before(fluid, rate_hz):
    for timbre in (plain_timbre(fluid), fluid.draw_timbre(np.random.default_rng(1), 71)):
        sound = play(fluid, [(60, 0.25, 0.6)], timbre, rate_hz)
        onset = round(0.25 * rate_hz)
        # A block of FluidSynth's may start a note up to half a block early.
        assert np.abs(sound[: onset - 64]).max() < 1e-9
        assert 0 <= np.argmax(np.abs(sound) > 0.01 * np.abs(sound).max()) / rate_hz - 0.25 + 64 / rate_hz < 0.06
        assert np.isfinite(sound).all()


@pytest.mark.renders
@pytest.mark.parametrize("cents", [-10.0, 0.0, 7.5, 120.0])
def test_tuning_moves_pitches_and_nothing_else(fluid, cents):
    written = [(69, 0.1, 1.3)]
    straight, tuned = (play(fluid, written, plain_timbre(fluid, detune_cents=bend)) for bend in (0.0, cents))
    inside = slice(round(0.3 * RATE_HZ), round(1.2 * RATE_HZ))
    found = 1200 * np.log2(
        pitch_hz(tuned[inside], midi_to_hz(69) * 2 ** (cents / 1200)) / pitch_hz(straight[inside], 440)
    )
    assert found == pytest.approx(cents, abs=2)
    assert len(tuned) == len(straight)


@pytest.mark.renders
def test_vibrato_sets_in_after_its_delay(fluid):
    timbre = plain_timbre(fluid, vibrato_cents=60.0, vibrato_hz=5.0, vibrato_delay_s=0.6)
    sound = play(fluid, [(69, 0.1, 2.1)], timbre)

    def width_hz(start_s):
        part = sound[round(start_s * RATE_HZ) :][: round(0.4 * RATE_HZ)]
        power = np.abs(np.fft.rfft(part * np.blackman(len(part)), 1 << 16)) ** 2
        hz = np.fft.rfftfreq(1 << 16, 1 / RATE_HZ)
        band = np.abs(hz - 440) < 60
        centre = np.sum(hz[band] * power[band]) / power[band].sum()
        return np.sqrt(np.sum((hz[band] - centre) ** 2 * power[band]) / power[band].sum())

    assert width_hz(1.5) > 1.5 * width_hz(0.2)


@pytest.mark.renders
def test_a_stronger_score_is_louder(fluid):
    soft, loud = (play(fluid, [(60, 0.1, 0.8, velocity)], plain_timbre(fluid)) for velocity in (40, 110))
    assert 20 * np.log10(np.std(loud) / np.std(soft)) == pytest.approx(14, abs=2)


@pytest.mark.renders
def test_fonts_filters_gains_and_rooms_are_heard(fluid):
    notes = [(60, 0.1, 0.5)]
    dry = play(fluid, notes, plain_timbre(fluid), tail_s=1.0)
    louder = play(fluid, notes, plain_timbre(fluid, gain_db=6.0), tail_s=1.0)
    assert_allclose(louder, dry * 10 ** (6 / 20), atol=1e-5)
    dull_db = np.minimum(0, -12 * np.log2(engines.FILTER_KNOTS_HZ / 500))
    dull = play(fluid, notes, plain_timbre(fluid, filter_db=tuple(dull_db)), tail_s=1.0)
    assert np.std(np.diff(dull)) / np.std(dull) < 0.7 * np.std(np.diff(dry)) / np.std(dry)
    wet = play(fluid, notes, plain_timbre(fluid), tail_s=1.0, room=rooms.Room(1.0, -6.0, 4, 5_000.0))
    late = slice(round(1.0 * RATE_HZ), round(1.3 * RATE_HZ))
    assert np.std(wet[late]) > 30 * np.std(dry[late])


@pytest.mark.renders
def test_a_source_without_notes_is_silent_and_drums_are_played(fluid):
    score = Score((Note("kit", 38, 0.1, 0.2),), ("kit", "flute"), frozenset({"kit"}))
    stems = fluid.play(score, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(0))
    assert not stems["flute"].any()
    assert stems["kit"].any()
    assert stems["kit"].shape == stems["flute"].shape


@pytest.mark.renders
def test_every_soundfont_of_this_machine_can_be_played():
    engine = SoundfontEngine()
    for font in engine.paths:
        timbre = engine.draw_timbre(np.random.default_rng(0), 40, font, shaped=False)
        sound = play(engine, [(69, 0.1, 0.7)], timbre)
        assert abs(1200 * np.log2(pitch_hz(sound[round(0.3 * RATE_HZ) : round(0.7 * RATE_HZ)], 440) / 440)) < 15


# Single notes of a stem


def notes_one_by_one(engine, score, **options):
    """The stems, and the sum of all of their notes, each played alone."""

    def played(**chosen):
        return engine.play(score, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(3), **options, **chosen)

    alone = [played(only=[note]) for note in score.notes]
    return played(), {source: sum(stems[source] for stems in alone) for source in score.sources}, alone


SINGLE = Score(
    (Note("x", 60, 0.0, 0.3, 60), Note("x", 64, 0.3, 0.6, 100), Note("x", 60, 0.7, 1.0, 80), Note("y", 72, 0.1, 0.9)),
    ("x", "y"),
)


def check_single_notes(engine, timbres):
    stems, sums, alone = notes_one_by_one(engine, SINGLE, timbres=timbres, room=rooms.Room(0.3, -12.0, 3, 4000.0))
    for source, stem in stems.items():
        assert np.abs(sums[source] - stem).max() < 5e-4 * np.abs(stem).max()
    for note, of_note in zip(SINGLE.notes, alone, strict=True):
        other = next(source for source in SINGLE.sources if source != note.source)
        assert of_note[note.source].any() and not of_note[other].any()
        assert of_note[note.source].shape == stems[note.source].shape
        # Nothing sounds before it, except that FluidSynth starts notes on its own grid.
        assert np.abs(of_note[note.source][0, : max(0, round((note.onset_s - 0.005) * RATE_HZ))]).max(initial=0) < 1e-6
    nothing = engine.play(SINGLE, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(3), timbres=timbres, only=[])
    assert not any(stem.any() for stem in nothing.values())


@pytest.mark.parametrize("players", [1, 2])
def test_the_notes_of_a_drawn_instrument_add_up_to_its_stem(players):
    engine = HarmonicEngine()
    timbre = engine.draw_timbre(np.random.default_rng(0), 40).replace(players=players)
    check_single_notes(engine, {"x": timbre, "y": engine.draw_timbre(np.random.default_rng(1), 71)})


@pytest.mark.renders
def test_the_notes_of_a_soundfont_add_up_to_their_stem(fluid):
    shaped = fluid.draw_timbre(np.random.default_rng(4), 71)
    timbre = shaped.replace(vibrato_cents=15.0, attack_s=0.02)
    check_single_notes(fluid, {"x": timbre, "y": plain_timbre(fluid, 40)})
