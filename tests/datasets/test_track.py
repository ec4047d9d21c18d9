"""Tracks: a folder of stems and notes is read as it lies, or refused in words."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import audio, checks
from mss_lab.datasets.track import Track, read_track
from mss_lab.score import midi
from mss_lab.score.files import write_csv
from mss_lab.score.notes import Note, Score

RATE_HZ = 8_000


@pytest.fixture
def stems(rng):
    """Two stems whose samples 24 bits hold exactly."""
    return {name: (rng.integers(-4000, 4000, (1, 900)) / 2**14).astype(np.float32) for name in ("violin", "bassoon")}


@pytest.fixture
def folder(tmp_path, stems):
    """A piece laid out as the recordings are: stems as FLAC, notes.csv beside them."""
    piece = tmp_path / "mix01"
    piece.mkdir()
    for name, waveform in stems.items():
        audio.write_audio(piece / f"{name}.flac", waveform, RATE_HZ)
    score = Score((Note("violin", 67.5, 0.0, 0.04), Note("bassoon", 41, 0.03, 0.1), Note("violin", 65, 0.05, 0.1)))
    write_csv(piece / "notes.csv", score)
    return piece


def test_a_folder_of_stems_is_a_track(folder, stems):
    track = read_track(folder)
    assert track.name == "mix01"
    assert track.sample_rate_hz == RATE_HZ
    assert list(track.sources) == ["bassoon", "violin"]
    for name, waveform in stems.items():
        assert track.sources[name].dtype == np.float32
        assert_array_equal(track.sources[name], waveform)
    assert track.score.sources == ("bassoon", "violin")
    assert [(note.source, note.midi, note.onset_s) for note in track.score.notes] == [
        ("violin", 67.5, 0.0),
        ("bassoon", 41, 0.03),
        ("violin", 65, 0.05),
    ]
    assert track.duration_s == pytest.approx(900 / RATE_HZ)


def test_the_mixture_is_the_sum_and_a_new_one_each_time(folder, stems):
    track = read_track(str(folder))
    mixture = track.mixture
    assert mixture.dtype == np.float32
    assert_allclose(mixture, sum(stems.values()), atol=1e-7)
    # A separator that spoils its input spoils nobody else's.
    mixture[:] = 0
    assert track.mixture.any()


def test_other_files_and_hidden_ones_are_no_stems(folder):
    (folder / "LICENSE.txt").write_text("CC0")
    (folder / "._violin.flac").write_bytes(b"not audio")
    (folder / "takes").mkdir()
    assert list(read_track(folder).sources) == ["bassoon", "violin"]


@pytest.mark.parametrize("ending", [".wav", ".ogg", ".mp3", ".WAV"])
def test_stems_may_come_in_any_format(tmp_path, ending, stems):
    for name, waveform in stems.items():
        audio.write_audio(tmp_path / f"{name}{ending.lower()}", waveform, RATE_HZ)
        (tmp_path / f"{name}{ending.lower()}").rename(tmp_path / f"{name}{ending}")
    track = read_track(tmp_path, None)
    assert list(track.sources) == ["bassoon", "violin"]
    assert track.mixture.shape == (1, 900)


def test_a_stereo_track_and_one_of_one_sample(tmp_path):
    audio.write_audio(tmp_path / "only.wav", np.array([[0.5], [-0.5]], np.float32), RATE_HZ)
    track = read_track(tmp_path, None)
    assert_array_equal(track.mixture, [[0.5], [-0.5]])
    assert track.score is None
    assert track.duration_s == 1 / RATE_HZ


def test_a_source_without_notes_stays_a_silent_player(folder):
    write_csv(folder / "notes.csv", Score((Note("violin", 60, 0, 0.1),)))
    score = read_track(folder).score
    assert score.sources == ("bassoon", "violin")
    assert score.notes_of("bassoon") == ()


def test_another_score_may_be_asked_for_also_as_midi(folder):
    drums = Score((Note("bassoon", 36, 0, 0.1), Note("violin", 60, 0, 0.1)), unpitched=frozenset({"bassoon"}))
    midi.write_midi(folder / "score.mid", drums)
    score = read_track(folder, "score.mid").score
    assert score.sources == ("bassoon", "violin")
    assert len(score.notes) == 2
    assert score.unpitched == {"bassoon"}


def test_a_missing_score_is_refused_unless_none_was_asked_for(folder):
    (folder / "notes.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"notes\.csv does not exist"):
        read_track(folder)
    assert read_track(folder, notes_file=None).score is None


def test_a_score_that_names_a_stranger_is_refused(folder):
    write_csv(folder / "notes.csv", Score((Note("violin", 60, 0, 0.1), Note("oboe", 60, 0, 0.1))))
    with pytest.raises(ValueError, match=r"names oboe, but the audio files are bassoon, violin; use the same names"):
        read_track(folder)


def test_stems_of_unequal_length_are_refused(folder):
    audio.write_audio(folder / "violin.flac", np.zeros((1, 899), np.float32), RATE_HZ)
    with pytest.raises(checks.ShapeError, match=r"stems\['violin'\] and stems\['bassoon'\].*cut or pad"):
        read_track(folder)


def test_stereo_beside_mono_is_refused(folder):
    audio.write_audio(folder / "violin.flac", np.zeros((2, 900), np.float32), RATE_HZ)
    with pytest.raises(checks.ShapeError, match="same number of channels"):
        read_track(folder)


def test_stems_of_different_rates_are_refused(folder, stems):
    audio.write_audio(folder / "violin.flac", stems["violin"], 16_000)
    with pytest.raises(ValueError, match=r"one sample rate, got bassoon 8000 Hz, violin 16000 Hz; resample"):
        read_track(folder)


def test_two_files_of_one_name_are_refused(folder, stems):
    audio.write_audio(folder / "violin.wav", stems["violin"], RATE_HZ)
    with pytest.raises(ValueError, match="one audio file per source, got several of violin"):
        read_track(folder)


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_audio_is_refused(tmp_path, there):
    with pytest.raises(FileNotFoundError, match="holds no audio"):
        read_track(tmp_path if there else tmp_path / "nowhere")


def test_a_track_can_be_made_by_hand():
    track = Track("mine", RATE_HZ, {"a": np.full((1, 4), 0.25), "b": np.full((1, 4), 0.5)})
    assert_array_equal(track.mixture, np.full((1, 4), 0.75))
    assert track.score is None


@pytest.mark.recordings
@pytest.mark.parametrize(
    "piece, sources, rate_hz",
    [
        ("Bach10-excerpts/mix01_bwv296", ("bassoon", "clarinet", "saxophone", "violin"), 44_100),
        ("URMP-16k/11_Maria_ob_vc", ("ob", "vc"), 16_000),
    ],
)
def test_real_recordings_are_tracks(recordings, piece, sources, rate_hz):
    track = read_track(recordings / piece)
    assert tuple(track.sources) == track.score.sources == sources
    assert track.sample_rate_hz == rate_hz
    assert all(track.score.notes_of(source) for source in sources)
    assert track.score.notes[0].onset_s < track.duration_s
