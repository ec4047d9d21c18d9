"""Measuring instruments: amplitudes of known tones, the notes that are rendered, and the table that ships."""

import hashlib
import itertools
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import audio, cli, shipped, signals, units
from mss_lab.datasets import make_templates, single_notes
from mss_lab.nmf.instruments import harmonic_amplitudes
from mss_lab.refusals import RefusedValue

RATE_HZ = make_templates.SAMPLE_RATE_HZ
FOLDER = shipped.data_folder("models") / "models" / "instruments"
RECORDED = shipped.data_folder("models") / "models" / "single_notes"
LARGEST_BYTES = 300_000


def tone(midi, amplitudes, vibrato_cents=0.0, seconds=1.0):
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    cents = vibrato_cents * np.sin(2 * np.pi * 6 * times_s)
    phase = 2 * np.pi * np.cumsum(units.midi_to_hz(midi) * 2 ** (cents / 1200)) / RATE_HZ
    return sum(a * np.sin(h * phase + h) for h, a in enumerate(amplitudes, start=1))[np.newaxis]


@pytest.mark.parametrize("midi", [24, 45, 69, 88])
@pytest.mark.parametrize("vibrato_cents", [0.0, 25.0])
def test_amplitudes_of_a_known_tone_are_found(midi, vibrato_cents):
    amplitudes = np.array([0.3, 0.1, 0.0, 0.05, 0.2])
    # Frames at both ends lie half outside the tone.
    waveform = tone(midi, amplitudes, vibrato_cents, seconds=6.0)
    found = make_templates.harmonic_levels(waveform, midi, RATE_HZ, harmonics=8)
    assert_allclose(found[:5], amplitudes, atol=0.012)
    assert found[5:].max() < 0.012


def test_twice_as_loud_is_twice_the_amplitude(rng):
    waveform = signals.noise(1.0, RATE_HZ, rng=rng)
    once, twice = (make_templates.harmonic_levels(gain * waveform, 57, RATE_HZ) for gain in (1, 2))
    assert_allclose(twice, 2 * once, rtol=1e-6)


def test_harmonics_above_half_the_sample_rate_are_zero(rng):
    # The fifth lies 10 Hz above it.
    midi = units.hz_to_midi((RATE_HZ / 2 + 10) / 5)
    found = make_templates.harmonic_levels(signals.noise(0.5, RATE_HZ, rng=rng), midi, RATE_HZ)
    assert (found[:4] > 0).all() and not found[4:].any()


@pytest.mark.parametrize("samples", [1, 1000])
def test_silence_and_one_sample_are_measured(samples):
    assert not make_templates.harmonic_levels(np.zeros((1, samples)), 60, RATE_HZ).any()
    assert np.isfinite(make_templates.harmonic_levels(np.ones((1, samples)), 60, RATE_HZ)).all()


def test_every_pitch_is_played_at_every_strength_and_length_and_alone():
    notes = make_templates.notes_of(40)
    assert (notes[0].midi, notes[-1].midi) == make_templates.RANGES[40]
    assert np.diff(sorted({note.midi for note in notes})).max() <= make_templates.STEP_SEMITONES
    played = {(note.midi, note.velocity, round(note.offset_s - note.onset_s, 6)) for note in notes}
    assert len(played) == len(notes) == len({note.midi for note in notes}) * 6
    assert all(later.onset_s - earlier.offset_s > 0.5 for earlier, later in itertools.pairwise(notes))


def test_a_program_that_is_not_measured_is_refused():
    with pytest.raises(ValueError, match="got 14"):
        make_templates.notes_of(14)


# Recorded notes


@pytest.mark.parametrize(
    "name, midi",
    [("A4.mp3", 69), ("C4.wav", 60), ("As3.mp3", 58), ("A#3.flac", 58), ("Bb3 v2.mp3", 58), ("C-1.wav", 0)],
)
def test_a_file_is_named_after_its_pitch(name, midi):
    assert single_notes.pitch_of_name(name) == midi


@pytest.mark.parametrize("name", ["H4.mp3", "violin A4.mp3", "A.mp3", "A44.mp3"])
def test_a_file_without_a_pitch_is_refused(name):
    with pytest.raises(RefusedValue, match="named after its pitch"):
        single_notes.pitch_of_name(name)


def test_recorded_notes_count_at_the_pitch_that_sounds(tmp_path):
    """One file is named an octave too low, one a semitone too high, one begins with a second of silence."""
    amplitudes = [0.3, 0.1, 0.2, 0.05]
    silence = np.zeros((1, RATE_HZ))
    for name, midi in (("C4.wav", 72.1), ("Fs4.wav", 65)):
        audio.write_audio(tmp_path / name, tone(midi, amplitudes, seconds=3.0), RATE_HZ)
    audio.write_audio(tmp_path / "A4.wav", np.concatenate([silence, tone(69, amplitudes)], axis=1), RATE_HZ)
    midi, steps = make_templates.measure_recordings(tmp_path)
    assert list(midi) == [65, 69, 72]
    below_db = make_templates.STEP_DB * steps[:, :4]
    assert_allclose(below_db, np.tile(20 * np.log10(0.3 / np.array(amplitudes)), (3, 1)), atol=0.8)


def test_a_note_is_measured_where_it_sounds():
    silence = np.zeros((1, 3000), np.float32)
    note = tone(60, [0.5], seconds=4.0).astype(np.float32)
    part = single_notes.sounding_part(np.concatenate([silence, note], axis=1), RATE_HZ)
    assert part.shape == (1, round(single_notes.LONGEST_S * RATE_HZ))
    assert np.abs(part[:, :3000]).max() > 0.4
    assert single_notes.sounding_part(np.ones((1, 1), np.float32), RATE_HZ).shape == (1, 1)


def test_silent_notes_and_folders_without_notes_are_refused(tmp_path):
    with pytest.raises(RefusedValue, match="got silence"):
        single_notes.sounding_midi(np.zeros((1, RATE_HZ), np.float32), RATE_HZ, 60)
    with pytest.raises(RefusedValue, match="got none"):
        single_notes.read_folder(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        single_notes.read_folder(tmp_path / "none")
    assert cli.main(["data", "templates", "--single-notes", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_the_command_measures_folders_of_recorded_notes(tmp_path):
    folder = tmp_path / "notes" / "flute"
    folder.mkdir(parents=True)
    audio.write_audio(folder / "A4.wav", tone(69, [0.3, 0.1]), RATE_HZ)
    assert (
        cli.main(["data", "templates", "--single-notes", str(tmp_path / "notes"), "--out", str(tmp_path / "out")]) == 0
    )
    record = shipped.read_record(tmp_path / "out" / make_templates.RECORD)
    assert record["instruments"] == {"73": "flute"} and record["notes"] == {"flute": 1}


def test_the_recorded_table_is_what_its_record_says():
    record = shipped.read_record(RECORDED / make_templates.RECORD)
    assert {path.name for path in RECORDED.iterdir()} == {*record["sha256"], make_templates.RECORD}
    assert record["licence"] == "CC BY 3.0" and "Brosowsky" in record["credits"]
    assert "creativecommons.org/licenses/by/3.0" in (RECORDED / "LICENCE").read_text(encoding="utf-8")
    with np.load(RECORDED / make_templates.TABLE) as table:
        programs, midi, levels = table["programs"], table["midi"], table["levels"]
    assert set(programs) == {
        program for programs_of_one in single_notes.PROGRAMS.values() for program in programs_of_one
    }
    assert levels.shape == (len(programs), record["harmonics"]) and levels.min(axis=1).max() == 0
    for program in set(programs):
        assert (np.diff(midi[programs == program].astype(int)) > 0).all()


# Renders


def test_the_table_is_what_its_record_says():
    record = shipped.read_record(FOLDER / make_templates.RECORD)
    assert {path.name for path in FOLDER.iterdir()} == {*record["sha256"], make_templates.RECORD}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < LARGEST_BYTES
    assert record["licence"] == "MIT" and "FluidR3" in record["credits"]
    assert "Permission is hereby granted" in (FOLDER / "LICENCE").read_text(encoding="utf-8")
    with np.load(FOLDER / make_templates.TABLE) as table:
        programs, midi, levels = table["programs"], table["midi"], table["levels"]
    assert set(programs) == set(make_templates.RANGES) == {int(program) for program in record["instruments"]}
    assert levels.shape == (len(programs), record["harmonics"]) and len(midi) == len(programs)
    assert levels.min(axis=1).max() == 0
    for program, (lowest, highest) in make_templates.RANGES.items():
        measured = midi[programs == program]
        assert (np.diff(measured) > 0).all()
        assert lowest <= measured[0] and measured[-1] <= highest
        # A soundfont may stop a little short of what players reach.
        assert measured[-1] - measured[0] >= 0.7 * (highest - lowest)


def test_without_the_synthesiser_the_command_says_so_and_leaves_the_table(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "harmonics.npz").write_bytes(b"old")
    assert cli.main(["data", "templates", "--out", str(tmp_path / "out")]) == 2
    assert "pip install pyfluidsynth" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*.npz")] == ["harmonics.npz"]
    assert (tmp_path / "out" / "harmonics.npz").read_bytes() == b"old"


# With FluidSynth. No skip: where it is missing these fail, and the message says what to install.


@pytest.mark.renders
@pytest.mark.parametrize("program", [40, 71])
def test_an_instrument_is_measured_again_as_it_ships(program):
    midi, levels = make_templates.measure(program)
    with np.load(FOLDER / make_templates.TABLE) as table:
        rows = table["programs"] == program
        assert_array_equal(midi, table["midi"][rows])
        shipped_levels = table["levels"][rows].astype(int)
    # One step where another version rounds the other way.
    loud = shipped_levels < 160
    assert np.abs(levels - shipped_levels)[loud].max() <= 1
    amplitudes = harmonic_amplitudes(program, make_templates.HARMONICS, measured_on="renders")[midi]
    assert_allclose(amplitudes, 10 ** (-shipped_levels / 40) * (shipped_levels < make_templates.LOWEST_STEP), rtol=1e-5)


@pytest.mark.renders
def test_two_runs_give_the_same_files(monkeypatch, tmp_path):
    monkeypatch.setattr(make_templates, "RANGES", {71: (60, 63), 73: (72, 72)})
    sums = []
    for name in ("first", "second"):
        assert cli.main(["data", "templates", "--out", str(tmp_path / name)]) == 0
        sums.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((tmp_path / name).iterdir())])
    assert sums[0] == sums[1] and len(sums[0]) == 3
    with np.load(tmp_path / "first" / make_templates.TABLE) as table:
        assert_array_equal(table["programs"], [71, 71, 71, 73])
        assert_array_equal(table["midi"], [60, 62, 63, 72])
