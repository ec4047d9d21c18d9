"""`mss-lab score`: what it prints of a score in each format, what it writes, and what it refuses."""

import os
import textwrap

import numpy as np
import pytest

from mss_lab import audio, cli
from mss_lab.cli.score import report
from mss_lab.refusals import RefusedValue
from mss_lab.score import midi
from mss_lab.score.files import read_csv, read_score, read_score_in_full, write_csv
from mss_lab.score.notes import Note, Score
from mss_lab.score.reading import Reading
from tests.score.musicxml_pages import BACKWARD, document, note, rest, tempo


@pytest.fixture
def files(tmp_path):
    """A folder with one piece in each format: two parts, a repeat, two tempi, and a bar with a rest too many."""
    upper = [tempo(60) + note("A", 4) + note("B", 4), tempo(120) + note("C", 5, 2) + BACKWARD, note("D", 5, 2)]
    lower = [note("C", 3, 2), rest(2) + rest(1), note("D", 3, 2)]
    (tmp_path / "a.musicxml").write_text(document([upper, lower], names=["Vni I", ""]), encoding="utf-8")
    score = read_score_in_full(tmp_path / "a.musicxml").score
    midi.write_midi(tmp_path / "a.mid", score)
    write_csv(tmp_path / "a.csv", score)
    return tmp_path


def test_a_page_is_reported(files, capsys):
    assert cli.main(["score", str(files / "a.musicxml")]) == 0
    printed = capsys.readouterr()
    assert printed.out == textwrap.dedent("""\
        a.musicxml: 2 players, 10 notes, 0:07.00 long

        player    instrument  notes  range       first     last
        Vni I     violin          7  A4 to D5  0:00.00  0:07.00
        part 2 *  -               3  C3 to D3  0:00.00  0:07.00
        * The file gives no name; --players NAME,NAME,... names all players in this
          order.

        Played: 5 measures, 1-2, 1-3
        Tempo: 60 to 120 quarters a minute, 3 changes: 60 from 0:00.00, 120 from
          0:02.00, 60 from 0:03.00, 120 from 0:05.00
        Warnings:
          - part 2: more rests than the time signature allows, and the excess is left
            out, in measure 2.
        """)
    assert printed.err == ""


@pytest.mark.parametrize(
    ("name", "tempo_line"),
    [("a.mid", "Tempo: 120 quarters a minute"), ("a.csv", "Tempo: the file has none; its notes are in seconds")],
)
def test_every_format_is_reported(files, capsys, name, tempo_line):
    assert cli.main(["score", str(files / name), "--players", "violin 1,cello"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{name}: 2 players, 10 notes, 0:07.00 long"
    assert lines[3].split() == ["violin", "1", "violin", "7", "A4", "to", "D5", "0:00.00", "0:07.00"]
    assert lines[4].split() == ["cello", "cello", "3", "C3", "to", "D3", "0:00.00", "0:07.00"]
    assert lines[6:] == [tempo_line, "Warnings: none"]


def test_no_line_is_wider_than_a_terminal():
    names = ["A very long name of a player with a great many words in it", "x" * 79, "kit", "silent"]
    score = Score(
        tuple(Note(name, 0 if name != "kit" else 36, 5000.0, 86_000.0 + place) for place, name in enumerate(names[:3])),
        tuple(names), frozenset({"kit"}),
    )  # fmt: skip
    reading = Reading(
        score, tempos=tuple((place, 60.123456 + place) for place in range(500)),
        measures=tuple(str(place % 7) for place in range(300)), unnamed=frozenset({names[1]}),
        warnings=("words " * 60,), programs={names[0]: 2, names[1]: 1},
    )  # fmt: skip
    lines = list(report("n" * 70, reading))
    assert max(map(len, lines)) <= 80
    assert any("and 492 more" in line for line in lines)
    assert [line.split()[-3:] for line in lines if line.startswith("silent")] == [["-", "-", "-"]]
    assert next(report("a.csv", Reading(Score((), ("a",))))) == "a.csv: 1 player, 0 notes, 0:00.00 long"


def test_names_that_differ_at_their_ends_stay_apart():
    names = tuple(f"bright acoustic piano of the second group {number}" for number in range(3))
    score = Score(tuple(Note(name, 60, 0, 1) for name in names), names)
    lines = list(report("a.mid", Reading(score, unnamed=frozenset(names), programs=dict.fromkeys(names, 1))))
    shown = [line for line in lines if line.startswith("bright")]
    assert len(set(shown)) == 3
    assert all(f" {number} * " in line for number, line in enumerate(shown))


def same(one, other, within_s):
    assert one.sources == other.sources
    for ours, theirs in zip(one.notes, other.notes, strict=True):
        assert (ours.source, ours.midi) == (theirs.source, theirs.midi)
        assert ours.onset_s == pytest.approx(theirs.onset_s, abs=within_s)
        assert ours.offset_s == pytest.approx(theirs.offset_s, abs=within_s)


@pytest.mark.parametrize("source", ["a.musicxml", "a.mid", "a.csv"])
@pytest.mark.parametrize(("kind", "ending", "within_s"), [("midi", ".mid", 3e-4), ("csv", ".csv", 0),
                                                          ("musicxml", ".musicxml", 6e-5)])  # fmt: skip
def test_a_score_is_written_as_it_was_read(files, source, kind, ending, within_s):
    out = files / "new folder" / f"b{ending}"
    arguments = ["score", str(files / source), "--to", kind, "--out", str(out), "--players", "Vn. I,Vc."]
    assert cli.main(arguments) == 0
    read = read_score_in_full(files / source, players=["Vn. I", "Vc."])
    again = read_score_in_full(out)
    same(again.score, read.score, within_s)
    assert again.programs in ({}, {"Vn. I": 40, "Vc.": 42})
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_tempo_marks_stay_in_musicxml(files):
    assert cli.main(["score", str(files / "a.musicxml"), "--to", "musicxml", "--out", str(files / "b.musicxml")]) == 0
    one, other = (read_score_in_full(files / name) for name in ("a.musicxml", "b.musicxml"))
    assert one.tempos == other.tempos and len(one.tempos) == 4
    assert other.measures == ("1", "2", "3")


def test_nothing_is_replaced_by_mistake(files, capsys):
    before = (files / "a.mid").read_bytes()
    for force in ([], ["--force"]):
        assert cli.main(["score", str(files / "a.mid"), "--to", "midi", "--out", str(files / "a.mid"), *force]) == 2
        assert "files that are read" in capsys.readouterr().err
    os.link(files / "a.mid", files / "link.mid")
    assert cli.main(["score", str(files / "a.mid"), "--to", "midi", "--out", str(files / "link.mid"), "--force"]) == 2
    assert (files / "a.mid").read_bytes() == before
    to_csv = ["score", str(files / "a.mid"), "--to", "csv", "--out", str(files / "a.csv")]
    before = (files / "a.csv").read_bytes()
    assert cli.main(to_csv) == 2
    assert "--force" in capsys.readouterr().err and (files / "a.csv").read_bytes() == before
    assert cli.main([*to_csv, "--force"]) == 0
    assert len(read_csv(files / "a.csv").notes) == 10


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--to", "midi"], "belong together"),
        (["--out", "b.mid"], "belong together"),
        (["--to", "midi", "--out", "b.csv"], "must end in .mid or .midi"),
        (["--pedal"], "only MIDI files contain a sustain pedal"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_line(files, capsys, options, words):
    before = sorted(files.iterdir())
    assert cli.main(["score", str(files / "a.musicxml"), *options]) == 2
    printed = capsys.readouterr()
    assert words in printed.err and printed.err.count("\n") == 1 and printed.out == ""
    assert sorted(files.iterdir()) == before


def test_instruments_are_those_of_the_names_or_else_of_the_programs():
    score = Score(tuple(Note(name, 60, 0, 1) for name in ("Sopran", "Bass", "Anna", "kit")), (), frozenset({"kit"}))
    reading = Reading(score, programs={"Bass": 32, "Anna": 73})
    lines = list(report("a.mid", reading))
    assert [" ".join(line.split()[1:3]) for line in lines[3:7]] == ["choir aahs", "choir aahs", "flute 1", "drums 1"]


def test_the_pedal_lengthens_notes(tmp_path, capsys):
    import mido

    track = mido.MidiTrack([
        mido.Message("control_change", control=64, value=127), mido.Message("note_on", note=60, velocity=64),
        mido.Message("note_off", note=60, time=480), mido.Message("control_change", control=64, value=0, time=1440),
    ])  # fmt: skip
    mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track]).save(tmp_path / "a.mid")
    for options, length in (([], "0:00.50 long"), (["--pedal"], "0:02.00 long")):
        assert cli.main(["score", str(tmp_path / "a.mid"), *options]) == 0
        printed = capsys.readouterr().out
        assert length in printed.splitlines()[0] and ("pedal was not read" in printed) == (not options)


@pytest.mark.parametrize("name", ["a.musicxml", "a.mid", "a.csv"])
def test_names_that_do_not_fit_list_the_parts(files, capsys, name):
    listed = r"got 3 \(a, b, c\); the parts are: Vni I \(7 notes, A4 to D5\); part 2 \(3 notes, C3 to D3\)"
    with pytest.raises(RefusedValue, match=listed):
        read_score(files / name, players=["a", "b", "c"])
    audio.write_audio(files / "mix.wav", np.zeros((1, 8000), np.float32), 8000)
    separate = ["separate", str(files / "mix.wav"), "--out", str(files / "stems"), "--score"]
    for command in (["score"], separate):
        assert cli.main([*command, str(files / name), "--players", "a,b,c"]) == 2
        assert "the parts are: Vni I (7 notes, A4 to D5); part 2" in capsys.readouterr().err
    assert not (files / "stems").exists()
