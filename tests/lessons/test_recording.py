"""The reader's own recording: what is read from files of all kinds, how stems and score fit together, refusals."""

import numpy as np
import pytest

from mss_lab import audio
from mss_lab.lessons import recording
from mss_lab.score.files import write_csv
from mss_lab.score.notes import Note, Score

RATE_HZ = 8000


def noise(seed, seconds=2.0, channels=1, rate_hz=RATE_HZ):
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * rate_hz)))).astype(np.float32)


@pytest.fixture
def write(tmp_path):
    def write(name, waveform, rate_hz=RATE_HZ):
        audio.write_audio(tmp_path / name, waveform, rate_hz)
        return tmp_path / name

    return write


@pytest.fixture
def stems(tmp_path, write):
    folder = tmp_path / "stems"
    folder.mkdir()
    waveforms = {name: noise(seed) for seed, name in enumerate(("bass", "guitar", "voice"))}
    for name, waveform in waveforms.items():
        write(f"stems/{name}.wav", waveform)
    return folder, waveforms


def assert_adds_up(own):
    np.testing.assert_allclose(sum(own.sources.values()), own.mixture, atol=1e-6)


def test_your_own_recording_takes_the_lessons_place_and_goes_again(lab, write, tmp_path):
    waveform = noise(1, channels=2)
    path = write("my song.wav", waveform)
    assert lab.use(path) is lab
    assert lab.title == "my song" and lab.sample_rate_hz == RATE_HZ and lab.score is None
    np.testing.assert_array_equal(lab.mixture, waveform)
    assert not lab.sources
    with pytest.raises(LookupError, match=r"no source 'flute'.*needs its stems.*lab.use\(None\)"):
        lab.sources["flute"]
    assert "Your own recording" in repr(lab)
    lab.use(path, score=tmp_path / "toy_piece" / "score.mid")
    assert len(lab.score.notes) == 2
    lab.use(None)
    assert lab.title == "A toy" and list(lab.sources) == ["flute", "horn"]
    assert "Your own recording" not in repr(lab)


@pytest.mark.parametrize(
    "arguments, kind",
    [
        (("missing.wav",), FileNotFoundError),
        (("words.wav",), ValueError),
        (("fine.wav", "missing.mid"), FileNotFoundError),
        ((None, "toy_piece/score.mid"), ValueError),
        (("fine.wav", None, "no folder"), FileNotFoundError),
        (("short.wav",), ValueError),
        (("silent.wav",), ValueError),
        (("three.wav",), ValueError),
    ],
)
def test_a_recording_that_is_refused_leaves_the_lab_as_it_was(lab, write, tmp_path, arguments, kind):
    (tmp_path / "words.wav").write_text("words", encoding="utf-8")
    write("fine.wav", noise(1))
    write("short.wav", noise(1, seconds=0.5))
    write("silent.wav", np.zeros((1, 2 * RATE_HZ), np.float32))
    write("three.wav", noise(1, channels=3))
    with pytest.raises(kind):
        lab.use(*(argument and tmp_path / argument for argument in arguments))
    assert lab.title == "A toy" and list(lab.sources) == ["flute", "horn"]


def test_the_sum_of_the_stems_is_the_mixture(stems):
    folder, waveforms = stems
    own = recording.own(None, stems=folder)
    assert own.title == "stems" and list(own.sources) == ["bass", "guitar", "voice"] and own.remarks == ()
    np.testing.assert_array_equal(own.sources["voice"], waveforms["voice"])
    assert_adds_up(own)


def test_stems_that_add_up_get_no_rest_and_others_do(stems, write):
    folder, waveforms = stems
    whole = sum(waveforms.values())
    own = recording.own(write("sum.wav", whole), stems=folder)
    assert list(own.sources) == ["bass", "guitar", "voice"] and own.remarks == ()
    louder = recording.own(write("master.wav", 1.5 * whole), stems=folder)
    assert list(louder.sources)[-1] == "rest"
    # 0.5 of 1.5 is left over.
    assert "-9.5 dB" in louder.remarks[0]
    assert_adds_up(louder)


def test_rates_channels_and_lengths_of_stems_may_differ_a_little(tmp_path, write):
    (tmp_path / "mixed").mkdir()
    write("mixed/a.wav", noise(1, 2.0, 2))
    write("mixed/b.wav", noise(2, 2.05))
    write("mixed/c.flac", noise(3, 2.0, 1, 16_000), 16_000)
    own = recording.own(None, stems=tmp_path / "mixed")
    assert own.sample_rate_hz == RATE_HZ and own.mixture.shape == (2, round(2.05 * RATE_HZ))
    np.testing.assert_array_equal(own.sources["b"][0], own.sources["b"][1])
    assert_adds_up(own)
    write("mixed/b.wav", noise(2, 2.5))
    with pytest.raises(ValueError, match=r"must have one length, 2.50 s, got a 2.00 s, b 2.50 s"):
        recording.own(None, stems=tmp_path / "mixed")


def test_stereo_stems_of_a_mono_mixture_are_refused(tmp_path, write):
    (tmp_path / "wide").mkdir()
    write("wide/a.wav", noise(1, channels=2))
    with pytest.raises(ValueError, match="the stems are stereo and the mixture is mono"):
        recording.own(write("mono.wav", noise(1)), stems=tmp_path / "wide")


def test_a_section_is_taken_of_everything(tmp_path, write):
    (tmp_path / "long").mkdir()
    waveforms = {name: noise(seed, 5.0) for seed, name in enumerate("ab")}
    for name, waveform in waveforms.items():
        write(f"long/{name}.wav", waveform)
    score = Score((Note("a", 60, 0.5, 1.5), Note("b", 64, 2.0, 4.5), Note("a", 62, 4.0, 5.0)))
    own = recording.own(None, score, tmp_path / "long", start_s=1.0, length_s=2.5)
    assert own.mixture.shape == (1, round(2.5 * RATE_HZ))
    np.testing.assert_array_equal(own.sources["a"], waveforms["a"][:, RATE_HZ : round(3.5 * RATE_HZ)])
    assert [(note.onset_s, note.offset_s) for note in own.score.notes] == [(0.0, 0.5), (1.0, 2.5)]
    assert "2.5 s from 1 s on" in own.remarks[0]
    assert recording.own(None, score, tmp_path / "long", length_s=None).remarks == ()
    for wrong in ({"start_s": -1.0}, {"length_s": 0.5}, {"start_s": 4.5}):
        with pytest.raises(ValueError, match="must"):
            recording.own(None, None, tmp_path / "long", **wrong)


@pytest.mark.parametrize(
    "parts, expected",
    [
        (("Voice", "guitar", "bass"), {"Voice": "voice", "guitar": "guitar", "bass": "bass"}),
        (("Piano 1", "Piano 2", "Piano 3"), {"Piano 1": "bass", "Piano 2": "guitar", "Piano 3": "voice"}),
        (("melody", "bass"), {"melody": "guitar", "bass": "bass"}),
        (("w", "x", "y", "z"), {"w": "bass", "x": "guitar", "y": "voice", "z": "z"}),
        (("voice", "Voice"), {"voice": "voice", "Voice": "bass"}),
    ],
)
def test_parts_of_the_score_get_the_names_of_the_stems(stems, tmp_path, parts, expected):
    score = Score(tuple(Note(part, 60 + index, 0.0, 1.0) for index, part in enumerate(parts)))
    write_csv(tmp_path / "score.csv", score)
    own = recording.own(None, tmp_path / "score.csv", stems[0])
    assert {parts[round(note.midi) - 60]: note.source for note in own.score.notes} == expected
    known = [name for name in own.sources if name in own.score.sources]
    assert list(own.score.sources[: len(known)]) == known
    assert (own.remarks == ()) == all(part == name for part, name in expected.items())


@pytest.mark.parametrize(
    "start_s, length_s, expected", [(0, 1, (0, 8000)), (1.5, 1, (8000, 16000)), (9, 9, (0, 16000))]
)
def test_an_excerpt_lies_inside_the_recording(lab, write, start_s, length_s, expected):
    lab.use(write("a.wav", noise(1)))
    section = lab.excerpt(start_s, length_s)
    assert (section.start, section.stop) == expected
    for wrong in ((-1, 1), (0, 0), ("0", 1)):
        with pytest.raises((ValueError, TypeError), match="must be"):
            lab.excerpt(*wrong)
