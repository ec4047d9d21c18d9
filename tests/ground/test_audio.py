"""Audio files: what is written comes back as well as its format can, bad files are refused, good ones never lost."""

import contextlib
import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import correlate

from mss_lab import audio, checks, signals, stem_names
from tests.measures import refusal

RATE = 44_100
LOSSLESS = {".wav": 0.0, ".flac": 2**-23}
# Signal to noise of a two-second chirp, in dB: measured 32.6 to 33.7, and 28.9 to 29.3. A shift by one sample leaves 4.
LOSSY_DB = {".ogg": 30.0, ".mp3": 25.0}
ENDINGS = (*LOSSLESS, *LOSSY_DB)


def chirp(channels):
    """Everything from 100 Hz to 8 kHz, other in each channel, so that a swap or a shift shows."""
    rows = [signals.chirp(100 * (c + 1), 8000, 2, RATE, amplitude=0.8 / (c + 1)) for c in range(channels)]
    return signals.fade(np.concatenate(rows), 0.01, RATE)


def litter(folder):
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("ending, tolerance", LOSSLESS.items())
@pytest.mark.parametrize("samples", [1, 2, 1001])
def test_lossless_round_trip(tmp_path, rng, frozen, channels, ending, tolerance, samples):
    waveform = frozen(rng.uniform(-1, 1, (channels, samples)).astype(np.float32))
    audio.write_audio(tmp_path / f"x{ending}", waveform, RATE)
    back, rate = audio.read_audio(tmp_path / f"x{ending}")
    assert rate == RATE and type(rate) is int
    assert back.dtype == np.float32 and back.flags.c_contiguous
    assert back.shape == waveform.shape
    assert_allclose(back, waveform, rtol=0, atol=tolerance)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("ending, least_db", LOSSY_DB.items())
def test_lossy_round_trip_is_close_and_in_place(tmp_path, channels, ending, least_db):
    waveform = chirp(channels)
    audio.write_audio(tmp_path / f"x{ending}", waveform, RATE)
    back, rate = audio.read_audio(tmp_path / f"x{ending}")
    assert (rate, back.shape) == (RATE, waveform.shape)
    for channel in range(channels):
        error = back[channel] - waveform[channel]
        assert 10 * np.log10((waveform[channel] ** 2).sum() / (error**2).sum()) > least_db
        # The best place of the middle of the signal in what came back is its own: no delay of the encoder is left.
        lags = correlate(back[channel, 20_000:60_000], waveform[channel, 22_000:58_000], "valid", method="fft")
        assert lags.argmax() == 2_000


@pytest.mark.parametrize("ending", LOSSY_DB)
@pytest.mark.parametrize("samples", [1, 100, 1153, 5000])
def test_short_lossy_files_keep_their_length(tmp_path, rng, ending, samples):
    audio.write_audio(tmp_path / f"x{ending}", rng.uniform(-0.1, 0.1, (2, samples)), RATE)
    assert audio.read_audio(tmp_path / f"x{ending}")[0].shape == (2, samples)


@pytest.mark.parametrize("ending", ENDINGS)
def test_silence_stays_silent(tmp_path, ending):
    audio.write_audio(tmp_path / f"x{ending}", np.zeros((1, 5000)), RATE)
    assert np.abs(audio.read_audio(tmp_path / f"x{ending}")[0]).max() == 0


@pytest.mark.parametrize("ending, tolerance", LOSSLESS.items())
def test_full_scale_does_not_wrap_round(tmp_path, ending, tolerance):
    waveform = np.array([[1.0, -1.0, 1.0]])
    audio.write_audio(tmp_path / f"x{ending}", waveform, RATE)
    assert_allclose(audio.read_audio(tmp_path / f"x{ending}")[0], waveform, atol=tolerance)


def test_wav_keeps_what_is_above_full_scale(tmp_path):
    audio.write_audio(tmp_path / "x.wav", np.array([[3.5, -7.0]]), RATE)
    assert_array_equal(audio.read_audio(tmp_path / "x.wav")[0], [[3.5, -7.0]])


@pytest.mark.parametrize("ending", [".WAV", ".Flac"])
def test_endings_in_capitals_are_known(tmp_path, ending):
    audio.write_audio(tmp_path / f"x{ending}", np.zeros((1, 5)), RATE)
    assert audio.read_audio(str(tmp_path / f"x{ending}"))[1] == RATE


def test_a_chosen_subtype_is_written(tmp_path):
    audio.write_audio(tmp_path / "x.wav", np.zeros((1, 5)), RATE, subtype="PCM_16")
    assert soundfile.info(tmp_path / "x.wav").subtype == "PCM_16"


@pytest.mark.slow(1)
def test_minutes_of_ogg_do_not_end_python(tmp_path):
    # In a process of its own: where the encoder is given all at once, it ends with a segmentation fault.
    program = (
        "import sys, numpy as np; from mss_lab import audio\n"
        "waveform = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 44_100 * 60)).astype(np.float32)\n"
        "audio.write_audio(sys.argv[1], waveform, 44_100)\n"
        "assert audio.read_audio(sys.argv[1])[0].shape == waveform.shape"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "x.ogg")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Reading: refusals


def test_a_missing_file_is_refused(tmp_path):
    message = refusal(lambda: audio.read_audio(tmp_path / "no.wav"), FileNotFoundError)
    assert "no.wav does not exist; give the path of a WAV, FLAC, OGG or MP3 file" in message


def test_a_folder_is_refused(tmp_path):
    assert "is a folder; give the path" in refusal(lambda: audio.read_audio(tmp_path), FileNotFoundError)


@pytest.mark.parametrize("ending", [*ENDINGS, ".raw", ".txt"])
@pytest.mark.parametrize("content", [b"", b"this is text, not audio\n" * 100])
def test_what_is_not_audio_is_refused(tmp_path, ending, content):
    (tmp_path / f"x{ending}").write_bytes(content)
    message = refusal(lambda: audio.read_audio(tmp_path / f"x{ending}"), ValueError)
    assert f"x{ending} could not be read as audio (" in message
    assert "give a WAV, FLAC, OGG or MP3 file, or convert it to one (ffmpeg" in message
    assert "does not exist" not in message


def test_a_truncated_flac_is_refused(tmp_path, rng):
    audio.write_audio(tmp_path / "x.flac", rng.uniform(-1, 1, (1, 50_000)), RATE)
    whole = (tmp_path / "x.flac").read_bytes()
    (tmp_path / "x.flac").write_bytes(whole[: len(whole) // 2])
    assert "could not be read as audio" in refusal(lambda: audio.read_audio(tmp_path / "x.flac"), ValueError)


def test_a_file_without_samples_is_refused(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros((0, 2)), RATE)
    message = refusal(lambda: audio.read_audio(tmp_path / "x.wav"), ValueError)
    assert "x.wav holds no samples; give a recording of at least one sample" in message


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path, bad):
    samples = np.zeros((9, 2), np.float32)
    samples[4, 1] = bad
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
    message = refusal(lambda: audio.read_audio(tmp_path / "x.wav"), ValueError)
    assert "x.wav must be finite, got 1 NaN or infinite value(s), the first at index (1, 4)" in message


def test_a_file_with_an_impossible_rate_is_refused(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros((9, 1)), 5)
    message = refusal(lambda: audio.read_audio(tmp_path / "x.wav"), ValueError)
    assert "x.wav cannot be used: its sample_rate_hz must be a whole number at least 1000" in message
    assert "got 5" in message


def test_a_file_that_may_not_be_read_is_refused_as_such(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "x.wav", np.zeros((9, 1)), RATE)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "x.wav")

    monkeypatch.setattr(audio.Path, "open", refuse)
    assert "Permission denied: 'x.wav'" in refusal(lambda: audio.read_audio(tmp_path / "x.wav"), PermissionError)


def test_a_wish_for_an_impossible_rate_is_refused_before_reading(tmp_path):
    message = refusal(lambda: audio.read_audio(tmp_path / "no.wav", 0), ValueError)
    assert "sample_rate_hz" in message and "got 0" in message


@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_stretch_is_the_same_samples_as_the_whole_cut(tmp_path, rng, ending, channels):
    path = tmp_path / f"x{ending}"
    audio.write_audio(path, rng.uniform(-0.5, 0.5, (channels, 3 * RATE)), RATE)
    whole, _ = audio.read_audio(path)
    assert audio.audio_length(path) == (whole.shape[1], RATE)
    stretch, rate_hz = audio.read_audio(path, start_s=0.7, length_s=0.25)
    assert rate_hz == RATE
    assert_allclose(stretch, whole[:, 30_870 : 30_870 + 11_025], atol=1e-6)
    # Beyond the end there is nothing to read, and no silence is made up.
    assert audio.read_audio(path, start_s=2.5, length_s=9)[0].shape == (channels, RATE // 2)
    assert audio.read_audio(path, 8_000, start_s=1, length_s=0.5)[0].shape == (channels, 4_000)


@pytest.mark.parametrize(
    "stretch, words",
    [
        ({"start_s": 0.02}, "must lie before the end"),
        ({"start_s": -1}, "start_s must be"),
        ({"length_s": 0}, "length_s must be"),
        ({"start_s": np.nan}, "start_s must be"),
    ],
)
def test_a_stretch_outside_the_file_is_refused(tmp_path, stretch, words):
    audio.write_audio(tmp_path / "x.wav", np.zeros((1, 882)), RATE)
    with pytest.raises(ValueError, match=words):
        audio.read_audio(tmp_path / "x.wav", **stretch)


def test_reading_at_another_rate_resamples(tmp_path):
    audio.write_audio(tmp_path / "x.wav", signals.tone(440, 1, RATE), RATE)
    waveform, rate = audio.read_audio(tmp_path / "x.wav", 16_000)
    assert (rate, waveform.shape) == (16_000, (1, 16_000))


# Writing: refusals, and what was there stays


@pytest.mark.parametrize(
    "name, waveform, rate, options, error, parts",
    [
        (
            "x.aiff",
            np.zeros((1, 9)),
            RATE,
            {},
            ValueError,
            ("end in one of .wav, .flac, .ogg, .mp3", "'.aiff'", "names the format"),
        ),
        ("x", np.zeros((1, 9)), RATE, {}, ValueError, ("end in one of", "got ''", "names the format")),
        ("x.wav", np.zeros(9), RATE, {}, checks.ShapeError, ("(channels, samples)", "(9,)", "np.newaxis")),
        ("x.wav", np.zeros((1, 0)), RATE, {}, ValueError, ("at least one", "(1, 0)")),
        ("x.wav", np.array([[0, np.nan]]), RATE, {}, ValueError, ("finite", "1 NaN", "index (0, 1)")),
        ("x.wav", np.array([[0, np.inf]]), RATE, {}, ValueError, ("finite", "infinite")),
        ("x.wav", np.zeros((1, 9), int), RATE, {}, TypeError, ("floating-point", "int64")),
        ("x.wav", np.zeros((1, 9)), 0, {}, ValueError, ("sample_rate_hz", "got 0", "44100")),
        (
            "x.flac",
            np.array([[0.5, -2.5]]),
            RATE,
            {},
            ValueError,
            ("between -1 and 1", ".flac files of PCM_24 clip", "2.5", "divide it by 2.5, or write a .wav"),
        ),
        ("x.ogg", np.array([[1.0001]]), RATE, {}, ValueError, ("between -1 and 1", "1.0001", "divide it by 1.001,")),
        ("x.mp3", np.array([[1.5]]), RATE, {}, ValueError, ("clip", "1.5", ".wav")),
        ("x.wav", np.array([[1.5]]), RATE, {"subtype": "PCM_16"}, ValueError, (".wav files of PCM_16 clip", "1.5")),
        (
            "x.wav",
            np.zeros((1, 9)),
            RATE,
            {"subtype": "PCM_99"},
            ValueError,
            ("must be one of", "PCM_16", "'PCM_99'", "leave it out"),
        ),
        (
            "x.ogg",
            np.zeros((1, 9)),
            RATE,
            {"subtype": "PCM_16"},
            ValueError,
            ("must be one of VORBIS", "'PCM_16'", "leave it out"),
        ),
        (
            "x.mp3",
            np.zeros((1, 9)),
            96_000,
            {},
            ValueError,
            ("x.mp3 could not be written", "96000 Hz with 1 channel(s)", "try .wav"),
        ),
        ("x.mp3", np.zeros((3, 9)), RATE, {}, ValueError, ("x.mp3 could not be written", "3 channel(s)", "try .wav")),
        ("x.flac", np.zeros((1, 9)), 768_000, {}, ValueError, ("x.flac could not be written", "768000 Hz", "try .wav")),
        (
            "x.wav",
            np.zeros((1, 9)),
            RATE,
            {"force": False},
            FileExistsError,
            ("x.wav exists already", "another name", "--force"),
        ),
    ],
)
def test_what_cannot_be_written_is_refused_and_the_old_file_stays(
    tmp_path, name, waveform, rate, options, error, parts
):
    (tmp_path / name).write_text("old")
    message = refusal(lambda: audio.write_audio(tmp_path / name, waveform, rate, **options), error)
    for part in parts:
        assert part in message
    assert ".mss-lab-" not in message
    assert (tmp_path / name).read_text() == "old" and litter(tmp_path) == [name]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), MemoryError(), KeyboardInterrupt()])
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("step", ["encoding", "writing"])
def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path, monkeypatch, error, ending, step):
    (tmp_path / f"x{ending}").write_text("old")
    encode = soundfile.SoundFile.write

    def fail_to_encode(self, samples):
        encode(self, samples[:100])
        raise error

    def fail_to_write(self, content):
        with self.open("wb") as file:
            file.write(content[:10])
        assert litter(tmp_path) != [f"x{ending}"]
        raise error

    if step == "encoding":
        monkeypatch.setattr(soundfile.SoundFile, "write", fail_to_encode)
    else:
        monkeypatch.setattr(audio.Path, "write_bytes", fail_to_write)
    with pytest.raises(type(error)):
        audio.write_audio(tmp_path / f"x{ending}", np.zeros((2, 5000)), RATE)
    assert (tmp_path / f"x{ending}").read_text() == "old" and litter(tmp_path) == [f"x{ending}"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of files")
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("missing_bytes", [1, 2000])
def test_a_full_disk_is_noticed(tmp_path, ending, missing_bytes):
    # The system refuses what goes beyond a file's limit, as a full disk would; here the limit is a little less than the
    # file needs, so that only the last of many writes fails.
    program = (
        "import resource, signal, sys, numpy as np; from pathlib import Path; from mss_lab import audio\n"
        "path, missing = Path(sys.argv[1]), int(sys.argv[2])\n"
        "waveform = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 44_100)).astype(np.float32)\n"
        "audio.write_audio(path, waveform, 44_100)\n"
        "limit = path.stat().st_size - missing\n"
        "path.write_text('old')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "try: audio.write_audio(path, waveform, 44_100)\n"
        "except OSError as error: sys.exit(str(error))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / f"x{ending}"), str(missing_bytes)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert f"x{ending} could not be written (" in done.stderr
    assert "make room, or choose another place" in done.stderr
    assert "Traceback" not in done.stderr and ".mss-lab-" not in done.stderr
    assert (tmp_path / f"x{ending}").read_text() == "old" and litter(tmp_path) == [f"x{ending}"]


# Stems


def stems(**named):
    return {"violin": np.full((1, 9), 0.25), "violin 2": np.full((1, 9), -0.5), **named}


@pytest.mark.parametrize("ending", [".wav", ".flac", ".FLAC"])
def test_stems_appear_under_their_names(tmp_path, ending):
    audio.write_stems(tmp_path / "out", stems(), RATE, ending=ending)
    assert litter(tmp_path) == sorted(["out", f"violin{ending}", f"violin 2{ending}"])
    for name, waveform in stems().items():
        assert_allclose(audio.read_audio(tmp_path / "out" / f"{name}{ending}")[0], waveform, atol=2**-23)


@pytest.mark.parametrize(
    "name", ["a/b", "a\\b", "../a", "/etc/a", ".", "..", "", " ", " a", "a ", ".a", "a.", "a:b", "a*", "a\0b", "a\nb"]
)
def test_names_that_make_no_file_names_are_refused(tmp_path, name):
    message = refusal(lambda: audio.write_stems(tmp_path / "out", stems(**{name: np.zeros((1, 9))}), RATE), ValueError)
    assert f"must make a file name, got {name!r}; use letters, digits, - and _" in message
    assert litter(tmp_path) == []


@pytest.mark.parametrize(
    "name, safe",
    [
        ("violin 2", "violin 2"),
        ("Flute/Piccolo", "Flute_Piccolo"),
        ("..", ""),
        (" a\n*b. ", "a__b"),
        ("скрипка", "скрипка"),
    ],
)
def test_names_are_made_safe_by_changing_as_little_as_possible(tmp_path, name, safe):
    assert stem_names.as_file_name(name) == safe
    if safe:
        audio.write_stems(tmp_path / "out", {safe: np.zeros((1, 9))}, RATE)
        assert litter(tmp_path / "out") == [f"{safe}.wav"]


def test_names_that_differ_only_in_capitals_are_refused(tmp_path):
    message = refusal(lambda: audio.write_stems(tmp_path / "out", stems(Violin=np.zeros((1, 9))), RATE), ValueError)
    assert "more than capitals, got 'violin' and 'Violin'; rename one" in message
    assert litter(tmp_path) == []


@pytest.mark.parametrize(
    "given, options, error, parts",
    [
        (
            {"loud": np.full((1, 9), 2.0)},
            {"ending": ".flac"},
            ValueError,
            ("stems['loud']", "got a peak of 2", "divide it by 2"),
        ),
        (
            {"short": np.zeros((1, 8))},
            {},
            checks.ShapeError,
            ("stems['short'] and stems['violin']", "(1, 8) and (1, 9)"),
        ),
        ({"bad": np.full((1, 9), np.nan)}, {}, ValueError, ("stems['bad'] must be finite",)),
        ({}, {"ending": "wav"}, ValueError, ("must end in one of", "got 'wav'")),
        ({"three": np.zeros((3, 9))}, {}, checks.ShapeError, ("the same shape",)),
    ],
)
def test_bad_stems_are_refused_before_anything_is_written(tmp_path, given, options, error, parts):
    message = refusal(lambda: audio.write_stems(tmp_path / "out", stems(**given), RATE, **options), error)
    for part in parts:
        assert part in message
    assert litter(tmp_path) == []


def test_a_folder_of_stems_is_replaced_only_when_allowed(tmp_path):
    audio.write_stems(tmp_path / "out", {"old": np.zeros((1, 9))}, RATE)
    message = refusal(lambda: audio.write_stems(tmp_path / "out", stems(), RATE), FileExistsError)
    assert "out exists already; choose another, or allow replacing it (--force)" in message
    assert litter(tmp_path / "out") == ["old.wav"]
    audio.write_stems(tmp_path / "out", stems(), RATE, force=True)
    assert litter(tmp_path / "out") == ["violin 2.wav", "violin.wav"]


def test_stems_that_fail_half_way_leave_the_old_folder(tmp_path, monkeypatch):
    audio.write_stems(tmp_path / "out", {"old": np.zeros((1, 9))}, RATE)
    write = audio.Path.write_bytes

    def fail_on_the_second(self, content):
        if "violin 2" in self.name:
            raise OSError(28, "disk full")
        return write(self, content)

    monkeypatch.setattr(audio.Path, "write_bytes", fail_on_the_second)
    with pytest.raises(OSError, match="disk full"):
        audio.write_stems(tmp_path / "out", stems(), RATE, force=True)
    assert litter(tmp_path) == ["old.wav", "out"]


# Resampling


@pytest.mark.parametrize("from_hz, to_hz", [(44_100, 16_000), (16_000, 44_100), (48_000, 44_100), (8_000, 48_000)])
def test_resampling_keeps_a_tones_level_pitch_and_place(frozen, from_hz, to_hz):
    # The oracle is the same tone made at the other rate.
    tone = frozen(signals.tone(440, 1, from_hz, amplitude=0.7, phase_rad=1))
    resampled = audio.resample(tone, from_hz, to_hz)
    assert resampled.shape == (1, to_hz)
    middle = slice(to_hz // 10, -to_hz // 10)
    expected = signals.tone(440, 1, to_hz, amplitude=0.7, phase_rad=1)
    assert_allclose(resampled[:, middle], expected[:, middle], atol=1e-4)


def test_resampling_down_removes_what_the_new_rate_cannot_hold():
    high = audio.resample(signals.tone(10_000, 1, 44_100), 44_100, 16_000)
    assert np.abs(high[:, 1000:-1000]).max() < 1e-4


@pytest.mark.parametrize("samples", [1, 2, 3, 10, 1001, 44_100])
@pytest.mark.parametrize("from_hz, to_hz", [(44_100, 16_000), (16_000, 44_100), (48_000, 1_000), (1_000, 48_000)])
def test_the_length_follows_the_rates(samples, from_hz, to_hz):
    length = audio.resample(np.zeros((2, samples)), from_hz, to_hz).shape[1]
    assert length >= 1 and abs(length - max(1, samples * to_hz / from_hz)) < 1.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_resampling_keeps_type_and_channels_apart(rng, frozen, dtype):
    stereo = frozen(rng.standard_normal((2, 3000)).astype(dtype))
    both = audio.resample(stereo, 44_100, 16_000)
    assert both.dtype == dtype and both.flags.c_contiguous
    assert_array_equal(both[:1], audio.resample(stereo[:1], 44_100, 16_000))
    assert_array_equal(both[1:], audio.resample(stereo[1:], 44_100, 16_000))
    same = audio.resample(np.concatenate([stereo[:1], stereo[:1]]), 44_100, 16_000)
    assert_array_equal(same[0], same[1])


def test_equal_rates_change_nothing(rng):
    waveform = rng.standard_normal((1, 50))
    assert audio.resample(waveform, 16_000, 16_000) is waveform


@pytest.mark.parametrize("from_hz, to_hz", [(0, 16_000), (16_000, 0), (16_000, math.nan)])
def test_impossible_rates_are_refused(from_hz, to_hz):
    message = refusal(lambda: audio.resample(np.zeros((1, 9)), from_hz, to_hz), ValueError)
    assert "sample_rate_hz must be a whole number at least 1000" in message


@pytest.mark.parametrize("from_hz, to_hz", [(44_100, 16_000), (16_000, 44_100), (8_000, 8_000)])
@pytest.mark.parametrize("length", [1, 50, 700, 10_000])
def test_pieces_are_resampled_as_the_whole_is(rng, frozen, from_hz, to_hz, length):
    whole = frozen(rng.uniform(-0.5, 0.5, (2, 10_000)).astype(np.float32))
    pieces = [whole[:, start : start + length] for start in range(0, 10_000 if length > 1 else 99, length)]
    found = np.concatenate(list(audio.resample_pieces(pieces, from_hz, to_hz)), axis=1)
    expected = audio.resample(np.concatenate(pieces, axis=1), from_hz, to_hz)
    assert_allclose(found, expected, atol=1e-6)
    assert not list(audio.resample_pieces([], from_hz, to_hz))


@pytest.mark.skipif(sys.platform != "linux", reason="not run: only Linux has file names that are no text")
@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_name_of_bytes_that_are_no_text_is_read_and_written(tmp_path, ending):
    path = tmp_path / os.fsdecode(b"s\xf6ng" + ending.encode())
    audio.write_audio(path, np.full((1, 4000), 0.1, np.float32), 16_000)
    assert audio.audio_length(path) == (4000, 16_000)
    assert audio.read_audio(path)[0].shape == (1, 4000)


def test_the_decoder_of_mp3_writes_nothing_to_the_terminal(tmp_path, capfd):
    path = tmp_path / "damaged.mp3"
    rng = np.random.default_rng(5)
    for _ in range(20):
        audio.write_audio(path, 0.1 * rng.standard_normal((2, 8000)).astype(np.float32), 16_000)
        content = bytearray(path.read_bytes())
        content[40:400:9] = rng.bytes(len(content[40:400:9]))
        path.write_bytes(content)
        with warnings.catch_warnings(), contextlib.suppress(ValueError):
            warnings.simplefilter("ignore")
            audio.read_audio(path)
    print("still heard", file=sys.stderr)
    assert capfd.readouterr().err == "still heard\n"


@pytest.mark.parametrize("peak, allowed", [(2.0**31, True), (-1e12, True), (2e12, False), (-1e38, False)])
def test_levels_that_nothing_can_be_computed_with_are_refused(tmp_path, peak, allowed):
    soundfile.write(tmp_path / "loud.wav", np.full((100, 1), peak), RATE, subtype="FLOAT")
    if allowed:
        assert audio.read_audio(tmp_path / "loud.wav")[0][0, 0] == np.float32(peak)
    else:
        with pytest.raises(ValueError, match=r"near full scale.*got a peak of"):
            audio.read_audio(tmp_path / "loud.wav")


@pytest.mark.parametrize(
    "codec, words",
    [
        (0x161, "it is a WAV file that holds Windows Media Audio, number 0x161"),
        (0x2001, "it is a WAV file that holds DTS, number 0x2001"),
        (0x1234, "it is a WAV file that holds sound of an unknown codec, number 0x1234"),
    ],
)
def test_the_codec_of_a_wav_file_that_cannot_be_read_is_named(tmp_path, codec, words):
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.zeros((100, 1)), RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    at = content.index(b"fmt ")
    # A block of no bytes cannot be read in any codec.
    content[at + 8 : at + 10], content[at + 20 : at + 22] = codec.to_bytes(2, "little"), b"\0\0"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        audio.read_audio(path)
