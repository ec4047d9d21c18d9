"""MusicXML, written by hand here: sounding pitch, ties, repeats, tempo, grace notes, staves, and bad files."""

import subprocess
import sys
import zipfile

import pytest

from mss_lab.score import midi
from mss_lab.score.files import read_score
from mss_lab.score.musicxml import read_musicxml
from tests.score.musicxml_pages import BACKWARD, FORWARD, document, note, rest, tempo
from tests.score.plain import plain_notes


@pytest.fixture
def read(tmp_path):
    def read(*arguments, **options):
        path = tmp_path / "score.musicxml"
        path.write_text(document(*arguments, **options), encoding="utf-8")
        return read_musicxml(path)

    return read


def test_quarters_become_seconds(read):
    score = read([[note("A", 4) + note("B", 4, 0.5) + note("C", 5, 0.5)]], names=["Violin"])
    assert plain_notes(score) == [(69, 0, 0.5), (71, 0.5, 0.75), (72, 0.75, 1)]
    assert score.sources == ("Violin",) and not score.unpitched


def test_a_tempo_mark_of_one_part_holds_for_all(read):
    score = read([[tempo(60) + note("A", 4, 2), tempo(240) + note("A", 4, 2)], [note("C", 4, 2), note("D", 4, 2)]])
    assert plain_notes(score, "Part 1") == [(69, 0, 2), (69, 2, 2.5)]
    assert plain_notes(score, "Part 2") == [(60, 0, 2), (62, 2, 2.5)]


def test_a_note_that_lasts_over_a_change_of_tempo_obeys_both(read):
    mark = "<metronome><beat-unit>quarter</beat-unit><per-minute>60</per-minute></metronome>"
    metronome = f"<direction><direction-type>{mark}</direction-type></direction>"
    score = read([[note("A", 4, 1) + metronome + note("A", 4, 1)], [note("C", 4, 2)]])
    assert plain_notes(score, "Part 2") == [(60, 0, 1.5)]


def test_ties_are_one_note_and_repetitions_are_two(read):
    score = read([[note("A", 4, 2, tie="start"), note("A", 4, 1, tie="stop") + note("A", 4)]])
    assert plain_notes(score) == [(69, 0, 1.5), (69, 1.5, 2)]


def test_chords_are_notes_of_one_source(read):
    chord = note("C", 4, 2) + note("E", 4, 2, before="<chord/>") + note("G", 4, 2, before="<chord/>")
    assert plain_notes(read([[chord]])) == [(60, 0, 1), (64, 0, 1), (67, 0, 1)]


def test_transposing_instruments_sound_where_they_sound(read):
    horn = "<transpose><diatonic>-4</diatonic><chromatic>-7</chromatic></transpose>"
    bass = "<transpose><diatonic>0</diatonic><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    bars = [note("C", 4, 2)]
    score = read([bars, bars, bars], names=["Horn in F", "Double Bass", "Flute"], attributes=[horn, bass, ""])
    assert [plain_notes(score, source)[0][0] for source in score.sources] == [53, 48, 60]


def test_repeats_and_endings_are_played_by_all(read):
    first = '<barline location="left"><ending number="1" type="start"/></barline>'
    first_end = '<barline location="right"><ending number="1" type="stop"/><repeat direction="backward"/></barline>'
    second = '<barline location="left"><ending number="2" type="start"/></barline>'
    second_end = '<barline location="right"><ending number="2" type="stop"/></barline>'
    upper = [FORWARD + note("C", 5, 2), first + note("D", 5, 2) + first_end, second + note("E", 5, 2) + second_end]
    # The first part says nothing of repeats, the third leaves rests unwritten.
    score = read([[note("C", 4, 2), note("D", 4, 2), note("E", 4, 2)], upper, [note("C", 3, 1), "", rest(2)]])
    assert [(midi, onset_s) for midi, onset_s, _ in plain_notes(score, "Part 1")] == [
        (60, 0),
        (62, 1),
        (60, 2),
        (64, 3),
    ]
    assert [(midi, onset_s) for midi, onset_s, _ in plain_notes(score, "Part 2")] == [
        (72, 0),
        (74, 1),
        (72, 2),
        (76, 3),
    ]
    assert [(midi, onset_s) for midi, onset_s, _ in plain_notes(score, "Part 3")] == [(48, 0), (48, 2)]


def test_a_tempo_mark_inside_a_repeat_returns(read):
    score = read([[FORWARD + note("A", 4, 2), tempo(60) + note("B", 4, 2) + BACKWARD]])
    # What is said holds until something else is said: the second round stays slow.
    assert plain_notes(score) == [(69, 0, 1), (71, 1, 3), (69, 3, 5), (71, 5, 7)]


def test_grace_notes_come_before_what_they_decorate(read):
    grace = '<grace slash="yes"/>'
    bar = note("A", 4) + note("C", 5, before=grace) + note("D", 5, before=grace) + note("B", 4)
    assert plain_notes(read([[bar]])) == [(69, 0, 0.5), (72, 0.375, 0.4375), (74, 0.4375, 0.5), (71, 0.5, 1)]
    # At the very start there is no time before; at the very end there is no note behind.
    assert plain_notes(read([[note("C", 5, before=grace) + note("B", 4, 2)]])) == [(71, 0, 1), (72, 0, 0.0625)]
    assert plain_notes(read([[note("B", 4, 2) + note("C", 5, before=grace)]])) == [(71, 0, 1), (72, 0.9375, 1)]


def test_two_staves_of_one_player_are_one_source(read):
    bar = note("C", 5, 2, staff="1") + "<backup><duration>8</duration></backup>" + note("C", 3, 2, staff="2")
    score = read([[bar, bar], [note("A", 4, 2), note("A", 4, 2)]], names=["Piano", "Flute"],
                 attributes=["<staves>2</staves>", ""])  # fmt: skip
    assert score.sources == ("Piano", "Flute")
    assert plain_notes(score, "Piano") == [(48, 0, 1), (72, 0, 1), (48, 1, 2), (72, 1, 2)]


def test_players_of_one_name_are_numbered_and_silent_parts_left_out(read):
    bar = [note("A", 4, 2)]
    score = read([bar, bar, [rest(2)], bar, bar], names=["Violin", "Violin", "Viola", "", "Violin"])
    assert score.sources == ("Violin", "Violin 2", "part 4", "Violin 3")


def test_drums_are_unpitched(tmp_path):
    place = "<display-step>C</display-step><display-octave>5</display-octave>"
    hit = f"<note><unpitched>{place}</unpitched><duration>8</duration></note>"
    (tmp_path / "a.xml").write_text(document([[hit], [note("A", 4, 2)]], names=["Drums", "Flute"]), encoding="utf-8")
    score = read_score(tmp_path / "a.xml")
    assert score.unpitched == {"Drums"}
    assert plain_notes(score, "Drums") == [(72, 0, 1)]


def test_compressed_files_hold_the_same(tmp_path):
    text = document([[note("A", 4, 2)]], names=["Flöte"])
    (tmp_path / "a.musicxml").write_text(text, encoding="utf-8")
    container = '<?xml version="1.0"?><container><rootfiles><rootfile full-path="a.musicxml"/></rootfiles></container>'
    with zipfile.ZipFile(tmp_path / "a.mxl", "w") as file:
        file.writestr("META-INF/container.xml", container)
        file.writestr("a.musicxml", text)
    assert read_score(tmp_path / "a.mxl") == read_score(tmp_path / "a.musicxml")
    assert read_score(tmp_path / "a.mxl").sources == ("Flöte",)


def test_a_file_that_was_changed_is_read_again(tmp_path):
    path = tmp_path / "a.musicxml"
    for step, pitch in (("A", 69), ("B", 71)):
        path.write_text(document([[note(step, 4, 2)]]), encoding="utf-8")
        assert plain_notes(read_musicxml(path))[0][0] == pitch


def test_through_midi_the_score_stays_the_same(read, tmp_path):
    score = read([[tempo(96) + note("A", 4, 0.75) + note("B", 4, 1.25)], [note("C", 3, 2)]], names=["Oboe", "Cello"])
    midi.write_midi(tmp_path / "a.mid", score)
    again = midi.read_midi(tmp_path / "a.mid")
    assert again.sources == score.sources
    for one, other in zip(again.notes, score.notes, strict=True):
        assert one.midi == other.midi
        assert one.onset_s == pytest.approx(other.onset_s, abs=1e-3)
        assert one.offset_s == pytest.approx(other.offset_s, abs=1e-3)


@pytest.mark.parametrize("work", ["bwv66.6", "bwv26.6", "bwv7.7"])
def test_chorales_are_as_another_program_plays_them(work, tmp_path):
    music21 = pytest.importorskip("music21", reason="not run: music21 is not installed")
    music21.corpus.parse(work).expandRepeats().write("midi", str(tmp_path / "a.mid"))
    theirs = midi.read_midi(tmp_path / "a.mid")
    ours = read_musicxml(music21.corpus.getWork(work))
    assert ours.sources == theirs.sources

    def rounded(score):
        return sorted((n.source, n.midi, round(n.onset_s, 2), round(n.offset_s, 2)) for n in score.notes)

    assert rounded(ours) == rounded(theirs)


@pytest.mark.parametrize(
    ("text", "says"),
    [("no XML at all", "could not be read as MusicXML"), ("<a><b/></a>", "could not be read as MusicXML|no notes"),
     (document([[rest(2)]]), "holds no notes"), ("", "could not be read as MusicXML")],
)  # fmt: skip
def test_bad_files_are_refused_in_words(text, says, tmp_path):
    path = tmp_path / "bad.musicxml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=says):
        read_musicxml(path)


def test_repeats_that_do_not_fit_are_refused(read):
    from_nowhere = (
        '<direction><direction-type><words>D.S. al Coda</words></direction-type><sound dalsegno="x"/></direction>'
    )
    with pytest.raises(ValueError, match=r"repeats of .* write them out"):
        read([[note("A", 4, 2), note("B", 4, 2) + from_nowhere]])


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_musicxml(tmp_path / "none.musicxml")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        read_musicxml(tmp_path)


def test_music21_is_not_needed(tmp_path):
    (tmp_path / "a.musicxml").write_text(document([[note("A", 4, 2)]]), encoding="utf-8")
    code = (
        "import sys; sys.modules['music21'] = None; from mss_lab.score.files import read_score; "
        "print(read_score(sys.argv[1]).sources)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.musicxml")], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "('Part 1',)"
