"""Notes and scores: files give back what was written, bad ones are refused line by line, and edits do what they say."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mss_lab.score import midi, notes
from mss_lab.score.files import read_csv, read_score, write_csv
from mss_lab.score.notes import Note, Score
from tests.measures import refusal
from tests.score.plain import duet

HEADING = "instrument,midi,onset_s,offset_s\n"
# The two forms in which recordings come with notes: exact ones on a 20 ms grid, and coarse ones by joint alignment.
FINE = HEADING + "violin,72,0.000,0.800\nbassoon,52,0.120,0.720\nviolin,74,0.800,1.620\n"
COARSE = HEADING + "bassoon,52,0.000,0.800\nclarinet,67,0.000,0.800\nbassoon,50,0.800,1.600\n"


# Notes and scores


@pytest.mark.parametrize(
    "values, error, parts",
    [
        ({"source": ""}, ValueError, ("source must be a name", "''", "'violin'")),
        ({"source": None}, ValueError, ("source must be a name", "None")),
        ({"source": "a\0b"}, ValueError, ("source must be a name",)),
        ({"midi": 128}, ValueError, ("midi", "at most 127", "got 128", "60 is middle C")),
        ({"midi": -1}, ValueError, ("midi", "at least 0", "got -1")),
        ({"midi": np.nan}, ValueError, ("midi", "nan")),
        ({"midi": "60"}, TypeError, ("midi", "'60' of type str")),
        ({"onset_s": -0.1}, ValueError, ("onset_s", "at least 0 (seconds)", "got -0.1", "start of the recording")),
        ({"onset_s": np.nan}, ValueError, ("onset_s", "nan")),
        ({"offset_s": np.inf}, ValueError, ("offset_s", "inf")),
        (
            {"offset_s": 1.0},
            ValueError,
            ("must end after it starts", "onset 1.0 s and offset 1.0 s", "violin, pitch 60", "not as a duration"),
        ),
        ({"offset_s": 0.5}, ValueError, ("must end after it starts", "offset 0.5 s")),
        ({"velocity": 0}, ValueError, ("velocity", "at least 1", "got 0")),
        ({"velocity": 128}, ValueError, ("velocity", "at most 127", "got 128")),
        ({"velocity": 80.5}, ValueError, ("velocity", "a whole number", "got 80.5")),
    ],
)
def test_what_is_no_note_is_refused(values, error, parts):
    message = refusal(
        lambda: Note(**{"source": "violin", "midi": 60, "onset_s": 1.0, "offset_s": 2.0, **values}), error
    )
    for part in parts:
        assert part in message


def test_notes_hold_pythons_own_numbers():
    note = Note("a", np.float32(60.5), np.int64(0), np.float64(1), np.float64(90))
    assert note == Note("a", 60.5, 0.0, 1.0, 90)
    assert [type(value) for value in dataclasses.astuple(note)] == [str, float, float, float, int]


def test_notes_and_scores_cannot_be_changed():
    score = duet()
    with pytest.raises(dataclasses.FrozenInstanceError):
        score.notes[0].midi = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        score.notes = ()
    assert hash(score) == hash(duet()) and score == duet()


def test_notes_are_kept_by_onset_then_source_then_pitch():
    chord = [Note("a", 64, 1, 2), Note("b", 40, 1, 2), Note("a", 60, 1, 2), Note("b", 50, 0, 9)]
    score = Score(tuple(chord), ("a", "b"))
    assert score.notes == (chord[3], chord[2], chord[0], chord[1])
    assert Score(chord[::-1], ("a", "b")) == score
    assert score.notes_of("a") == (chord[2], chord[0])


def test_sources_stand_in_order_of_their_first_note_unless_given():
    assert duet().sources == ("violin", "bassoon")
    assert Score(duet().notes, ("bassoon", "tuba", "violin")).sources == ("bassoon", "tuba", "violin")
    assert Score(duet().notes[::-1]).sources == ("violin", "bassoon")


def test_the_end_of_the_last_note_is_the_duration():
    assert Score((Note("a", 60, 0, 9), Note("a", 62, 1, 2))).duration_s == 9
    assert Score((), ("a",)).duration_s == 0


@pytest.mark.parametrize(
    "make, error, parts",
    [
        (
            lambda: Score(duet().notes, ("violin",)),
            ValueError,
            ("one of the sources violin, got bassoon", "add the name"),
        ),
        (
            lambda: Score(duet().notes, ("violin", "violin")),
            ValueError,
            ("its own name", "violin, violin", "rename"),
        ),
        (lambda: Score(duet().notes, "violin"), TypeError, ("sources must be a list of names", "('violin',)")),
        (lambda: Score(duet().notes, unpitched="violin"), TypeError, ("unpitched must be a list of names",)),
        (lambda: Score(({"midi": 60},)), TypeError, ("must hold Notes", "{'midi': 60}", "notes.Note")),
    ],
)
def test_what_is_no_score_is_refused(make, error, parts):
    message = refusal(make, error)
    for part in parts:
        assert part in message


# CSV


def read_text(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "notes.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return read_csv(path)


def test_fine_and_coarse_notes_are_read(tmp_path):
    fine = read_text(tmp_path, FINE)
    assert fine.sources == ("violin", "bassoon")
    assert fine.notes[1] == Note("bassoon", 52, 0.12, 0.72, 80)
    assert fine.duration_s == 1.62 and not fine.unpitched
    coarse = read_text(tmp_path, COARSE)
    assert coarse.sources == ("bassoon", "clarinet") and len(coarse.notes) == 3


@pytest.mark.parametrize(
    "text",
    [
        FINE.encode("utf-8-sig"),
        FINE.replace("\n", "\r\n"),
        FINE.rstrip("\n"),
        FINE.replace("\n", "\n\n"),
        FINE.replace("violin,", '"violin",'),
        FINE.replace("violin,", " violin , "),
        "offset_s,onset_s,comment,midi,instrument\n0.8,0,x,72,violin\n0.72,0.12,,52,bassoon\n1.62,0.8,y,74,violin\n",
    ],
)
def test_a_table_may_come_in_many_forms(tmp_path, text):
    assert read_text(tmp_path, text) == read_text(tmp_path, FINE)


def test_velocities_are_read_where_given(tmp_path):
    text = HEADING.replace("\n", ",velocity\n") + "a,60,0,1,99\na,62,1,2,\n"
    assert [note.velocity for note in read_text(tmp_path, text).notes] == [99, 80]


def test_csv_round_trip_keeps_every_digit(tmp_path, rng):
    onsets_s = np.sort(rng.uniform(0, 100, 50))
    many = Score(tuple(Note("violin, 2nd", rng.uniform(0, 127), t, t + rng.uniform(1e-6, 3), 7) for t in onsets_s))
    for score in (duet(), many):
        write_csv(tmp_path / "x.csv", score)
        assert read_score(tmp_path / "x.csv") == score


@pytest.mark.parametrize(
    "text, parts",
    [
        ("", ("must have the columns instrument, midi, onset_s, offset_s", "got none", "add instrument")),
        ("\n" + FINE, ("must have the columns", "got none")),
        (HEADING, ("holds no notes", "at least one line under the heading")),
        (
            "instrument,pitch,onset_s,offset_s\na,60,0,1\n",
            ("must have the columns", "instrument, pitch", "add midi to its first line"),
        ),
        (FINE.replace(",", ";"), ("must have the columns", "instrument;midi;onset_s;offset_s", "separated by commas")),
        (HEADING + "a,60,0,1\na,x,1,2\n", ("line 3", "midi must be a number, got 'x'", "like 60 or 0.25")),
        ("\n\n".join([HEADING.strip(), "a,60,0,1", "a,62,1,x"]), ("line 5", "offset_s must be a number, got 'x'")),
        (HEADING + "a,60,0\n", ("line 2", "offset_s must be given, got an empty cell", "fill it in")),
        (HEADING + ",60,0,1\n", ("line 2", "instrument must be given")),
        (HEADING + "a,60,0,5,1,0\n", ("line 2", "4 cells", "got more", "decimals with a point")),
        (HEADING + "a,60,-0.5,1\n", ("line 2", "onset_s", "at least 0", "got -0.5")),
        (HEADING + "a,60,nan,1\n", ("line 2", "onset_s", "nan")),
        (HEADING + "a,60,0,inf\n", ("line 2", "offset_s", "inf")),
        (HEADING + "a,nan,0,1\n", ("line 2", "midi", "nan")),
        (HEADING + "a,200,0,1\n", ("line 2", "midi", "at most 127", "got 200")),
        (HEADING + "a,60,2,1\n", ("line 2", "must end after it starts", "onset 2.0 s and offset 1.0 s")),
        (
            HEADING + "a,60,1,2\na,62,0.5,2\n",
            ("line 3", "must not start before the line above it, at 1.0 s", "got 0.5 s", "sort the lines"),
        ),
        (HEADING.replace("\n", ",velocity\n") + "a,60,1,2,300\n", ("line 2", "velocity", "at most 127", "got 300")),
        (bytes(range(256)) * 20, ("table of text in UTF-8", "save it again as CSV")),
        (FINE.encode("utf-16"), ("table of text in UTF-8", "save it again as CSV")),
        (FINE.replace("violin", "violon léger").encode("latin-1"), ("table of text in UTF-8", "save it again as CSV")),
        ("a" * 200_000, ("table of text in UTF-8", "field larger")),
        (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01", ("must have the columns",)),
    ],
)
def test_bad_tables_are_refused_with_the_line(tmp_path, text, parts):
    message = refusal(lambda: read_text(tmp_path, text), ValueError)
    for part in (*parts, "notes.csv"):
        assert part in message


@pytest.mark.parametrize("name", ["no.csv", "no.mid"])
def test_missing_scores_are_refused(tmp_path, name):
    message = refusal(lambda: read_score(tmp_path / name), FileNotFoundError)
    assert f"{name} does not exist; give the path of a MIDI file or a table of notes (.csv)" in message
    (tmp_path / name).mkdir()
    assert "is a folder" in refusal(lambda: read_score(tmp_path / name), FileNotFoundError)


def test_scores_of_unknown_kinds_are_refused(tmp_path):
    message = refusal(lambda: read_score(tmp_path / "x.pdf"), ValueError)
    assert "must end in one of .csv, .mid, .midi, .musicxml, .mxl, .xml, got '.pdf'; export it as MIDI" in message
    message = refusal(lambda: read_score(tmp_path / "x.TXT"), ValueError)
    assert "got '.TXT'; text files have many formats: see mss_lab.score.annotations" in message


@pytest.mark.parametrize("write, name", [(write_csv, "x.csv"), (midi.write_midi, "x.mid")])
def test_scores_are_replaced_only_when_allowed(tmp_path, write, name):
    (tmp_path / name).write_text("old")
    assert "exists already" in refusal(lambda: write(tmp_path / name, duet(), force=False), FileExistsError)
    assert (tmp_path / name).read_text() == "old"
    write(tmp_path / name, duet())
    assert len(read_score(tmp_path / name).notes) == 3
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.recordings
def test_every_table_of_the_recordings_is_read(recordings):
    tables = sorted(recordings.rglob("notes*.csv"))
    assert tables
    for table in tables:
        score = read_score(table)
        stems = {path.stem for path in table.parent.glob("*.flac")}
        assert set(score.sources) <= stems


# Edits


def times(score):
    return [(note.onset_s, note.offset_s) for note in score.notes]


def test_select_keeps_the_order_asked_for():
    score = Score(duet().notes, ("violin", "bassoon", "drums"), frozenset({"drums"}))
    chosen = notes.select(score, ["drums", "bassoon"])
    assert chosen.sources == ("drums", "bassoon") and chosen.unpitched == {"drums"}
    assert chosen.notes == duet().notes_of("bassoon")
    message = refusal(lambda: notes.select(score, ["basoon"]), ValueError)
    assert "'bassoon', 'drums', 'violin', got 'basoon'; did you mean 'bassoon'?" in message
    assert "list of names, got 'violin'" in refusal(lambda: notes.select(score, "violin"), TypeError)


def test_shift_cuts_and_drops_at_the_start():
    score = Score((Note("a", 60, 0, 1), Note("a", 62, 1, 2), Note("b", 64, 2, 3)))
    assert times(notes.shift(score, 0.5)) == [(0.5, 1.5), (1.5, 2.5), (2.5, 3.5)]
    assert times(notes.shift(score, -1.0)) == [(0, 1), (1, 2)]
    assert times(notes.shift(score, -1.5)) == [(0, 0.5), (0.5, 1.5)]
    gone = notes.shift(score, -9)
    assert gone.notes == () and gone.sources == ("a", "b")
    assert notes.shift(score, 0) == score
    assert "shift_s" in refusal(lambda: notes.shift(score, np.nan), ValueError)


def test_jitter_is_seeded_bounded_and_keeps_durations_and_notes():
    score = Score(tuple(Note("a", 60 + k % 12, k * 0.05, k * 0.05 + 0.03) for k in range(500)))
    moved = notes.jitter(score, 0.2, rng=np.random.default_rng(3))
    assert moved == notes.jitter(score, 0.2, rng=np.random.default_rng(3))
    assert moved != notes.jitter(score, 0.2, rng=np.random.default_rng(4))
    assert len(moved.notes) == 500
    assert_allclose([end - start for start, end in times(moved)], 0.03, atol=1e-12)
    assert min(start for start, _ in times(moved)) == 0


def test_jitter_is_uniform_within_its_bounds():
    # Notes so far apart that they keep their order.
    score = Score(tuple(Note("a", 60, k, k + 0.5) for k in range(1, 2001)))
    moved = notes.jitter(score, 0.2, rng=np.random.default_rng(5))
    moves = np.array([start for start, _ in times(moved)]) - np.arange(1, 2001)
    assert np.abs(moves).max() <= 0.2 + 1e-9
    counts, _ = np.histogram(moves, bins=4, range=(-0.2, 0.2))
    assert (np.abs(counts - 500) < 100).all()


def test_jitter_moves_every_note_by_its_own_draw():
    score = Score((Note("a", 60, 5, 6), Note("b", 60, 5, 6)))
    first, second = times(notes.jitter(score, 0.2, rng=np.random.default_rng(0)))
    assert first != second
    assert notes.jitter(score, 0, rng=np.random.default_rng(0)) == score


def test_jitter_refuses_what_is_not_seeded():
    assert "seeded generator" in refusal(lambda: notes.jitter(duet(), 0.1, rng=None), TypeError)
    message = refusal(lambda: notes.jitter(duet(), -0.1, rng=np.random.default_rng(0)), ValueError)
    assert "within_s" in message and "at least 0" in message


def test_tempo_scales_all_times():
    assert times(notes.with_tempo(Score((Note("a", 60, 1, 3),)), 2)) == [(0.5, 1.5)]
    score = duet()
    back = notes.with_tempo(notes.with_tempo(score, 4), 0.25)
    assert back == score
    assert "above 0" in refusal(lambda: notes.with_tempo(score, 0), ValueError)


def test_transposition_leaves_drums_where_they_are():
    score = Score((Note("a", 60, 0, 1), Note("drums", 36, 0, 1)), unpitched=frozenset({"drums"}))
    moved = notes.transpose(score, 1.5)
    assert [note.midi for note in moved.notes] == [61.5, 36]
    assert moved.unpitched == {"drums"}
    assert "at most 127, got 160" in refusal(lambda: notes.transpose(score, 100), ValueError)


def test_edits_leave_the_score_they_are_given(rng):
    score = duet()
    for edit in (
        lambda: notes.shift(score, 1),
        lambda: notes.jitter(score, 1, rng=rng),
        lambda: notes.with_tempo(score, 2),
        lambda: notes.transpose(score, 2),
        lambda: notes.select(score, ["violin"]),
    ):
        assert edit() != score
        assert score == duet()
