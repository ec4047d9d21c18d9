"""What stands on the page, in exact beats: against a page written by hand, and against music21's reading."""

import zipfile
from fractions import Fraction

import pytest

from mss_lab.datasets.repertoire import _corpus
from mss_lab.datasets.scores.notation import Written
from mss_lab.datasets.scores.partwise import read_parts


def note(pitch, duration, *, inside="", before=""):
    step, alter, octave = pitch[0], {"#": 1, "b": -1}.get(pitch[1:-1], 0), pitch[-1]
    name = f"<pitch><step>{step}</step><alter>{alter}</alter><octave>{octave}</octave></pitch>"
    length = f"<duration>{duration}</duration>" if duration else ""
    return f"<note>{before}{name}{length}{inside}</note>"


TIE = '<tie type="start"/>'
TIED = '<tie type="stop"/>'
HOLD = "<notations><fermata/></notations>"
DIVISIONS = "<attributes><divisions>6</divisions></attributes>"
REST = "<note><rest/><duration>{}</duration></note>"

PAGE = f"""<?xml version="1.0"?>
<score-partwise><part-list>
<score-part id="P1"><part-name>Flute</part-name></score-part>
<score-part id="P2"><part-name>Horn in F</part-name></score-part>
</part-list>
<part id="P1">
<measure number="0">{DIVISIONS}{note("G4", 6)}</measure>
<measure number="1">
{note("C5", 12)}{note("E5", 12, before="<chord/>")}
{note("B4", 0, before="<grace/>")}{note("F#5", 4)}{note("A4", 3, before="<cue/>")}
<backup><duration>3</duration></backup>
{note("Bb4", 2)}{note("C5", 6, inside=TIE)}
<backup><duration>24</duration></backup><forward><duration>6</duration></forward>{note("C4", 6)}
</measure>
<measure number="2">{note("C5", 12, inside=TIED + TIE + HOLD)}</measure>
<measure number="3"><attributes><divisions>1</divisions></attributes>{note("C5", 4, inside=TIED + HOLD)}</measure>
<measure number="4">{note("C5", 1)}<note><unpitched/><duration>1</duration></note>{note("C5", 1, inside=TIED)}</measure>
</part>
<part id="P2">
<measure number="0"><attributes><divisions>2</divisions><transpose><chromatic>-7</chromatic></transpose></attributes>
{REST.format(2)}</measure>
<measure number="1">{note("C5", 3)}{note("D5", 5)}</measure>
<measure number="2">{note("E5", 8)}</measure>
<measure number="3">
<attributes><transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose></attributes>
{note("C5", 8)}</measure>
</part>
</score-partwise>"""

THIRD = Fraction(1, 3)
FLUTE = (
    Written(67, Fraction(0), Fraction(1)),
    Written(72, Fraction(1), Fraction(2)),
    Written(76, Fraction(1), Fraction(2)),
    Written(60, Fraction(2), Fraction(1)),
    Written(78, Fraction(3), 2 * THIRD),
    Written(70, 3 + 2 * THIRD, THIRD),
    # Tied over the bar line, with a fermata over the second note.
    Written(72, Fraction(4), Fraction(3), True),
    # The horn's bar is longer than the flute's: a tie that meets nothing is a new note.
    Written(72, Fraction(9), Fraction(4), True),
    Written(72, Fraction(13), Fraction(1)),
    Written(72, Fraction(15), Fraction(1)),
)
HORN = (
    Written(65, Fraction(1), Fraction(3, 2)),
    Written(67, Fraction(5, 2), Fraction(5, 2)),
    Written(69, Fraction(5), Fraction(4)),
    Written(60, Fraction(9), Fraction(4)),
)


@pytest.fixture(params=["page.xml", "page.musicxml", "page.mxl"])
def page(request, tmp_path):
    path = tmp_path / request.param
    if path.suffix != ".mxl":
        path.write_text(PAGE)
        return path
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.recordare.musicxml")
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("score.xml", PAGE)
    return path


def test_a_page_is_read_as_it_is_written(page):
    (flute_name, flute), (horn_name, horn) = read_parts(page)
    assert (flute_name, horn_name) == ("Flute", "Horn in F")
    assert horn == HORN
    assert flute == FLUTE


@pytest.mark.parametrize("name", ["bwv269", "bwv10.7", "bwv279"])
def test_music21_reads_the_same(name):
    music21 = pytest.importorskip("music21")
    path = _corpus() / "bach" / f"{name}.mxl"
    parts = list(music21.converter.parse(path, forceSource=True).toSoundingPitch().parts)
    ours = read_parts(path)
    assert len(ours) == len(parts) == 4
    for (part_name, notes), part in zip(ours, parts, strict=True):
        assert part_name == part.partName
        theirs = [
            (element.pitch.midi, Fraction(element.offset), Fraction(element.quarterLength))
            for element in part.stripTies().flatten().notes
        ]
        assert [tuple(written[:3]) for written in notes] == theirs
        fermatas = {
            Fraction(element.offset)
            for element in part.flatten().notes
            if any("Fermata" in mark.classes for mark in element.expressions)
        }
        for written in notes:
            assert written.hold == any(written.beat <= beat < written.beat + written.beats for beat in fermatas)


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("a.xml", b"<score", "could not be read as MusicXML"),
        ("a.mxl", b"PK", "could not be read as MusicXML"),
        ("a.xml", b"<score-timewise/>", "contains no part"),
        ("a.xml", PAGE.replace("<octave>4</octave>", "").encode(), "could not be read as MusicXML"),
        ("a.xml", PAGE.replace('id="P2"', 'id="P3"', 1).encode(), "could not be read as MusicXML"),
        ("a.xml", PAGE.replace("<divisions>6<", "<divisions>0<").encode(), "could not be read as MusicXML"),
        ("a.xml", PAGE.replace("<step>C<", "<step>H<").encode(), "could not be read as MusicXML"),
    ],
)
def test_what_is_no_page_is_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} {words}"):
        read_parts(tmp_path / name)


def test_an_archive_without_a_page_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.mxl", "w") as archive:
        archive.writestr("mimetype", "text")
    with pytest.raises(ValueError, match=r"a\.mxl could not be read as MusicXML"):
        read_parts(tmp_path / "a.mxl")
