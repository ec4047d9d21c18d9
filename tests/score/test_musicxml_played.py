"""Scores are read as written and played: right values for files that readers of MusicXML often get wrong.

Every page is written here. Tempo is 60 quarters a minute, so that seconds are quarters.
"""

import re
import tracemalloc
import zipfile
from fractions import Fraction

import numpy as np
import pytest

from mss_lab.datasets import repertoire
from mss_lab.refusals import RefusedValue
from mss_lab.score import musicxml_file
from mss_lab.score.files import read_score
from mss_lab.score.musicxml import read_musicxml, read_musicxml_in_full
from mss_lab.score.reading import ScoreWarning
from tests.score.musicxml_pages import BACKWARD, FORWARD, document, ending, note, rest, sound, tempo, words
from tests.score.plain import plain_notes


@pytest.fixture
def read(tmp_path):
    def read(parts, **options):
        path = tmp_path / "score.musicxml"
        head = [[tempo(60) + bars[0], *bars[1:]] for bars in parts]
        path.write_text(document(head, **options), encoding="utf-8")
        return read_musicxml_in_full(path)

    return read


def chord(*args, **options):
    return note(*args, before="<chord/>", **options)


def voice(text, number):
    return text.replace("</duration>", f"</duration><voice>{number}</voice>")


BACK = "<backup><duration>{}</duration></backup>"
C, E, F = ("C", 4), ("E", 4), ("F", 4)


@pytest.mark.parametrize(
    ("bar", "right"),
    [
        (note(*C, tie="start") + chord(*E) + note(*C, tie="stop"), [(60, 0, 2), (64, 0, 1)]),
        (note(*C, tie="start") + note(*C, tie="stop") + chord(*E), [(60, 0, 2), (64, 1, 2)]),
        (note(*C, tie="start") + chord(*E) + note(*C, tie="stop") + chord(*F),
         [(60, 0, 2), (64, 0, 1), (65, 1, 2)]),
        # The chord's own order on the page does not matter.
        (note(*E) + chord(*C, tie="start") + note(*F) + chord(*C, tie="stop"), [(60, 0, 2), (64, 0, 1), (65, 1, 2)]),
        # Several at once, one of them going on.
        (note(*C, tie="start") + chord(*E, tie="start") + note(*C, 0.5, tie="stop start") + chord(*E, 0.5, tie="stop")
         + note(*C, 0.5, tie="stop"), [(60, 0, 2), (64, 0, 1.5)]),
        # Between two voices of a staff.
        (voice(note(*C, tie="start"), 1) + BACK.format(4) + "<forward><duration>4</duration></forward>"
         + voice(note(*C, tie="stop"), 2), [(60, 0, 2)]),
        # Two spellings of one pitch.
        (note("C", 4, alter=1, tie="start") + note("D", 4, alter=-1, tie="stop"), [(61, 0, 2)]),
        # One mark is missing, or a rest lies between: both notes sound.
        (note(*C, tie="start") + note(*C), [(60, 0, 1), (60, 1, 2)]),
        (note(*C) + note(*C, tie="stop"), [(60, 0, 1), (60, 1, 2)]),
        (note(*C, 0.5, tie="start") + rest(0.5) + note(*C, tie="stop"), [(60, 0, 0.5), (60, 1, 2)]),
        # Another pitch comes after: nothing is tied.
        (note(*C, tie="start") + note(*E, tie="stop"), [(60, 0, 1), (64, 1, 2)]),
        # A tie to nowhere does not swallow the next one.
        (note(*C, 0.5, tie="start") + note(*C, 0.5) + note(*C, 0.5, tie="start") + note(*C, 0.5, tie="stop"),
         [(60, 0, 0.5), (60, 0.5, 1), (60, 1, 2)]),
    ],
)  # fmt: skip
def test_ties_are_joined_note_by_note(read, bar, right):
    assert plain_notes(read([[bar]])) == right


def test_two_unisons_are_tied_each_in_its_voice(read):
    # Both voices hold the same pitch; only the second goes on being tied.
    first = voice(note(*C, tie="start"), 1) + voice(note(*C, 1, tie="stop"), 1)
    second = voice(note(*C, tie="start"), 2) + voice(note(*C, 1, tie="stop start"), 2)
    reading = read([[first + BACK.format(8) + second, voice(note(*C, 2, tie="stop"), 2)]])
    assert sorted(plain_notes(reading)) == [(60, 0, 2), (60, 0, 4)]


def test_ties_over_bars_repeats_and_jumps(read):
    # Into the second ending, whose first note carries the end of a tie that began before the first ending.
    bars = [
        note(*C, 2, tie="start"),
        ending(1, "start") + note(*C, 2, tie="stop") + ending(1, "stop") + BACKWARD,
        ending(2, "start") + note(*C, 2, tie="stop") + ending(2, "discontinue"),
    ]
    assert plain_notes(read([bars])) == [(60, 0, 4), (60, 4, 8)]
    # Over a repeat sign to a note without the mark: both sound.
    assert plain_notes(read([[note(*C, 2, tie="start") + BACKWARD]])) == [(60, 0, 2), (60, 2, 4)]
    # Da capo, to a note that carries the mark of another tie.
    bars = [note(*C, 2, tie="stop") + sound(fine="yes"), note(*C, 2, tie="start") + sound(dacapo="yes")]
    assert plain_notes(read([bars])) == [(60, 0, 2), (60, 2, 6)]


def test_ties_hold_where_triplets_are_rounded(read):
    # Three notes of 85 in a quarter of 256: the tied note ends a 256th before the next bar.
    triplet = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>85</duration>{}</note>"
    divisions = "<attributes><divisions>256</divisions></attributes>"
    bar = divisions + triplet.format("") * 2 + triplet.format('<tie type="start"/>')
    other = "<backup><duration>255</duration></backup><note><rest/><duration>256</duration></note>"
    after = note(*C, 1, tie="stop").replace("<duration>4<", "<duration>256<")
    third, end = Fraction(85, 256), 2
    expected = [(60, 0, third), (60, third, 2 * third), (60, 2 * third, end)]
    assert np.allclose(plain_notes(read([[bar + other, after]])), np.array(expected, float))


def test_chord_members_have_their_own_length(read):
    assert plain_notes(read([[note(*C, 2) + chord(*E, 1)]])) == [(60, 0, 2), (64, 0, 1)]
    # The first member alone moves time on.
    reading = read([[note(*C, 1) + chord(*E, 0.5) + note(*F)]])
    assert plain_notes(reading) == [(60, 0, 1), (64, 0, 0.5), (65, 1, 2)]


def played(reading):
    return "".join(reading.measures)


def strain(letter, *signs):
    """A bar of one half note."""
    return (
        "".join(sign for sign in signs if 'location="left"' in sign)
        + note(letter, 4, 2)
        + "".join(sign for sign in signs if 'location="left"' not in sign)
    )


def bracket(letter, number, *signs, kind="stop"):
    return strain(letter, ending(number, "start"), *signs, ending(number, kind))


@pytest.mark.parametrize(
    ("bars", "order"),
    [
        ([strain("C"), strain("D", BACKWARD), strain("E"), strain("F", BACKWARD)], "12123434"),
        ([strain("C", BACKWARD), strain("D", BACKWARD), strain("E", BACKWARD), strain("F")], "1122334"),
        ([strain("C"), strain("D", FORWARD), strain("E", BACKWARD), strain("F", BACKWARD)], "1232344"),
        # With endings, the next strain begins behind the last of them.
        ([strain("C"), bracket("D", 1, BACKWARD), bracket("E", 2), strain("F"), strain("G", BACKWARD)], "12134545"),
        ([strain("C"), bracket("D", 1, BACKWARD), bracket("E", 2, kind="discontinue"), strain("F"),
          bracket("G", 1, BACKWARD), bracket("A", 2, kind="discontinue")], "12134546"),
        # Endings of several numbers, and how often a strain is played.
        ([strain("C"), bracket("D", "1, 2", BACKWARD), bracket("E", 3)], "1212"  "13"),
        ([strain("C"), bracket("D", "1,3", BACKWARD), bracket("E", "2,4", BACKWARD), strain("F")], "121312134"),
        ([strain("C"), bracket("D", "1-3", BACKWARD), bracket("E", "4")], "12121213"),
        ([strain("C", '<barline location="right"><repeat direction="backward" times="3"/></barline>'), strain("D")],
         "1112"),
        # Endings without numbers, or with numbers that make no sense, are counted in order.
        ([strain("C"), bracket("D", "", BACKWARD), bracket("E", "")], "1213"),
        ([strain("C"), bracket("D", None, BACKWARD), bracket("E", None)], "1213"),
        ([strain("C"), bracket("D", "2", BACKWARD), bracket("E", "2")], "1213"),
        # The start of the first bracket is missing in the file.
        ([strain("C"), strain("D", ending("", "stop"), BACKWARD), bracket("E", 2)], "1213"),
        # A first ending of two bars, whose bracket closes too early.
        ([strain("C"), bracket("D", 1), strain("E", BACKWARD), bracket("F", 2)], "123"  "14"),
        # Only the first ending has a bracket.
        ([strain("C"), bracket("D", 1, BACKWARD), strain("E")], "1213"),
        # The last ending has a repeat sign too: the strain is over all the same.
        ([strain("C"), bracket("D", 1, BACKWARD), bracket("E", 2, BACKWARD), strain("F")], "12134"),
        # The last ending stands behind a start sign: the next strain begins with it.
        ([strain("C"), bracket("D", 1, BACKWARD), bracket("E", 2, FORWARD), strain("F", BACKWARD)], "1213434"),
        # Signs on the other side of the bar line.
        ([strain("C", '<barline location="right"><repeat direction="forward"/></barline>'), strain("D"),
          strain("E", '<barline location="left"><repeat direction="backward"/></barline>')], "1223"),
    ],
)  # fmt: skip
def test_repeats_are_unrolled(read, bars, order):
    assert played(read([bars])) == order


@pytest.mark.parametrize(
    ("bars", "order"),
    [
        ([strain("C"), strain("D", sound(fine="yes")), strain("E", sound(dacapo="yes"))], "12312"),
        ([strain("C", FORWARD, BACKWARD), strain("D", FORWARD, BACKWARD, sound(fine="yes")),
          strain("E", FORWARD, BACKWARD), strain("F", BACKWARD, words("Menuetto D.C."), sound(dacapo="yes"))],
         "1122334412"),
        ([strain("C", BACKWARD), strain("D", words("Fine")), strain("E", BACKWARD, words("Menuetto D.C."))],
         "112323" "12"),
        ([strain("C"), strain("D", sound(segno="s")), strain("E", sound(fine="yes")),
          strain("F", sound(dalsegno="s"))], "123423"),
        ([strain("C", words("<b/>")), strain("D", sound(tocoda="c")), strain("E", sound(dacapo="yes")),
          strain("F", sound(coda="c")), strain("G")], "1231245"),
        ([strain("C"), strain("D", words("To Coda")), strain("E", words("D.C. al Coda")), strain("F", words("Coda")),
          strain("G")], "1231245"),
        # After the da capo, only the last ending is played; what comes new in the coda is repeated.
        ([strain("C"), bracket("D", 1, BACKWARD), bracket("E", 2, sound(tocoda="c")), strain("F", sound(dacapo="yes")),
          strain("G", sound(coda="c"), BACKWARD)], "12134" "13" "55"),
        # A dal segno in the first ending leads to the second.
        ([strain("C", sound(segno="s")), bracket("D", 1, sound(dalsegno="s")), bracket("E", 2)], "1213"),
        # A repeat that says so is played again.
        ([strain("C", '<barline location="right"><repeat direction="backward" after-jump="yes"/></barline>',
                 sound(fine="yes")), strain("D", sound(dacapo="yes"))], "11" "2" "11"),
        # Without a fine, a minuet ends before its trio.
        ([strain("C", BACKWARD), words("Trio") + strain("D", BACKWARD), strain("E", words("Menuetto da Capo"))],
         "11223" "1"),
        # "No" is no.
        ([strain("C"), strain("D", sound(dacapo="no"))], "12"),
        # Fine and a way to the coda mean nothing before the jump.
        ([strain("C", sound(fine="yes")), strain("D", sound(tocoda="c")), strain("E", sound(coda="c"))], "123"),
    ],
)  # fmt: skip
def test_jumps_are_made_once_and_without_repeats(read, bars, order):
    assert played(read([bars])) == order


def test_words_that_say_more_are_not_half_obeyed(read):
    said = "Da Capo ma senza replicarlo, poi segue la Coda all'altra parte."
    reading = read([[strain("C"), strain("D", words(said)), strain("E")]])
    assert played(reading) == "123"
    assert any("Da Capo ma senza replicarlo" in warning for warning in reading.warnings)


def test_a_da_capo_does_not_end_a_file_of_several_movements(read):
    movement = [strain("C", sound(fine="yes")), strain("D", sound(dacapo="yes"))]
    assert len(read([[*movement, *[strain("E")] * 8]]).measures) == 3
    reading = read([[*movement, *[strain("E")] * 9]])
    assert len(reading.measures) == 11
    assert any("several movements" in warning for warning in reading.warnings)


def test_signs_of_one_part_hold_for_all(read):
    reading = read([[strain("C"), strain("D")], [strain("C"), strain("D", BACKWARD)]])
    assert plain_notes(reading, "Part 1") == [(60, 0, 2), (62, 2, 4), (60, 4, 6), (62, 6, 8)]


def test_notes_of_one_round_are_played_in_that_round(read):
    only = note("D", 4, 2).replace("<note>", '<note time-only="2">')
    assert [midi for midi, *_ in plain_notes(read([[note("C", 4, 2) + BACK.format(8) + only + BACKWARD]]))] == [
        60,
        60,
        62,
    ]


def middle(direction, more=""):
    return f'<barline location="middle"><repeat direction="{direction}"{more}/></barline>'


def test_a_repeat_sign_inside_a_measure_holds_there(read):
    # An upbeat of one quarter before each strain: C | D E :| F | G, with a start sign at the beginning.
    bars = [FORWARD + note("C", 4), note("D", 4) + middle("backward") + note("E", 4), note("F", 4, 2)]
    reading = read([bars, [note("C", 3), note("D", 3, 2), note("F", 3, 2)]], names=["a", "b"])
    assert plain_notes(reading, "a") == [(60, 0, 1), (62, 1, 2), (60, 2, 3), (62, 3, 4), (64, 4, 5), (65, 5, 7)]
    # A note over the sign ends with the repeat, and goes on the second time.
    assert plain_notes(reading, "b") == [(48, 0, 1), (50, 1, 2), (48, 2, 3), (50, 3, 5), (53, 5, 7)]
    assert reading.measures == ("1", "2", "1", "2", "2", "3") and reading.warnings == ()
    # As often as it says; and from a start sign inside a measure.
    bars = [note("C", 4) + middle("forward") + note("D", 4), note("E", 4) + middle("backward", ' times="3"') + rest()]
    assert [midi for midi, *_ in plain_notes(read([bars]))] == [60, 62, 64, 62, 64, 62, 64]
    # Both, one after the other, in one measure; a tempo mark stays where it stands.
    bars = [note("C", 4) + middle("backward") + note("D", 4, 0.5) + tempo(120) + note("F", 4, 0.5), note("E", 4, 2)]
    assert plain_notes(read([bars])) == [(60, 0, 1), (60, 1, 2), (62, 2, 2.5), (65, 2.5, 2.75), (64, 2.75, 3.75)]


METRONOME = (
    "<direction><direction-type><metronome><beat-unit>{}</beat-unit><per-minute>{}</per-minute></metronome>"
    "</direction-type>{}</direction>"
)


@pytest.mark.parametrize(
    ("mark", "seconds"),
    [
        (METRONOME.format("quarter", "c. 60", sound(tempo=60)), 2),
        (METRONOME.format("quarter", "60", sound(tempo=120)), 1),
        (sound(tempo=120) + METRONOME.format("quarter", "60", ""), 1),
        (METRONOME.format("quarter", "60", "") + sound(tempo=120), 1),
        (METRONOME.format("quarter", "c. 30", ""), 4),
        (METRONOME.format("half", "60", ""), 1),
        (METRONOME.format("half", "40", "").replace("</beat-unit>", "</beat-unit><beat-unit-dot/>"),
         1),
        (METRONOME.format("quarter", "50-70", ""), 2),
        (METRONOME.format("quarter", "fast", sound(tempo=0)), 1),
    ],
)  # fmt: skip
def test_what_sound_says_is_the_tempo(tmp_path, mark, seconds):
    (tmp_path / "a.xml").write_text(document([[mark + note("C", 4, 2)]]), encoding="utf-8")
    reading = read_musicxml_in_full(tmp_path / "a.xml")
    assert plain_notes(reading) == [(60, 0, seconds)]
    assert reading.tempos == ((0, 120 / seconds),)


def test_tempi_are_listed_as_they_are_played(read):
    reading = read([[note("C", 4, 2), tempo(120) + note("D", 4, 2) + BACKWARD]])
    assert plain_notes(reading) == [(60, 0, 2), (62, 2, 3), (60, 3, 5), (62, 5, 6)]
    assert reading.tempos == ((0, 60), (2, 120), (3, 60), (5, 120))


def test_quarter_tones_are_kept_and_cue_notes_are_silent(read):
    assert plain_notes(read([[note("C", 4, 2, alter=0.5)]])) == [(60.5, 0, 2)]
    # A cue takes its time all the same.
    assert plain_notes(read([[note("D", 4, before="<cue/>") + note("C", 4)]])) == [(60, 1, 2)]


def style(text):
    return f"<attributes><measure-style>{text}</measure-style></attributes>"


START, STOP = '<measure-repeat type="start">{}</measure-repeat>', '<measure-repeat type="stop"/>'


def test_measure_repeats_are_written_out(read):
    whole = rest(2)
    bars = [note("C", 4) + note("D", 4), style(START.format(1)) + whole, whole, style(STOP) + whole, note("E", 4, 2)]
    assert [(m, on) for m, on, _ in plain_notes(read([bars]))] == [
        (60, 0), (62, 1), (60, 2), (62, 3), (60, 4), (62, 5), (64, 8)
    ]  # fmt: skip
    # Of two bars, with the end of the sign missing: notes of its own end it.
    bars = [note("C", 4, 2), note("D", 4, 2), style(START.format(2)) + whole, whole, note("E", 4, 2), whole]
    assert [(m, on) for m, on, _ in plain_notes(read([bars]))] == [(60, 0), (62, 2), (60, 4), (62, 6), (64, 8)]
    # For one staff of two.
    both = note("C", 5, 2, staff="1") + BACK.format(8) + note("C", 3, 2, staff="2")
    sign = '<attributes><measure-style number="2">' + START.format(1) + "</measure-style></attributes>"
    reading = read([[both, sign + note("D", 5, 2, staff="1")]], attributes="<staves>2</staves>")
    assert plain_notes(reading) == [(48, 0, 2), (72, 0, 2), (48, 2, 4), (74, 2, 4)]


def test_rests_beyond_the_time_signature_keep_nobody_waiting(read):
    reading = read([[note("C", 4, 2), note("D", 4, 2)], [rest(2) + rest(2), note("E", 4, 2)]])
    assert plain_notes(reading) == [(60, 0, 2), (62, 2, 4), (64, 2, 4)]
    (warning,) = reading.warnings
    assert "Part 2" in warning and "measure 1" in warning and "rests" in warning


def test_notes_beyond_the_time_signature_keep_all_parts_together(read):
    reading = read([[note("C", 4, 2), note("D", 4, 2)], [note("E", 4, 3), note("F", 4, 2)]])
    assert plain_notes(reading) == [(60, 0, 2), (64, 0, 3), (62, 3, 5), (65, 3, 5)]
    assert any("Part 2" in warning and "wait" in warning for warning in reading.warnings)
    # A cadenza, for which the others have a whole rest.
    reading = read([[note("C", 4, 8), note("D", 4, 2)], [rest(2), note("F", 4, 2)]])
    assert plain_notes(reading, "Part 2") == [(65, 8, 10)]


def test_bars_within_their_time_signature_are_not_warned_of(read):
    upbeat = [note("C", 4, 1), note("D", 4, 2)]
    assert read([upbeat, upbeat]).warnings == ()


LISTED = '<score-part id="P1"><part-name>{}</part-name>{}</score-part>'
INSTRUMENT = '<score-instrument id="I"><instrument-name>{}</instrument-name></score-instrument>'
MIDI = '<midi-instrument id="I"><midi-channel>{}</midi-channel><midi-program>{}</midi-program></midi-instrument>'


@pytest.mark.parametrize(
    ("name", "more", "source", "is_unnamed"),
    [
        ("Violin II", "<part-abbreviation>Vln.</part-abbreviation>", "Violin II", False),
        ("", "<part-abbreviation>Vln.</part-abbreviation>" + INSTRUMENT.format("Sampler"), "violin", False),
        ("", "<part-abbreviation>X.</part-abbreviation>" + INSTRUMENT.format("Gamba"), "Gamba", False),
        ("", INSTRUMENT.format("") + MIDI.format(1, 41), "violin", True),
        ("", INSTRUMENT.format("") + MIDI.format(10, 1), "drums", True),
        ("MusicXML Part", "", "part 1", True),
        ("Violin\n2", "", "Violin 2", False),
    ],
)  # fmt: skip
def test_a_part_is_called_what_the_file_calls_it(tmp_path, name, more, source, is_unnamed):
    text = document([[note("C", 4, 2)]]).replace(LISTED.format("Part 1", ""), LISTED.format(name, more))
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    reading = read_musicxml_in_full(tmp_path / "a.xml")
    assert reading.score.sources == (source,)
    assert reading.unnamed == (frozenset({source}) if is_unnamed else frozenset())


def test_files_that_list_measures_first_hold_the_same(tmp_path):
    parts = [[note("C", 4, 2), note("D", 4, 2)], [note("E", 3, 2), note("F", 3, 2)]]
    text = document(parts)
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    bars = {
        part: re.findall(r'<measure number="\d">(.*?)</measure>', body)
        for part, body in re.findall(r'<part id="(P\d)">(.*?)</part>', text)
    }
    measures = "".join(
        f'<measure number="{i + 1}">' + "".join(f'<part id="{part}">{bar[i]}</part>' for part, bar in bars.items())
        + "</measure>"
        for i in range(2)
    )  # fmt: skip
    head = text[: text.index('<part id="P1">')].replace("score-partwise", "score-timewise")
    (tmp_path / "b.xml").write_text(f"{head}{measures}</score-timewise>", encoding="utf-8")
    assert read_musicxml_in_full(tmp_path / "b.xml") == read_musicxml_in_full(tmp_path / "a.xml")


def test_warnings_are_passed_on(tmp_path):
    (tmp_path / "a.xml").write_text(document([[note("C", 4, 2)], [rest(4)]]), encoding="utf-8")
    for reader in (read_musicxml, read_score):
        with pytest.warns(ScoreWarning, match="time signature"):
            reader(tmp_path / "a.xml")


def archive(path, text, name="a.musicxml"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, text)


def test_what_unpacks_to_more_than_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(musicxml_file, "MOST_MEGABYTES", 1)
    path = tmp_path / "a.mxl"
    archive(path, document([[note("C", 4, 2)]]) + " " * 30_000_000)
    tracemalloc.start()
    with pytest.raises(RefusedValue, match="more than 1 MB"):
        read_musicxml(path)
    # The archive understates its size: reading stops at the limit, or at the wrong checksum.
    size = len(document([[note("C", 4, 2)]])) + 30_000_000
    data = path.read_bytes()
    path.write_bytes(data.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(RefusedValue):
        read_musicxml(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
    (tmp_path / "b.xml").write_text(document([[note("C", 4, 2)]]) + " " * 2_000_000, encoding="utf-8")
    with pytest.raises(RefusedValue, match="more than 1 MB"):
        read_musicxml(tmp_path / "b.xml")


def test_more_tags_than_memory_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(musicxml_file, "MOST_MARKS", 100)
    (tmp_path / "a.xml").write_text(document([[note("C", 4, 2)] * 9]), encoding="utf-8")
    with pytest.raises(RefusedValue, match="tags"):
        read_musicxml(tmp_path / "a.xml")


@pytest.mark.parametrize(
    "entities",
    ['<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">', '<!ENTITY % a "b">',
     '<!ENTITY a SYSTEM "file:///etc/passwd">'],
)  # fmt: skip
def test_entities_are_refused(tmp_path, entities):
    text = document([[note("C", 4, 2)]], names=["Violin"])
    text = text.replace("<score-partwise", f"<!DOCTYPE score-partwise [{entities}]><score-partwise", 1)
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    archive(tmp_path / "a.mxl", text)
    for path in (tmp_path / "a.xml", tmp_path / "a.mxl"):
        with pytest.raises(RefusedValue, match="entity"):
            read_musicxml(path)


def test_the_usual_document_type_is_read(tmp_path):
    kind = (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">'
    )
    text = document([[note("C", 4, 2)]]).replace("<score-partwise", kind + "<score-partwise", 1)
    (tmp_path / "a.xml").write_text(text, encoding="utf-16")
    (tmp_path / "a.xml").write_bytes(text.replace("UTF-8", "UTF-16").encode("utf-16"))
    assert plain_notes(read_musicxml_in_full(tmp_path / "a.xml")) == [(60, 0, 1)]


TOO_OFTEN = '<barline location="right"><repeat direction="backward" times="999999999"/></barline>'


@pytest.mark.parametrize(
    ("bar", "says"),
    [
        (note("C", 4, 2) + TOO_OFTEN, "repeats of .* write them out"),
        (note("C", 4, 2).replace(">8<", ">1e999999999<"), "could not be read as MusicXML"),
        (note("C", 4, 2).replace(">8<", ">-8<"), "measure 1 of part P1"),
        (note("C", 4, 2).replace(">8<", ">nan<"), "could not be read as MusicXML"),
        (note("C", 99, 2), "holds no notes that are played"),
    ],
)
def test_values_without_meaning_are_refused(tmp_path, bar, says):
    (tmp_path / "a.xml").write_text(document([[bar]]), encoding="utf-8")
    with pytest.raises(RefusedValue, match=says):
        read_musicxml(tmp_path / "a.xml")


def test_damaged_archives_are_refused(tmp_path):
    path = tmp_path / "a.mxl"
    archive(path, document([[note("C", 4, 2)]]))
    data = path.read_bytes()
    for damaged in (data[: len(data) // 2], data[:40] + bytes(40) + data[80:]):
        path.write_bytes(damaged)
        with pytest.raises(RefusedValue, match="could not be read as MusicXML"):
            read_musicxml(path)
    archive(path, "no score", name="a.txt")
    with pytest.raises(RefusedValue, match="no XML file"):
        read_musicxml(path)


@pytest.mark.parametrize(
    "movement, measures",
    [
        # Repeat signs without start signs; endings numbered "" in the file.
        ("mozart/k156/movement2", 74),
        ("mozart/k458/movement2", 122),
        ("haydn/opus74no1/movement3", 208),
    ],
)
def test_movements_of_the_corpus_have_as_many_measures_as_are_played(movement, measures):
    path = repertoire._corpus() / f"{movement}.mxl"
    assert len(read_musicxml_in_full(path).measures) == measures
