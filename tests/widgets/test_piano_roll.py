"""The piano roll without a browser: what it sends and takes, what it refuses, and what it is where no page shows it."""

import base64
import dataclasses

import numpy as np
import pytest

from mss_lab import signals
from mss_lab.checks import ShapeError
from mss_lab.refusals import RefusedValue
from mss_lab.score import edits, midi, support
from mss_lab.score.notes import Note, Score
from mss_lab.widgets import controls, piano_roll

RATE_HZ = 16_000
NOTES = (Note("violin", 69, 0.0, 1.0), Note("cello", 50, 0.25, 1.5, 64), Note("violin", 71.5, 1.0, 1.5))
SCORE = Score(NOTES, ("violin", "cello", "flute"))


def sound(length_s=2.0):
    return signals.harmonic_tone(440, length_s, RATE_HZ, amplitude=0.3)


def rows_of(roll):
    return np.frombuffer(roll.get_state()["value"]["notes"], "<f8").reshape(-1, 5).tolist()


def from_page(roll, rows, **more):
    """What the page sends after an edit."""
    value = {"sources": list(roll.value.sources), "notes": memoryview(np.array(rows, "<f8").tobytes()), "revision": 7}
    roll.set_state({"value": value, **more})


def test_the_page_receives_the_notes_as_bytes_in_the_order_of_the_score():
    roll = piano_roll.editor(SCORE, label="Notes")
    assert roll.description == "Notes"
    assert roll.value is SCORE
    assert rows_of(roll) == [[0, 69, 0, 1, 80], [1, 50, 0.25, 1.5, 64], [0, 71.5, 1, 1.5, 80]]
    assert roll.get_state()["value"]["sources"] == ["violin", "cello", "flute"]
    assert np.isnan(np.frombuffer(roll.support, "<f4")).all()


def test_an_edit_on_the_page_makes_another_score():
    roll = piano_roll.editor(SCORE)
    scores = []
    roll.observe(lambda change: scores.append(change["new"]), "value")
    from_page(roll, [[0, 69, 0, 1, 80], [2, 50, 0.3, 1.5, 64], [0, 71.5, 1, 1.5, 80]], selected=[1])
    assert scores == [roll.value]
    assert roll.value.notes == (NOTES[0], Note("flute", 50, 0.3, 1.5, 64), NOTES[2])
    assert roll.value.sources == SCORE.sources
    assert isinstance(roll.value.notes[1].midi, int)
    assert roll.selection == (roll.value.notes[1],)
    # Notes that were not edited are the same objects.
    assert roll.value.notes[0] is NOTES[0]


def test_an_edit_is_not_sent_back_to_the_page(monkeypatch):
    roll = piano_roll.editor(SCORE)
    sent = []
    monkeypatch.setattr(roll, "_send", lambda message, buffers=None: sent.append(message))
    from_page(roll, [[0, 69, 0, 1, 80]], selected=[0])
    assert [key for message in sent for key in message["state"] if key == "value"] == []
    roll.value = SCORE
    assert [message["state"]["value"]["revision"] for message in sent if "value" in message["state"]] == [8]


def test_unpitched_sources_stay_unpitched():
    drums = Score((Note("drums", 38, 0, 0.1),), ("drums",), frozenset({"drums"}))
    roll = piano_roll.editor(drums)
    from_page(roll, [[0, 40, 0, 0.1, 80]])
    assert roll.value == Score((Note("drums", 40, 0, 0.1),), ("drums",), frozenset({"drums"}))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([3, 60, 0, 1, 80], "one of 3, got number 3"),
        ([0, 60, 1, 1, 80], "end after it starts"),
        ([0, 128, 0, 1, 80], "at most 127"),
        ([0, 60, -1, 1, 80], "at least 0"),
        ([0, float("nan"), 0, 1, 80], "midi must be"),
    ],
)
def test_a_refused_edit_is_answered_with_the_notes_that_hold(row, words, monkeypatch):
    roll = piano_roll.editor(SCORE)
    sent = []
    monkeypatch.setattr(roll, "send_state", lambda key=None: sent.append(key))
    with pytest.raises(ValueError, match=words):
        from_page(roll, [row])
    assert "value" in sent
    assert roll.value is SCORE


def test_the_value_from_code_deselects():
    roll = piano_roll.editor(SCORE)
    roll.selected = [0, 2, 99]
    assert roll.selection == (NOTES[0], NOTES[2])
    roll.value = edits.without(SCORE, NOTES[0])
    assert roll.selected == []
    assert roll.selection == ()


@pytest.mark.parametrize(
    ("score", "error", "words"),
    [
        (Score(()), ValueError, "at least one source"),
        (list(NOTES), TypeError, "must be a Score"),
        (None, TypeError, "must be a Score"),
    ],
)
def test_what_is_no_score_to_edit_is_refused(score, error, words):
    with pytest.raises(error, match=words):
        piano_roll.editor(score)
    roll = piano_roll.editor(SCORE)
    with pytest.raises(error, match=words):
        roll.value = score
    assert roll.value is SCORE


@pytest.mark.parametrize(
    ("waveform", "rate_hz", "error", "words"),
    [
        (np.full((1, 100), np.nan), RATE_HZ, RefusedValue, "NaN|finite"),
        (np.zeros(100), RATE_HZ, ShapeError, "channels"),
        (np.zeros((1, 100)), None, RefusedValue, "sample_rate_hz"),
        (np.zeros((1, 100)), 0, RefusedValue, "sample_rate_hz"),
        (np.broadcast_to(np.float32(0), (1, 2 * 3600 * RATE_HZ)), RATE_HZ, RefusedValue, "at most 20 minutes.*120.0"),
    ],
)
def test_what_is_no_recording_is_refused(waveform, rate_hz, error, words):
    with pytest.raises(error, match=words):
        piano_roll.editor(SCORE, waveform, rate_hz)


def test_an_empty_score_and_notes_outside_the_recording_are_shown():
    empty = piano_roll.editor(Score((), ("violin",)), sound(), RATE_HZ)
    assert empty.describe() == "no notes of 1 player"
    late = piano_roll.editor(edits.added(SCORE, Note("flute", 90, 5, 6)), sound(), RATE_HZ)
    assert late.describe() == "4 notes of 3 players, 1 after the end of the recording"
    for roll in (empty, late, piano_roll.editor(SCORE, sound(1 / RATE_HZ), RATE_HZ)):
        assert roll.png().startswith(b"\x89PNG")


def test_anchors_come_from_the_page_or_from_code_and_belong_to_one_score():
    roll = piano_roll.editor(SCORE)
    assert (roll.anchors, roll.duration_s) == ([], 10.0)
    from_page(roll, rows_of(roll), anchors=[[0.5, 0.75], [1.0, 1.0]])
    assert roll.anchors == [(0.5, 0.75), (1.0, 1.0)]
    assert roll.describe() == "3 notes of 3 players, 2 anchors"
    roll.anchors = [(1, 2)]
    assert roll.get_state()["anchors"] == [(1.0, 2.0)]
    for pairs, words in (
        ([(1, 2), (2, 1)], "later than the one before"),
        ([(1, np.nan)], "finite"),
        ([(-1, 0)], "0 s"),
    ):
        with pytest.raises(RefusedValue, match=words):
            roll.anchors = pairs
        with pytest.raises(RefusedValue, match=words):
            from_page(roll, rows_of(roll), anchors=pairs)
    assert roll.anchors == [(1.0, 2.0)]
    roll.value = edits.without(SCORE, NOTES[0])
    assert roll.anchors == []
    assert piano_roll.editor(SCORE, sound(1.25), RATE_HZ).duration_s == 1.5


def test_the_page_that_has_requested_it_receives_the_midi_file_of_the_newest_notes(tmp_path, monkeypatch):
    roll = piano_roll.editor(SCORE, label="Notes: a/b")
    messages = []
    monkeypatch.setattr(roll, "send", lambda message, buffers: messages.append((message, buffers)))
    from_page(roll, [[0, 69, 0.25, 1, 80], [1, 50, 0.5, 2, 64]], midi_request={"view": "one", "count": 1})
    ((message, (content,)),) = messages
    assert message == {"kind": "file", "view": "one", "name": "Notes_ a_b.mid", "piece": 0, "pieces": 1}
    assert content == roll.midi()
    (tmp_path / "x.mid").write_bytes(content)
    reading = midi.read_midi_in_full(tmp_path / "x.mid")
    assert reading.score.notes == roll.value.notes
    assert reading.programs == {"violin": 40, "cello": 42}
    # Players who are no instruments have program 0; a score without notes can be saved, too.
    strange = piano_roll.editor(Score((Note("the third", 69, 0, 1),), ("the third", "drums"), frozenset({"drums"})))
    (tmp_path / "y.mid").write_bytes(strange.midi())
    assert midi.read_midi_in_full(tmp_path / "y.mid").programs == {"the third": 0}
    assert piano_roll.editor(Score((), ("violin",))).midi().startswith(b"MThd")


# ---- the picture --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("midi", [48, 69, 81, 100])
@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_a_tone_lies_in_the_row_of_its_pitch(midi, rate_hz):
    if midi == 100 and rate_hz == 8_000:
        midi = 95
    tone = signals.tone(440 * 2 ** ((midi - 69) / 12), 1.0, rate_hz, amplitude=0.3)
    roll = piano_roll.editor(SCORE, tone, rate_hz)
    strip = roll.facts["strip"]
    pixels = np.frombuffer(roll.picture, np.uint8).reshape(strip["rows"], strip["columns"])
    row = pixels[:, strip["columns"] // 2].astype(int).argmax()
    centre = strip["lowMidi"] + (row + 0.5) / strip["rowsOfASemitone"]
    # Low rows are narrower than a bin.
    assert centre == pytest.approx(midi, abs=0.5 if midi > 60 else 1)


def test_a_tone_lies_in_the_columns_of_its_time_in_long_recordings_too():
    for length_s in (3.0, 100.0):
        wave = np.zeros((1, round(length_s * RATE_HZ)), np.float32)
        start, stop = round(0.4 * length_s * RATE_HZ), round(0.6 * length_s * RATE_HZ)
        wave[:, start:stop] = signals.tone(880, (stop - start) / RATE_HZ, RATE_HZ, amplitude=0.5)[:, : stop - start]
        roll = piano_roll.editor(SCORE, wave, RATE_HZ)
        strip = roll.facts["strip"]
        pixels = np.frombuffer(roll.picture, np.uint8).reshape(strip["rows"], strip["columns"])
        bright = np.flatnonzero(pixels.max(axis=0) > 200)
        times_s = strip["firstS"] + (bright[[0, -1]] + [0, 1]) * strip["columnS"]
        np.testing.assert_allclose(times_s, [0.4 * length_s, 0.6 * length_s], atol=0.12)
        assert strip["columns"] * strip["columnS"] == pytest.approx(length_s, abs=0.3)


# ---- support ------------------------------------------------------------------------------------------------------


def test_support_from_numbers_stays_with_notes_that_were_not_moved():
    roll = piano_roll.editor(SCORE, support=[0.9, 0.1, np.nan])
    assert roll.describe() == "3 notes of 3 players, 1 hardly supported by the recording"
    given = dataclasses.replace(NOTES[1], source="flute")
    roll.value = Score((NOTES[0], given, dataclasses.replace(NOTES[2], midi=72)), SCORE.sources)
    np.testing.assert_allclose(np.frombuffer(roll.support, "<f4"), [0.9, 0.1, np.nan], rtol=1e-6)
    roll.value = edits.changed(roll.value, given, onset_s=0.5)
    assert np.isnan(np.frombuffer(roll.support, "<f4")[1])


def test_support_from_a_function_follows_each_edit():
    roll = piano_roll.editor(SCORE, sound(), RATE_HZ, support=support.prepared(sound(), RATE_HZ))
    assert roll.describe().endswith("2 hardly supported by the recording")
    from_page(roll, [[0, 69, 0, 1, 80], [0, 69, 1, 1.5, 80]])
    assert roll.describe() == "2 notes of 3 players"


@pytest.mark.parametrize(
    ("numbers", "error", "words"),
    [
        ([0.5], ShapeError, "each of the score's 3 notes"),
        ([0.5, 0.5, 1.5], RefusedValue, r"\[0, 1\]"),
        (["a", "b", "c"], TypeError, "numbers"),
        (lambda score: [0.5], ShapeError, "each of the score's 3 notes"),
    ],
)
def test_what_is_no_support_is_refused(numbers, error, words):
    with pytest.raises(error, match=words):
        piano_roll.editor(SCORE, support=numbers)


# ---- in a panel ---------------------------------------------------------------------------------------------------


def test_a_panel_follows_edits_and_the_selection():
    roll = piano_roll.editor(SCORE, label="Notes")
    alone = piano_roll.picked(roll)
    panel = controls.explore(
        lambda score, notes: controls.View(text=f"{len(score.notes)}, {[note.midi for note in notes]}"),
        score=roll,
        notes=alone,
    )
    assert panel.view.text == "3, []"
    roll.selected = [1]
    assert panel.wait(30)
    assert panel.view.text == "3, [50]"
    assert alone.describe() == "cello D3, 0.25 to 1.50 s"
    assert panel.set(score=edits.without(SCORE, NOTES[0])).text == "2, []"
    roll.value = SCORE
    assert panel.set(notes=[NOTES[0], NOTES[1]]).text == "3, [69, 50]"
    assert roll.selected == [0, 1]
    data = panel._repr_mimebundle_()[0]
    assert "3 notes of 3 players" in data["text/plain"]
    assert roll.static()[1] in data["text/html"]


def test_only_notes_of_the_editor_can_be_picked():
    alone = piano_roll.picked(piano_roll.editor(SCORE))
    for value, error in (([Note("violin", 1, 0, 1)], ValueError), ("notes", TypeError), (None, TypeError)):
        with pytest.raises(error, match="some of the editor's notes"):
            alone.value = value
    with pytest.raises(TypeError, match="must be an Editor"):
        piano_roll.picked(alone)


def test_names_of_pitches():
    assert [piano_roll.note_name(midi) for midi in (0, 60, 61, 69.4, 70, 127)] == [
        "C-1",
        "C4",
        "C♯4",
        "A4",
        "B♭4",
        "G9",
    ]


def test_alone_without_a_page_it_is_a_picture_with_words():
    roll = piano_roll.editor(SCORE, sound(), RATE_HZ, support=[0.9, 0.1, 0.2], label="Notes")
    data, metadata = roll._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == "Notes: 3 notes of 3 players, 2 hardly supported by the recording"
    before = roll.png()
    roll.value = edits.changed(SCORE, NOTES[0], source="flute")
    assert roll.png() != before


def test_many_notes():
    many = Score(tuple(Note(f"p{n % 4}", 40 + n % 40, 0.1 * n, 0.1 * n + 0.3) for n in range(10_000)))
    roll = piano_roll.editor(many)
    rows = rows_of(roll)
    rows[5000][1] = 80
    from_page(roll, rows)
    assert sum(a is not b for a, b in zip(many.notes, roll.value.notes, strict=True)) == 1
