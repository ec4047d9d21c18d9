"""The panel "Separate your own" without a browser: files, refusals, methods, results, and the zip of stems."""

import io
import tempfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mss_lab import audio, catalogue, memory, signals
from mss_lab.refusals import Refusal, RefusedType, RefusedValue
from mss_lab.score import files as score_files
from mss_lab.score import midi
from mss_lab.score.notes import Note, Score, shift
from mss_lab.widgets import own, own_form, piece, uploads

RATE_HZ = 16_000
SCORE = Score((Note("low", 57, 0.1, 1.9), Note("high", 76, 0.4, 1.7)))


@pytest.fixture
def mixture():
    """Two tones and clicks, 2 s in stereo."""
    low = signals.pan(signals.harmonic_tone(220, 2.0, RATE_HZ, amplitude=0.2), 0.3)
    high = signals.pan(signals.harmonic_tone(659.3, 2.0, RATE_HZ, amplitude=0.2), 1.2)
    clicks = signals.clicks([0.5, 1.0, 1.5], 2.0, RATE_HZ, amplitude=0.5)
    return (low + high + clicks).astype(np.float32)


@pytest.fixture
def panel():
    return own.panel()


@pytest.fixture(autouse=True)
def temporary_files(tmp_path, monkeypatch):
    """A folder of temporary files of its own, and the working folder; both must be empty at the end."""
    temporary, here = tmp_path / "temporary", tmp_path / "here"
    temporary.mkdir()
    here.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.chdir(here)
    yield temporary
    assert list(temporary.iterdir()) == []
    assert list(here.iterdir()) == []


def wav(waveform, rate_hz=RATE_HZ, subtype="FLOAT"):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.asarray(waveform).T, rate_hz, format="WAV", subtype=subtype)
    return buffer.getvalue()


def send(panel, name, data, role="recording", piece_bytes=50_000, identity="1"):
    """Send a file as a page does; returns the answers."""
    answers = []
    arriving = uploads.Uploads(answers.append, panel._arrived)
    arriving.take({"kind": "begin", "id": identity, "role": role, "name": name, "size": len(data)}, [])
    for at in range(0, len(data), piece_bytes):
        part = memoryview(data[at : at + piece_bytes])
        arriving.take({"kind": "piece", "id": identity, "at": at}, [part])
    assert panel.wait(60)
    return answers


def said(panel):
    return panel._words.kind, panel._words.text


# ---- recordings ---------------------------------------------------------------------------------------------------


def test_an_uploaded_file_is_read_and_described(panel, mixture):
    answers = send(panel, "my song.wav", wav(mixture))
    np.testing.assert_array_equal(panel.recording.waveform, mixture)
    assert panel.recording.sample_rate_hz == RATE_HZ
    assert panel._form.content["recording"] == "my song.wav: 2.0 s, two channels, 16000 Hz"
    assert {answer["kind"] for answer in answers} == {"ack"}
    assert [answer["received"] for answer in answers] == sorted(answer["received"] for answer in answers)
    assert answers[-1]["received"] == len(wav(mixture))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.wav", b"", "empty.wav is empty; choose another file"),
        ("letter.wav", b"Dear reader, " * 500, "letter.wav could not be read as audio"),
        ("song.m4a", b"\x00\x00\x00\x20ftypM4A " + bytes(500), "convert it"),
        ("nothing.wav", wav(np.zeros((1, 0))), "nothing.wav holds no samples"),
        ("nan.wav", wav(np.full((1, 100), np.nan)), "nan.wav"),
        ("loud.wav", wav(np.full((1, 100), 1e13)), "export it again with its level divided"),
        ("six.wav", wav(np.zeros((6, 100))), "six.wav must have one or two channels, got 6"),
        ("fast.wav", wav(np.zeros((1, 100)), 192_000), "8000 to 96000 Hz"),
        ("../../etc/pass\x00wd.wav", b"no", "could not be read as audio"),
        ("cut.flac", b"fLaC" + bytes(100), "cut.flac"),
    ],
)
def test_a_bad_file_is_refused_in_words_and_the_panel_goes_on(panel, mixture, name, data, words):
    panel.open(mixture, RATE_HZ)
    send(panel, name, data)
    kind, text = said(panel)
    assert kind == "error"
    assert words in text
    assert tempfile.gettempdir() not in text
    assert "Traceback" not in text
    np.testing.assert_array_equal(panel.recording.waveform, mixture)
    assert set(panel.separate()) == {"harmonic", "percussive"}


def test_a_file_that_was_cut_short_is_used_and_says_so(panel, mixture):
    send(panel, "short.wav", wav(mixture)[:-40_000])
    assert panel.recording.waveform.shape == (2, 2 * RATE_HZ - 5000)
    kind, text = said(panel)
    assert kind == "result"
    assert "short.wav was cut short" in text
    assert tempfile.gettempdir() not in text


def test_too_large_a_file_is_refused_before_its_bytes_travel(panel):
    answers = []
    arriving = uploads.Uploads(answers.append, panel._arrived)
    arriving.take({"kind": "begin", "id": "1", "role": "recording", "name": "long.wav", "size": 10**9}, [])
    (answer,) = answers
    assert answer["kind"] == "refused"
    assert "long.wav has 1 GB, and at most 300 MB can be sent" in answer["words"]
    # What comes although it was refused is not kept.
    arriving.take({"kind": "piece", "id": "1", "at": 0}, [memoryview(bytes(10))])
    assert len(answers) == 1
    assert panel._form.limits["mostBytes"] == uploads.MOST_BYTES


def test_a_piece_that_is_missing_or_too_many_is_refused():
    for pieces in ([(0, 5), (6, 4)], [(0, 5), (5, 6)]):
        answers, files = [], []
        arriving = uploads.Uploads(answers.append, lambda *file, files=files: files.append(file))
        arriving.take({"kind": "begin", "id": "1", "role": "recording", "name": "a.wav", "size": 10}, [])
        for at, length in pieces:
            arriving.take({"kind": "piece", "id": "1", "at": at}, [memoryview(bytes(length))])
        assert answers[-1]["kind"] == "refused"
        assert "choose it again" in answers[-1]["words"]
        assert files == []


def test_a_newer_file_and_a_cancelled_one_end_an_upload():
    files = []
    arriving = uploads.Uploads(lambda answer: None, lambda *file: files.append(file))
    for identity in ("1", "2"):
        arriving.take({"kind": "begin", "id": identity, "role": "recording", "name": identity, "size": 2}, [])
    arriving.take({"kind": "begin", "id": "3", "role": "score", "name": "3", "size": 1}, [])
    arriving.take({"kind": "cancel", "id": "3"}, [])
    for identity in ("1", "2", "3"):
        arriving.take({"kind": "piece", "id": identity, "at": 0}, [memoryview(b"x" if identity == "3" else b"xy")])
    assert files == [("recording", "2", b"xy")]


def test_open_takes_paths_and_arrays(panel, mixture, tmp_path):
    path = tmp_path / "song.flac"
    audio.write_audio(path, mixture, RATE_HZ)
    recording = panel.open(path)
    np.testing.assert_allclose(recording.waveform, mixture, atol=2**-23)
    assert recording.name == "song.flac"
    mine = mixture.copy()
    panel.open(mine, RATE_HZ)
    mine[:] = 0
    np.testing.assert_array_equal(panel.recording.waveform, mixture)
    for bad, error in (
        ((tmp_path / "none.wav",), FileNotFoundError),
        ((mixture,), RefusedType),
        ((path, RATE_HZ), RefusedType),
        ((mixture * np.nan, RATE_HZ), ValueError),
        ((mixture, 1000), ValueError),
        ((mixture[:, :0], RATE_HZ), ValueError),
    ):
        with pytest.raises(error):
            panel.open(*bad)
        assert said(panel)[0] == "error"
    path.unlink()


# ---- methods ------------------------------------------------------------------------------------------------------


def reasons(panel):
    return {method["name"]: method["reason"] for method in panel._form.content["methods"]}


def test_methods_whose_needs_are_not_met_say_which(panel, mixture):
    panel.open(mixture[:1], RATE_HZ)
    listed = reasons(panel)
    assert set(listed) == set(catalogue.names())
    for method in catalogue.methods():
        if "score" in method.needs:
            assert listed[method.name] == "needs a score"
        elif "stereo" in method.needs:
            assert listed[method.name] == "needs two channels, and this recording has 1"
        else:
            assert listed[method.name] == method.missing()
    panel.open(mixture, RATE_HZ)
    panel.set(score=SCORE)
    assert {name: reason for name, reason in reasons(panel).items() if reason} == {
        method.name: method.missing() for method in catalogue.methods() if method.missing()
    }


def test_each_method_is_described_by_its_entry():
    for method in catalogue.methods():
        shown = own_form.described(method, 2, has_score=True)
        facts = " ".join(shown["facts"])
        needs = facts.partition(".")[0]
        assert ("a score" in needs) == ("score" in method.needs)
        assert ("two channels" in needs) == ("stereo" in method.needs)
        assert ("Is a trained network." in facts) == ("torch" in method.libraries)
        assert method.gives in facts
        assert "long as the music" in facts or "less time" in facts or "seconds for a song" in facts
        for option in shown["options"]:
            assert option["name"] in method.options


@pytest.mark.parametrize(
    ("choices", "error", "words"),
    [
        ({"method": "magic"}, RefusedValue, "magic"),
        ({"align": "maybe"}, RefusedValue, "align"),
        ({"start_s": -1}, RefusedValue, "From"),
        ({"start_s": 1.0, "end_s": 0.5}, RefusedValue, "To"),
        ({"options": {"loudness": 3}}, RefusedType, "hpss has no option loudness; it has length_s"),
        ({"options": {"margin": 0}}, RefusedValue, "margin"),
        ({"score": "none.mid"}, FileNotFoundError, "none.mid"),
    ],
)
def test_a_bad_choice_is_refused_and_changes_nothing(panel, mixture, choices, error, words):
    panel.open(mixture, RATE_HZ)
    before = dict(panel._form.choices)
    with pytest.raises(error, match=words):
        panel.set(**choices)
    assert said(panel)[0] == "error"
    assert panel._form.choices == before
    assert set(panel.separate()) == {"harmonic", "percussive"}
    # The same from a page, which may send anything.
    if "score" not in choices:
        panel._pressed("separate", {"choices": before | choices})
        assert panel.wait(60)
        assert said(panel)[0] == "error"
        assert panel._form.stage == ""


def test_what_is_missing_is_said(panel, mixture):
    with pytest.raises(RefusedValue, match="no recording yet"):
        panel.separate()
    with pytest.raises(RefusedValue, match="no stems yet"):
        panel.stems_zip()
    panel.open(mixture[:1], RATE_HZ)
    for method, words in (("score-masks", "needs a score; choose its score"), ("duet", "needs two channels")):
        panel.set(method=method)
        with pytest.raises(RefusedValue, match=words):
            panel.separate()
    panel.set(method="hpss", start_s=2.0)
    with pytest.raises(RefusedValue, match=r"before the end of the recording, at 2\.000 s"):
        panel.separate()


def test_a_recording_that_is_too_long_for_the_method_is_refused_with_advice(panel, mixture):
    panel.open(mixture, RATE_HZ)
    panel.set(method="repet-similarity")
    with memory.allowing(1e5), pytest.raises(RefusedValue, match="From and To choose an excerpt"):
        panel.separate()
    assert set(panel.separate()) == {"background", "foreground"}


# ---- separating ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["hpss", "duet", "score-masks", "repet-similarity"])
def test_the_sources_are_those_of_the_catalogue_and_add_up(panel, mixture, method):
    panel.open(mixture, RATE_HZ)
    panel.set(method=method, score=SCORE)
    sources = panel.separate()
    expected = catalogue.separator(method)(mixture, RATE_HZ, SCORE)
    assert list(sources) == list(expected)
    for name, waveform in expected.items():
        np.testing.assert_array_equal(sources[name], waveform)
    if catalogue.get(method).adds_up:
        np.testing.assert_allclose(sum(sources.values()), mixture, atol=1e-5)
    played = panel._player.piece.versions
    assert list(played) == [method, "recording"]
    np.testing.assert_array_equal(played["recording"]["recording"], mixture)
    # The recording is as loud as the sum of the stems, which it is already.
    assert panel._player.piece.gains_db["recording"] == pytest.approx(0, abs=0.1)
    assert said(panel)[0] == "result"


def test_options_and_an_excerpt_reach_the_method(panel, mixture):
    panel.open(mixture, RATE_HZ)
    panel.set(method="score-masks", score=SCORE, start_s=0.5, end_s=1.5, options={"harmonics": 5})
    sources = panel.separate()
    part = mixture[:, RATE_HZ // 2 : 3 * RATE_HZ // 2]
    moved = Score((Note("low", 57, 0.0, 1.0), Note("high", 76, 0.0, 1.0)))
    expected = catalogue.separator("score-masks", harmonics=5)(part, RATE_HZ, moved)
    for name, waveform in expected.items():
        np.testing.assert_allclose(sources[name], waveform, atol=1e-6)
    panel.set(method="hpss")
    assert panel._form.choices["options"] == {}


@pytest.mark.slow(8)
def test_an_uploaded_score_is_used_aligned_and_removed(panel, mixture, tmp_path):
    notes = Score(
        tuple(Note("tune", pitch, 0.5 * i, 0.5 * i + 0.45) for i, pitch in enumerate((60, 67, 64, 72, 65, 69)))
    )
    wave = sum(
        np.pad(
            signals.harmonic_tone(440 * 2 ** ((note.midi - 69) / 12), 0.45, RATE_HZ, amplitude=0.3),
            ((0, 0), (round((note.onset_s + 0.4) * RATE_HZ), round((2.6 - note.onset_s) * RATE_HZ))),
        )[:, : 3 * RATE_HZ]
        for note in notes.notes
    )
    panel.open(wave.astype(np.float32), RATE_HZ)
    path = tmp_path / "tune.mid"
    midi.write_midi(path, notes)
    assert panel._form.choices["method"] == own.WITHOUT_SCORE
    send(panel, "tune.mid", path.read_bytes(), role="score")
    assert panel.score == score_files.read_score(path)
    assert panel._form.choices["method"] == own.WITH_SCORE
    late = panel.separate()["tune"]
    # What a method warns of is said on the panel.
    assert "The score hardly fits this recording" in panel._words.text
    panel.set(align="auto", method="score-masks")
    aligned = panel.separate()
    assert "Alignment: " in panel._words.text
    assert "hardly fits" not in panel._words.text
    expected = catalogue.separator("score-masks")(panel.recording.waveform, RATE_HZ, shift(panel.score, 0.4))
    assert np.sum((aligned["tune"] - expected["tune"]) ** 2) <= np.sum((late - expected["tune"]) ** 2) + 1e-9
    send(panel, "bad.mid", b"not midi", role="score")
    assert said(panel)[0] == "error"
    assert panel.score is not None
    panel._pressed("remove-score", {})
    assert panel.score is None
    assert reasons(panel)["score-masks"] == "needs a score"
    path.unlink()


def test_a_stopped_run_is_thrown_away_and_the_panel_goes_on(panel, mixture):
    begun, go_on = threading.Event(), threading.Event()

    def slow(mixture, sample_rate_hz, score=None):
        begun.set()
        assert go_on.wait(60)
        return {"slow": mixture}

    catalogue.register(catalogue.Method(name="slow-test", title="Waits", function=slow))
    try:
        panel.open(mixture, RATE_HZ)
        choices = dict(panel._form.choices)
        panel._pressed("separate", {"choices": choices | {"method": "slow-test"}})
        assert begun.wait(60)
        assert panel._form.stage == "Separating with slow-test"
        panel._pressed("stop", {})
        assert panel._form.stage == ""
        assert "thrown away" in panel._words.text
        go_on.set()
        assert panel.wait(60)
        assert panel.separation is None
        assert "Stopped" in panel._words.text

        begun.clear()
        go_on.clear()
        panel._pressed("separate", {"choices": choices | {"method": "slow-test"}})
        assert begun.wait(60)
        panel._pressed("stop", {})
        panel._pressed("separate", {"choices": choices})
        assert panel._form.stage == "Waiting for the run that was stopped"
        go_on.set()
        assert panel.wait(60)
        assert panel.separation.method == "hpss"
        assert panel._form.stage == ""
    finally:
        go_on.set()
        catalogue.unregister("slow-test")


def test_a_method_that_fails_is_shown_without_a_traceback(panel, mixture):
    def broken(mixture, sample_rate_hz, score=None):
        raise ZeroDivisionError("division by zero")

    catalogue.register(catalogue.Method(name="broken-test", title="Fails", function=broken))
    try:
        panel.open(mixture, RATE_HZ)
        panel.set(method="broken-test")
        with pytest.raises(ZeroDivisionError):
            panel.separate()
        assert said(panel) == ("error", "ZeroDivisionError: division by zero; this is a fault of the program")
    finally:
        catalogue.unregister("broken-test")
    panel.set(method="hpss")
    panel.separate()


def test_stems_too_long_for_the_player_are_cut_there_alone(panel, mixture, monkeypatch):
    monkeypatch.setattr(piece, "MOST_BYTES", 2 * 2 * 3 * RATE_HZ)
    panel.open(mixture, RATE_HZ)
    sources = panel.separate()
    assert panel._player.piece.samples == RATE_HZ
    assert "the first 1 s" in panel._player.piece.title
    assert all(waveform.shape == mixture.shape for waveform in sources.values())
    assert "Save stems saves them whole" in panel._words.text


# ---- the zip ------------------------------------------------------------------------------------------------------


def unzip(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: soundfile.read(io.BytesIO(archive.read(name)), always_2d=True) for name in archive.namelist()}


def test_the_zip_has_every_stem_with_its_rate_and_samples(panel, mixture):
    panel.open(mixture, RATE_HZ)
    panel.set(method="score-masks", score=SCORE)
    sources = panel.separate()
    stems = unzip(panel.stems_zip())
    assert set(stems) == {"low.flac", "high.flac"}
    for name, (samples, rate_hz) in stems.items():
        assert rate_hz == RATE_HZ
        # Half a step of 24 bits.
        np.testing.assert_allclose(samples.T, sources[name.removesuffix(".flac")], atol=0.5 * 2**-23 * 1.001)
    np.testing.assert_allclose(sum(samples for samples, _ in stems.values()).T, mixture, atol=1e-5)


def test_names_are_made_valid_and_loud_stems_are_divided_by_one_number(panel, mixture):
    odd = Score(tuple(Note({"low": "a/b", "high": "CON"}[note.source], *note_of(note)) for note in SCORE.notes))
    panel.open(4 * mixture, RATE_HZ)
    panel.set(method="score-masks", score=odd)
    sources = panel.separate()
    stems = unzip(panel.stems_zip())
    assert set(stems) == {"a_b.flac", "CON_.flac"}
    peak = max(np.abs(waveform).max() for waveform in sources.values())
    assert peak > 1
    for name, source in (("a_b.flac", "a/b"), ("CON_.flac", "CON")):
        np.testing.assert_allclose(stems[name][0].T * peak, sources[source], rtol=2e-4, atol=1e-6 * peak)


def note_of(note):
    return note.midi, note.onset_s, note.offset_s


def test_the_page_receives_the_zip_in_pieces_once(panel, mixture, monkeypatch):
    monkeypatch.setattr(own_form, "PIECE_BYTES", 10_000)
    sent = []
    monkeypatch.setattr(panel._form, "send", lambda message, buffers=None: sent.append((message, buffers)))
    panel.open(mixture, RATE_HZ)
    panel.separate()
    panel._pressed("save", {"view": "7"})
    assert panel.wait(60)
    assert {(message["view"], message["name"], message["pieces"]) for message, _ in sent} == {
        ("7", "recording hpss.zip", len(sent))
    }
    assert [message["piece"] for message, _ in sent] == list(range(len(sent)))
    assert set(unzip(b"".join(buffers[0] for _, buffers in sent))) == {"harmonic.flac", "percussive.flac"}


# ---- without a front end ------------------------------------------------------------------------------------------


@pytest.mark.slow(4)
def test_without_a_front_end_there_are_words_and_then_a_picture(panel, mixture):
    data, _ = panel._repr_mimebundle_()
    assert "no recording" in data["text/plain"]
    assert "panel.open(path)" in data["text/html"]
    panel.open(mixture, RATE_HZ)
    panel.separate()
    data, _ = panel._repr_mimebundle_()
    assert "hpss: 2 stems" in data["text/plain"]
    assert "<audio" in data["text/html"]
    assert "<img" in data["text/html"]


def test_refusals_keep_their_class():
    with pytest.raises(Refusal, match=r"x\.wav is empty"):
        uploads.read_uploaded("x.wav", b"", lambda path: path)
    seen = []
    uploads.read_uploaded("a" * 300 + ".wav", b"1", lambda path: seen.append((path.suffix, path.read_bytes())))
    assert seen == [(".wav", b"1")]
    assert not Path("a").exists()
