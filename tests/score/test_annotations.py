"""Text files of data sets: what their rows mean, and which line is at fault."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import units
from mss_lab.score import annotations
from mss_lab.score.annotations import read_bach10, read_program_rows, read_urmp, read_urmp_f0, read_urmp_notes
from mss_lab.score.instruments import name_of, program_of
from tests.folders import write

# Rows as URMP writes them, with more than one tab between columns.
VIOLIN = "0.290\t\t440.000\t\t0.500\n0.800\t\t466.1638\t\t0.250\n"
CELLO = "0.3\t220.5\t1.0\n\n"


@pytest.fixture
def duet(tmp_path):
    folder = tmp_path / "01_Jupiter_vn_vc"
    folder.mkdir()
    write(folder / "Notes_1_vn_01_Jupiter.txt", VIOLIN)
    write(folder / "Notes_2_vc_01_Jupiter.txt", CELLO)
    write(folder / "F0s_1_vn_01_Jupiter.txt", "0.00\t0\n0.01\t440.5\n0.02\t441\n")
    return folder


def test_notes_of_urmp_are_onset_frequency_and_duration(duet):
    score = read_urmp_notes(duet / "Notes_1_vn_01_Jupiter.txt")
    assert score.sources == ("violin",)
    assert_allclose(
        [(n.midi, n.onset_s, n.offset_s) for n in score.notes], [(69, 0.29, 0.79), (70, 0.8, 1.05)], atol=1e-5
    )


def test_pitches_keep_their_fractions(duet):
    note = read_urmp_notes(duet / "Notes_2_vc_01_Jupiter.txt").notes[0]
    assert units.midi_to_hz(note.midi) == pytest.approx(220.5)
    assert 57 < note.midi < 57.1


def test_a_folder_of_urmp_joins_its_players(duet):
    score = read_urmp(duet)
    assert score.sources == ("violin", "cello")
    assert [len(score.notes_of(source)) for source in score.sources] == [2, 1]
    for name in ("Notes_10_vn_01_Jupiter.txt", "Notes_3_vn_01_Jupiter.txt"):
        write(duet / name, VIOLIN if "10" in name else CELLO)
    # By number, not by letter: 3 before 10.
    assert read_urmp(duet).sources == ("violin", "cello", "violin 2", "violin 3")
    assert len(read_urmp(duet).notes_of("violin 3")) == 2


def test_every_player_of_urmp_is_a_known_instrument():
    assert {program_of(short) for short in annotations.URMP_INSTRUMENTS} == {
        program_of(name) for name in annotations.URMP_INSTRUMENTS.values()
    }
    assert all(program_of(short) == program_of(name) for short, name in annotations.URMP_INSTRUMENTS.items())
    assert len(annotations.URMP_INSTRUMENTS) == 13


def test_pitch_over_time(duet):
    times_s, f0_hz = read_urmp_f0(duet / "F0s_1_vn_01_Jupiter.txt")
    assert_array_equal(times_s, [0, 0.01, 0.02])
    assert_array_equal(f0_hz, [0, 440.5, 441])
    assert times_s.dtype == f0_hz.dtype == np.float64


BACH10 = "50\t0\t72\t1\n60\t0\t60\t4\n710\t500\t74\t1\n1400\t1000\t76\t1\n900 500 55 4\n"


def test_bach10_says_when_written_notes_sound(tmp_path):
    score = read_bach10(write(tmp_path / "01-AchGottundHerr.txt", BACH10))
    assert score.sources == ("violin", "bassoon")
    violin, bassoon = ([(n.midi, n.onset_s, n.offset_s) for n in score.notes_of(s)] for s in score.sources)
    assert_allclose(violin, [(72, 0.05, 0.71), (74, 0.71, 1.4), (76, 1.4, 2.09)])
    assert_allclose(bassoon, [(60, 0.06, 0.9), (55, 0.9, 1.74)])


def test_bach10_as_written(tmp_path):
    score = read_bach10(write(tmp_path / "a.txt", BACH10), times="written", sources=("S", "A", "T", "B"))
    assert [(n.source, n.onset_s, n.offset_s) for n in score.notes] == [
        ("S", 0, 0.5), ("B", 0, 0.5), ("S", 0.5, 1), ("B", 0.5, 1), ("S", 1, 1.5),
    ]  # fmt: skip


def test_rows_with_programs(tmp_path):
    score = read_program_rows(write(tmp_path / "a.txt", "0.5,1.0,69,40\n0, 2, 45.5, 70\n1.0,1.5,71,40\n"))
    assert score.sources == (name_of(70), name_of(40))
    assert [(n.midi, n.onset_s, n.offset_s) for n in score.notes_of("violin")] == [(69, 0.5, 1.0), (71, 1.0, 1.5)]


def test_rows_of_programs_may_have_a_heading(tmp_path):
    rows = "0.5\t1.0\t69\t40\n"
    plain = read_program_rows(write(tmp_path / "a.txt", rows))
    assert read_program_rows(write(tmp_path / "b.txt", "start\tend\tpitch\tinstrument\n" + rows)) == plain
    # Words further down, or beside numbers, are no heading.
    for text in (rows + "start end pitch instrument\n", "0.5 1.0 A4 40\n" + rows):
        with pytest.raises(ValueError, match="must hold 4 numbers"):
            read_program_rows(write(tmp_path / "c.txt", text))


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (read_urmp_notes, "0 440 1\n0.5 440\n", "line 2 of .* must hold 3 numbers .*got '0.5 440'"),
        (read_urmp_notes, "\n0 440 one\n", "line 2 of .* must hold 3 numbers"),
        (read_urmp_notes, "0 440 nan\n", "line 1 of .* must hold 3 numbers"),
        (read_urmp_notes, "0 0 1\n", "line 1 of .* frequency above 0 Hz, got 0"),
        (read_urmp_notes, "0 440 0\n", "line 1 of .* is not a note: .*must end after it starts"),
        (read_urmp_notes, "-1 440 2\n", "line 1 of .* is not a note: onset_s"),
        (read_urmp_notes, "0 30000 2\n", "line 1 of .* is not a note: midi"),
        (read_urmp_notes, "\n", "holds no notes"),
        (read_urmp_f0, "0 0\n0 440\n", "line 2 of .* must be later than the line before"),
        (read_urmp_f0, "0 -1\n", "line 1 of .* at least 0 Hz"),
        (read_urmp_f0, "0 440 1\n", "line 1 of .* must hold 2 numbers"),
        (read_urmp_f0, "", "holds no frames"),
        (read_bach10, "0 0 72 1\n0 0 72 5\n", "line 2 of .* channel from 1 to 4, got 5"),
        (read_bach10, "0 0 72 1.5\n", "channel from 1 to 4"),
        (read_bach10, "0 0 200 1\n", "line 1 of .* is not a note: midi"),
        (read_bach10, "", "holds no notes"),
        (read_program_rows, "0 1 60 128\n", "line 1 of .* is not a note: program"),
        (read_program_rows, "0 1 60 1.5\n", "line 1 of .* is not a note: program"),
        (read_program_rows, "1 1 60 0\n", "line 1 of .* must end after it starts"),
    ],
)
def test_wrong_rows_are_refused_with_their_line(read, text, says, tmp_path):
    path = write(tmp_path / "Notes_1_vn_01_Jupiter.txt", text)
    with pytest.raises(ValueError, match=re.compile(says, re.DOTALL)):
        read(path)


def test_files_that_are_not_there_or_not_text(tmp_path):
    for read in (read_urmp_notes, read_urmp_f0, read_bach10, read_program_rows):
        with pytest.raises(FileNotFoundError, match="does not exist"):
            read(tmp_path / "Notes_1_vn_01_Jupiter.txt")
        with pytest.raises(FileNotFoundError, match="is a folder"):
            read(tmp_path)
    with pytest.raises(FileNotFoundError, match="is no folder"):
        read_urmp(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="holds no file named like Notes_1_vn"):
        read_urmp(tmp_path)
    (tmp_path / "Notes_1_vn_01_Jupiter.txt").write_bytes(b"\xff\xfe\x00\x00")
    with pytest.raises(ValueError, match="as text"):
        read_urmp_notes(tmp_path / "Notes_1_vn_01_Jupiter.txt")


def test_a_file_whose_name_tells_no_player_needs_one(tmp_path):
    path = write(tmp_path / "notes.txt", VIOLIN)
    with pytest.raises(ValueError, match=r"named like .* give the player"):
        read_urmp_notes(path)
    assert read_urmp_notes(path, "first violin").sources == ("first violin",)
    write(tmp_path / "Notes_1_xx_01_Jupiter.txt", VIOLIN)
    with pytest.raises(ValueError, match="give the player"):
        read_urmp(tmp_path)


def test_bach10_knows_its_times(tmp_path):
    with pytest.raises(ValueError, match="times must be one of"):
        read_bach10(write(tmp_path / "a.txt", BACH10), times="audio")
