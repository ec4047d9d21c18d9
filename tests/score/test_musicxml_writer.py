"""Scores written as MusicXML and MIDI are read back with the same notes, for generated scores of many kinds."""

import collections
import itertools
import xml.etree.ElementTree as ET

import hypothesis
import pytest
from hypothesis import strategies

from mss_lab.refusals import RefusedValue
from mss_lab.score.midi import TICK_S, read_midi, write_midi
from mss_lab.score.musicxml import read_musicxml, read_musicxml_in_full
from mss_lab.score.musicxml_writer import TICKS_PER_QUARTER, write_musicxml
from mss_lab.score.notes import Note, Score
from tests.score import musicxml_oracle

# Half a tick at 120 quarters a minute, and what floats lose.
WITHIN_S = 0.5 * 60 / 120 / TICKS_PER_QUARTER + 1e-9


def times(most=40.0):
    """Seconds, among them places on a bar line, and notes that touch or coincide."""
    return strategies.one_of(
        strategies.floats(0, most, allow_nan=False), strategies.integers(0, 4 * int(most)).map(lambda n: n / 4)
    )


def note_lists(pitches):
    one = strategies.tuples(strategies.sampled_from(["Violin", "Violin 2", "Ünter <&> \"x\""]), pitches, times(),
                            strategies.floats(0.01, 12), strategies.integers(1, 127))  # fmt: skip
    return strategies.lists(one, min_size=1, max_size=25).map(
        lambda rows: [Note(source, midi, on, on + length, velocity) for source, midi, on, length, velocity in rows]
    )


def scores(pitches):
    sources = ("Violin", "silent", "Violin 2", 'Ünter <&> "x"')
    return note_lists(pitches).map(lambda notes: Score(tuple(notes), sources))


MARKS = strategies.lists(strategies.tuples(times(), strategies.floats(20, 300)), max_size=6).map(
    lambda marks: sorted(dict(marks).items())
)


def assert_same(again, score, within_s):
    """The same notes, one for one; silent sources are left out by the readers."""
    assert again.sources == tuple(source for source in score.sources if score.notes_of(source))
    for source in again.sources:
        assert_same_notes([(n.midi, n.onset_s, n.offset_s) for n in again.notes_of(source)],
                          [(n.midi, n.onset_s, n.offset_s) for n in score.notes_of(source)], within_s)  # fmt: skip


def assert_same_notes(ours, theirs, within_s):
    """Every note of one has a note of its own in the other, of its pitch, and with its times."""
    assert len(ours) == len(theirs)
    left = sorted(theirs, key=lambda note: note[1:])
    for midi, onset_s, offset_s in sorted(ours, key=lambda note: note[1:]):
        found = next(
            (
                note
                for note in left
                if abs(note[0] - midi) < 1e-5
                and abs(note[1] - onset_s) <= within_s
                and abs(note[2] - offset_s) <= within_s
            ),
            None,
        )
        assert found is not None, (midi, onset_s, offset_s)
        left.remove(found)


@hypothesis.given(score=scores(strategies.integers(0, 127)), tempos=MARKS)
@hypothesis.settings(max_examples=60, deadline=None,
                     suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])  # fmt: skip
def test_what_is_written_is_read_back(tmp_path, score, tempos):
    path = tmp_path / "a.musicxml"
    write_musicxml(path, score, tempos=tempos)
    slowest = min([120, *(tempo for _, tempo in tempos)])
    assert_same(read_musicxml(path), score, WITHIN_S * 120 / slowest)


@hypothesis.given(score=scores(strategies.integers(0, 127)))
@hypothesis.settings(max_examples=40, deadline=None,
                     suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])  # fmt: skip
def test_the_independent_reader_reads_the_same(tmp_path, score):
    path = tmp_path / "a.musicxml"
    write_musicxml(path, score)
    played, _, _ = musicxml_oracle.play(path)
    for source, notes in zip(score.sources, played, strict=True):
        assert_same_notes(notes, [(n.midi, n.onset_s, n.offset_s) for n in score.notes_of(source)], WITHIN_S)


def as_midi_can_say(notes):
    """Notes of one pitch that overlap end in the order in which they start, and last at least a tick."""
    said = []
    for midi, together in itertools.groupby(sorted(notes, key=lambda n: (n.midi, n.onset_s)), key=lambda n: n.midi):
        together = list(together)
        ends = sorted(max(note.offset_s, note.onset_s + TICK_S) for note in together)
        said += [(midi, note.onset_s, end) for note, end in zip(together, ends, strict=True)]
    return said


@pytest.mark.filterwarnings("ignore:The track .* has no note")
@hypothesis.given(score=scores(strategies.integers(0, 127)))
@hypothesis.settings(max_examples=40, deadline=None,
                     suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])  # fmt: skip
def test_midi_says_the_same_within_a_tick(tmp_path, score):
    write_midi(tmp_path / "a.mid", score)
    again = read_midi(tmp_path / "a.mid")
    assert again.sources == tuple(source for source in score.sources if score.notes_of(source))
    for source in again.sources:
        ours = [(n.midi, n.onset_s, n.offset_s) for n in again.notes_of(source)]
        assert_same_notes(ours, as_midi_can_say(score.notes_of(source)), TICK_S)


def write_and_read(tmp_path, notes, **options):
    sources = options.pop("sources", ())
    unpitched = options.pop("unpitched", frozenset())
    write_musicxml(tmp_path / "a.musicxml", Score(tuple(notes), sources, unpitched), **options)
    return read_musicxml_in_full(tmp_path / "a.musicxml")


def test_three_hundred_keys_and_one_note(tmp_path):
    keys = [(source, midi) for source in ("a", "b", "c", "d") for midi in range(30, 105)]
    notes = [Note(source, midi, 0.01 * place, 0.01 * place + 2.5) for place, (source, midi) in enumerate(keys)]
    assert len(notes) == 300
    reading = write_and_read(tmp_path, notes)
    assert_same(reading.score, Score(tuple(notes)), WITHIN_S)
    reading = write_and_read(tmp_path, [Note("flute", 60, 0, 0.5)])
    assert reading.score == Score((Note("flute", 60, 0, 0.5),))
    assert reading.measures == ("1",) and reading.tempos == ((0, 120),)


def test_cents_and_tempo_are_kept(tmp_path):
    notes = [Note("violin", 60.5, 0, 1), Note("violin", 61.123456, 0, 1), Note("violin", 126.9, 1, 30)]
    reading = write_and_read(tmp_path, notes, tempos=[(0, 90), (10, 61.5)], programs={"violin": 40})
    assert [note.midi for note in reading.score.notes] == pytest.approx([60.5, 61.123456, 126.9], abs=1e-6)
    assert reading.tempos == ((0, 90), (pytest.approx(10, abs=1e-4), 61.5))
    assert reading.warnings == ()


def test_the_roundings_of_many_tempo_marks_do_not_add_up(tmp_path):
    marks = [(0.0531 * place, 60 + 37.3 * place % 90) for place in range(800)]
    notes = [Note("a", 60, 0.097 * place, 0.097 * place + 0.05) for place in range(400)]
    assert_same(write_and_read(tmp_path, notes, tempos=marks).score, Score(tuple(notes)), 2 * WITHIN_S)


def test_drums_stay_unpitched_and_move_by_a_key_at_most(tmp_path):
    notes = [Note("kit", midi, 0.5 * place, 0.5 * place + 0.25) for place, midi in enumerate((35, 36, 38, 42, 49))]
    reading = write_and_read(tmp_path, notes, unpitched=frozenset({"kit"}))
    assert reading.score.unpitched == {"kit"}
    for one, other in zip(reading.score.notes, notes, strict=True):
        assert abs(one.midi - other.midi) <= 1 and one.onset_s == other.onset_s


def test_bars_hold_what_their_signature_allows(tmp_path):
    notes = [Note("a", 60, 0.3, 9.7), Note("a", 60, 1.1, 8.9), Note("a", 64, 2.0, 4.0), Note("b", 50, 3.0, 3.1)]
    write_and_read(tmp_path, notes, sources=("a", "b", "empty"))
    root = ET.parse(tmp_path / "a.musicxml").getroot()
    counts = {len(part.findall("measure")) for part in root.findall("part")}
    assert counts == {5} and len(root.findall("part")) == 3
    for measure in root.iter("measure"):
        now = furthest = 0
        for element in measure:
            if element.find("duration") is not None and element.find("chord") is None:
                now += int(element.findtext("duration")) * (-1 if element.tag == "backup" else 1)
                furthest = max(furthest, now)
        assert now >= 0 and furthest == 4 * TICKS_PER_QUARTER
    # Every tie that starts ends, in the same voice.
    for voice, ties in itertools.groupby(
        sorted((note.findtext("voice"), tie.get("type")) for note in root.iter("note") for tie in note.findall("tie")),
        key=lambda tie: tie[0],
    ):
        kinds = collections.Counter(kind for _, kind in ties)
        assert kinds["start"] == kinds["stop"] > 0, voice


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(RefusedValue, match="at most 50000 bars"):
        write_and_read(tmp_path, [Note("a", 60, 0, 1), Note("a", 60, 150_000, 150_001)])
    with pytest.raises(RefusedValue, match="source of programs"):
        write_and_read(tmp_path, [Note("a", 60, 0, 1)], programs={"b": 1})
    with pytest.raises(RefusedValue, match="at most 127"):
        write_and_read(tmp_path, [Note("a", 60, 0, 1)], programs={"a": 128})
    assert list(tmp_path.iterdir()) == []
    write_and_read(tmp_path, [Note("a", 60, 0, 1)])
    with pytest.raises(FileExistsError):
        write_and_read(tmp_path, [Note("a", 60, 0, 1)], force=False)
