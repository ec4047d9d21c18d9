"""The pieces that ship are what their records say, and sound as their scores say. None of this needs FluidSynth."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose, assert_array_equal
from scipy import signal

from mss_lab import units
from mss_lab.datasets import make_lessons, pieces
from mss_lab.loudness import loudness_lufs
from mss_lab.score.midi import read_midi
from mss_lab.shipped import data_folder

NAMES = ("band", "chorale_a", "chorale_b", "song")
LARGEST_BYTES = 12_000_000


@pytest.fixture(scope="module")
def loaded():
    return {name: pieces.load(name) for name in NAMES}


@pytest.fixture
def copied(tmp_path):
    shutil.copytree(data_folder() / "lessons" / "song", tmp_path / "song")
    return tmp_path / "song"


def mono(waveform):
    return waveform.astype(float).sum(axis=0)


# The record


def test_the_names_are_those_of_the_recipes():
    assert pieces.names() == NAMES
    assert set(NAMES) == set(make_lessons.RECIPES)


def test_all_pieces_together_stay_small():
    files = [path for path in (data_folder() / "lessons").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_a_piece_is_what_its_record_and_its_recipe_say(loaded, name):
    piece, record, recipe = loaded[name], pieces.verify(name), make_lessons.RECIPES[name]
    assert list(piece.sources) == record["sources"] == list(piece.score.sources)
    assert piece.sample_rate_hz == 44_100
    assert (piece.title, piece.credits, piece.licence) == (recipe.title, recipe.credits, "CC0-1.0")
    assert piece.pans_rad == recipe.pans_rad
    assert (record["programs"], record["seed"], record["facts"]) == (recipe.programs, recipe.seed, recipe.facts)
    assert {"fluidsynth", "pyfluidsynth", "soundfont", "soundfont_sha256", "numpy", "scipy"} == set(record["versions"])
    assert "CC0 1.0" in (data_folder() / "lessons" / name / "LICENCE").read_text(encoding="utf-8")
    stems = {f"{source}.flac" for source in record["sources"]}
    assert set(record["sha256"]) == stems | {"score.mid", "LICENCE"}


@pytest.mark.parametrize("name", NAMES)
def test_stems_are_16_bit_mono_files(name):
    for path in (data_folder() / "lessons" / name).glob("*.flac"):
        info = soundfile.info(path)
        assert (info.channels, info.subtype, info.samplerate) == (1, "PCM_16", 44_100)


@pytest.mark.parametrize("name", NAMES)
def test_sources_add_up_to_a_mixture_that_does_not_clip(loaded, name):
    piece = loaded[name]
    channels = 2 if piece.pans_rad else 1
    assert piece.mixture.dtype == np.float32
    assert piece.mixture.shape[0] == channels
    assert_allclose(sum(x.astype(float) for x in piece.sources.values()), piece.mixture, atol=1e-6)
    assert 0.2 < np.abs(piece.mixture).max() <= 0.9
    assert abs(piece.mixture.mean()) < 1e-3


def test_lengths_are_those_of_a_lesson(loaded):
    seconds = {name: piece.mixture.shape[1] / piece.sample_rate_hz for name, piece in loaded.items()}
    assert 25 < seconds["chorale_a"] < 35
    assert 25 < seconds["chorale_b"] < 35
    assert 18 < seconds["band"] < 25
    assert 13 < seconds["song"] < 20


@pytest.mark.parametrize("name", NAMES)
def test_the_midi_file_is_the_score_as_played(name):
    recipe = make_lessons.RECIPES[name]
    played = recipe.play(np.random.default_rng(recipe.seed))
    read = read_midi(data_folder() / "lessons" / name / "score.mid")
    assert (read.sources, read.unpitched, len(read.notes)) == (played.sources, played.unpitched, len(played.notes))
    for there, here in zip(read.notes, played.notes, strict=True):
        assert (there.source, there.midi, there.velocity) == (here.source, here.midi, here.velocity)
        assert there.onset_s == pytest.approx(here.onset_s, abs=1e-9)
        assert there.offset_s == pytest.approx(here.offset_s, abs=1e-9)


# The sound


@pytest.mark.parametrize("name", NAMES)
def test_stems_are_equally_loud_within_a_tenth_of_a_unit(loaded, name):
    for source, stem in loaded[name].sources.items():
        # Panning keeps the power: the channels' powers add up to that of the dry stem.
        dry = np.sqrt(np.sum(stem.astype(float) ** 2, axis=0)) * np.sign(mono(stem))
        assert loudness_lufs(dry[np.newaxis], 44_100) == pytest.approx(-27, abs=0.1), source


def salience(segment, rate_hz, pitch, harmonics):
    """Magnitude near the harmonics of a pitch: a comb with teeth 25 cents to either side."""
    size = 1 << 17
    spectrum = np.abs(np.fft.rfft(segment * np.hanning(len(segment)), size))
    harmonics_hz = units.midi_to_hz(pitch) * np.arange(1, harmonics + 1)
    harmonics_hz = harmonics_hz[harmonics_hz < 4000]
    low, high = (
        np.rint(harmonics_hz * units.cents_to_ratio(cents) * size / rate_hz).astype(int) for cents in (-25, 25)
    )
    return sum(spectrum[a : b + 1].max() for a, b in zip(low, high, strict=True)) / len(harmonics_hz)


@pytest.mark.parametrize("name", NAMES)
def test_every_note_is_heard_at_its_pitch(loaded, name):
    piece = loaded[name]
    for note in piece.score.notes:
        if note.source in piece.score.unpitched:
            continue
        # What a short note follows may still ring, so its beginning is left out.
        start_s = note.onset_s + 0.25 * (note.offset_s - note.onset_s)
        first, last = (round(time_s * piece.sample_rate_hz) for time_s in (start_s, note.offset_s))
        segment = mono(piece.sources[note.source])[first:last]
        sounding = {
            other.midi
            for other in piece.score.notes_of(note.source)
            if other.onset_s < note.offset_s and other.offset_s > start_s - 0.3
        }
        # In a chord the higher harmonics belong to several notes, and only the fundamentals tell them apart.
        harmonics = 1 if note.source in ("electric_piano", "guitar") else 30
        here = salience(segment, piece.sample_rate_hz, note.midi, harmonics)
        for step in (-2, -1, 1, 2):
            if note.midi + step not in sounding:
                assert here > 1.2 * salience(segment, piece.sample_rate_hz, note.midi + step, harmonics), (note, step)


@pytest.mark.parametrize("name", NAMES)
def test_sources_are_silent_where_they_rest(loaded, name):
    piece = loaded[name]
    rests = 0
    for source, stem in piece.sources.items():
        waveform, sounding_until_s = mono(stem), -1.0
        level = np.sqrt(np.mean(waveform**2))
        ends_s = piece.mixture.shape[1] / piece.sample_rate_hz
        onsets_s = [note.onset_s for note in piece.score.notes_of(source)] + [ends_s]
        offsets_s = [note.offset_s for note in piece.score.notes_of(source)] + [ends_s]
        for onset_s, offset_s in zip(onsets_s, offsets_s, strict=True):
            # Cymbals ring; everybody else has stopped half a second after the last key.
            first, last = (round(t * piece.sample_rate_hz) for t in (sounding_until_s + 0.5, onset_s - 0.01))
            if last > first >= 0 and source not in piece.score.unpitched:
                rests += 1
                assert np.sqrt(np.mean(waveform[first:last] ** 2)) < 1e-3 * level, (source, onset_s)
            sounding_until_s = max(sounding_until_s, offset_s)
        assert not waveform[: max(0, round((onsets_s[0] - 0.01) * piece.sample_rate_hz))].any()
    assert rests >= len(piece.sources) - len(piece.score.unpitched)


@pytest.mark.parametrize("name", NAMES)
def test_notes_after_a_rest_start_within_30_ms_of_the_score(loaded, name):
    piece = loaded[name]
    rate_hz, judged = piece.sample_rate_hz, 0
    for source, stem in piece.sources.items():
        waveform, until_s = np.abs(mono(stem)), -1.0
        for note in piece.score.notes_of(source):
            if note.onset_s - until_s > 0.5:
                first = max(0, round((note.onset_s - 0.1) * rate_hz))
                around = waveform[first : round((note.onset_s + 0.25) * rate_hz)]
                heard_s = (first + np.argmax(around > 0.03 * around.max())) / rate_hz
                assert abs(heard_s - note.onset_s) < 0.03, note
                judged += 1
            until_s = max(until_s, note.offset_s)
    assert judged >= len(piece.sources)


def roughness(waveform):
    """How far the sharpest bend of the waveform stands above the bends around it (98 % of 23 ms), at most."""
    bends = np.abs(np.diff(waveform, n=2))
    frames = bends[: len(bends) // 1024 * 1024].reshape(-1, 1024)
    return np.max(frames.max(axis=1) / (np.percentile(frames, 98, axis=1) + 1e-3))


@pytest.mark.parametrize("name", NAMES)
def test_no_stem_clicks_and_a_click_would_be_found(loaded, name):
    piece = loaded[name]
    for source, stem in piece.sources.items():
        if source in piece.score.unpitched:
            continue
        waveform = mono(stem)
        assert roughness(waveform) < 4, source
        # One sample, moved by 3 % of full scale.
        waveform[10 * piece.sample_rate_hz] += 0.03
        assert roughness(waveform) > 4, source


def test_the_accompaniment_repeats_to_the_sample(loaded):
    piece, loop = loaded["band"], pieces.verify("band")["facts"]["loop"]
    start, period = (round(loop[key] * piece.sample_rate_hz) for key in ("start_s", "period_s"))
    assert loop["period_s"] * piece.sample_rate_hz == period
    for source in loop["sources"]:
        stem = piece.sources[source]
        rounds = [stem[:, start + n * period : start + (n + 1) * period] for n in range(loop["rounds"])]
        for later in rounds[2:]:
            assert_array_equal(later, rounds[1], err_msg=source)
        # Before the first round nothing rings, so it differs by the tail of a round: less than -30 dB.
        assert np.sum((rounds[0] - rounds[1]) ** 2) < 1e-3 * np.sum(rounds[1] ** 2)
        assert np.abs(rounds[1]).max() > 0.05
    lead = piece.sources["lead"]
    second, third = (lead[:, start + n * period : start + (n + 1) * period] for n in (1, 2))
    assert not lead[:, : start + period].any()
    assert np.sum((second - third) ** 2) > 0.5 * np.sum(second**2)


def test_pans_can_be_recovered_from_the_mixture(loaded):
    piece = loaded["band"]
    _, _, mixture = signal.stft(piece.mixture, nperseg=4096)
    stems = {source: signal.stft(x, nperseg=4096)[2] for source, x in piece.sources.items()}
    power = {source: np.sum(np.abs(stft) ** 2, axis=0) for source, stft in stems.items()}
    angles = np.arctan2(np.abs(mixture[1]), np.abs(mixture[0]))
    for source, angle_rad in piece.pans_rad.items():
        others = sum(power[other] for other in power if other != source)
        alone = (power[source] > 1e4 * others) & (power[source] > 1e-4 * power[source].max())
        assert alone.sum() > 50, source
        assert abs(np.rad2deg(np.median(angles[alone]) - angle_rad)) < 0.5, source


def test_two_pans_are_close_and_two_are_far(loaded):
    degrees = np.rad2deg(sorted(loaded["band"].pans_rad.values()))
    assert 0 < np.diff(degrees).min() < 10
    assert degrees[-1] - degrees[0] > 45


def test_the_voice_sings_what_the_score_says(loaded):
    piece = loaded["song"]
    rate_hz = piece.sample_rate_hz
    for note in piece.score.notes_of("voice"):
        # The fundamental alone, three semitones either way, then its mean frequency over whole turns of the vibrato.
        edges_hz = units.midi_to_hz(np.array([note.midi - 3, note.midi + 3]))
        band = signal.butter(2, edges_hz, btype="bandpass", fs=rate_hz, output="sos")
        around = mono(piece.sources["voice"])[round((note.onset_s - 0.1) * rate_hz) :][: round(4 * rate_hz)]
        phase = np.unwrap(np.angle(signal.hilbert(signal.sosfiltfilt(band, around))))
        frequency_hz = np.diff(phase) * rate_hz / (2 * np.pi)
        length_s = note.offset_s - note.onset_s
        first, last = (round((0.1 + part * length_s) * rate_hz) for part in (0.3, 0.8))
        cents = 100 * (units.hz_to_midi(np.median(frequency_hz[first:last])) - note.midi)
        assert abs(cents) < 30, note


# Refusals


@pytest.mark.parametrize("file", ["voice.flac", "score.mid", "LICENCE"])
def test_a_damaged_file_is_named(copied, file):
    content = bytearray((copied / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / file).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{file} is damaged.*mss-lab data lessons song"):
        pieces.load(copied)


def test_a_missing_file_is_named(copied):
    (copied / "guitar.flac").unlink()
    with pytest.raises(FileNotFoundError, match=r"guitar\.flac is missing.*mss-lab data lessons song"):
        pieces.load(copied)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"sha256": 1, "made_by": ""}'])
def test_a_damaged_record_is_named(copied, content):
    (copied / "piece.json").write_text(content)
    with pytest.raises(ValueError, match=r"piece\.json is damaged.*copy it again from"):
        pieces.load(copied)


def test_a_record_of_another_rate_is_refused(copied):
    record = json.loads((copied / "piece.json").read_text(encoding="utf-8"))
    record["sample_rate_hz"] = 48_000
    (copied / "piece.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="44100 Hz, its record says 48000"):
        pieces.load(copied)


@pytest.mark.parametrize("name", ["sonata", "", "no/such/folder"])
def test_an_unknown_piece_lists_those_there_are(name):
    with pytest.raises(FileNotFoundError, match="band, chorale_a, chorale_b, song"):
        pieces.load(name)


def test_a_piece_is_read_from_any_folder(copied, loaded):
    assert_array_equal(pieces.load(copied).mixture, loaded["song"].mixture)
    assert_array_equal(pieces.load(str(copied)).mixture, loaded["song"].mixture)


def test_the_variable_names_the_data_folder(tmp_path, copied, monkeypatch):
    (tmp_path / "lessons").mkdir()
    shutil.move(copied, tmp_path / "lessons" / "mine")
    monkeypatch.setenv("MSS_LAB_DATA", str(tmp_path))
    assert pieces.names() == ("mine",)
    assert pieces.load("mine").name == "song"


def test_a_data_folder_without_lessons_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MSS_LAB_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="MSS_LAB_DATA"):
        pieces.load("song")
