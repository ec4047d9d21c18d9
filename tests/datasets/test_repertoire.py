"""Written music is read as it stands, twins are known in any key, and performances say what is to be heard."""

import dataclasses
import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mss_lab.datasets import repertoire
from mss_lab.datasets.repertoire import Work
from mss_lab.datasets.scores.chorales import FLUECHTIG, KINDLEIN
from mss_lab.datasets.scores.notation import Written, read_voices
from mss_lab.score.files import read_csv
from mss_lab.score.midi import write_midi
from mss_lab.score.notes import Note, Score
from tests.paths import ROOT

QUARTET = {"soprano": "violin", "alto": "clarinet", "tenor": "tenor_sax", "bass": "bassoon"}


@pytest.fixture(scope="module")
def chorales():
    pytest.importorskip("music21")
    # One that is well known; two pairs of one content under two numbers; a tune set twice; and others.
    names = ("bwv269", "bwv279", "bwv158.4", "bwv398", "bwv197.7-a", "bwv326", "bwv327", "bwv347", "bwv10.7", "bwv366")
    return {work.name: work for work in repertoire.read_chorales(names)}


def voices(text):
    return Work(text[:8], read_voices({"soprano": text, "bass": "C3w | " * text.count("|") + "C3w"}))


def test_a_chorale_is_read_note_for_note(chorales):
    work = chorales["bwv269"]
    assert list(work.lines) == list(repertoire.VOICES)
    assert [len(line) for line in work.lines.values()] == [46, 60, 59, 60]
    # The tune from its upbeat on, as the hymnal prints it: "Aus meines Herzens Grunde", three quarters a bar.
    tune = [(note.midi, note.beat, note.beats) for note in work.lines["soprano"][:7]]
    quarters = [(67, 0, 1), (67, 1, 2), (74, 3, 1), (71, 4, Fraction(3, 2)), (69, Fraction(11, 2), Fraction(1, 2))]
    assert tune[:5] == quarters


def test_lines_follow_each_other_in_exact_beats(chorales):
    for work in chorales.values():
        for voice, line in work.lines.items():
            assert all(isinstance(value, Fraction) for note in line for value in (note.beat, note.beats))
            for this, following in itertools.pairwise(line):
                assert this.beat + this.beats <= following.beat, (work.name, voice)
            assert line[0].beat >= 0 and all(note.beats > 0 for note in line)
        ends = {line[-1].beat + line[-1].beats for line in work.lines.values()}
        assert ends == {work.beats}, "all voices end together"
        means = [np.mean([note.midi for note in line]) for line in work.lines.values()]
        assert means == sorted(means, reverse=True)


def test_ties_are_joined_and_fermatas_kept(chorales):
    # Its last note is tied over two bars, and the fermata stands over the second.
    last = chorales["bwv10.7"].lines["soprano"][-1]
    assert last == Written(67, Fraction(72), Fraction(16), True)
    holds = [note for note in chorales["bwv269"].lines["soprano"] if note.hold]
    assert len(holds) == 6 and chorales["bwv269"].lines["soprano"][-1].hold


def test_a_score_in_beats_says_what_is_written(chorales):
    score = chorales["bwv269"].score()
    assert score.sources == repertoire.VOICES
    assert [(n.midi, n.onset_s, n.offset_s) for n in score.notes_of("soprano")[:3]] == [
        (67, 0, 1),
        (67, 1, 3),
        (74, 3, 4),
    ]
    assert chorales["bwv269"].score(120).duration_s == pytest.approx(score.duration_s / 2)


@pytest.mark.parametrize("name, words", [("bwv1000", "must be one of"), ("bwv27.6", "must have four voices")])
def test_what_is_no_chorale_is_refused(name, words):
    pytest.importorskip("music21")
    with pytest.raises(ValueError, match=words):
        repertoire.read_chorales([name])


def test_without_music21_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "music21", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'mss-lab\[scores\]'"):
        repertoire.read_chorales(["bwv269"])


def test_twins_in_the_corpus_are_found(chorales):
    found = repertoire.families(chorales.values())
    assert found["bwv279"] == found["bwv158.4"] and found["bwv398"] == found["bwv197.7-a"]
    assert found["bwv326"] == found["bwv327"], "one tune, set twice"
    assert len(set(found.values())) == len(chorales) - 3, "and no others are joined"


def test_a_twin_in_another_key_and_a_little_altered_is_found(chorales):
    work = chorales["bwv269"]
    lines = {voice: tuple(note._replace(midi=note.midi - 3) for note in line) for voice, line in work.lines.items()}
    # A passing note more, as another edition might have it, and the first bar gone.
    first = lines["soprano"][9]
    half = first.beats / 2
    extra = (first._replace(beats=half), first._replace(midi=first.midi + 1, beat=first.beat + half, beats=half))
    lines["soprano"] = lines["soprano"][2:9] + extra + lines["soprano"][10:]
    twin = Work("a twin", lines)
    found = repertoire.families([*chorales.values(), twin])
    assert found["bwv269"] == found["a twin"] == "a twin"
    alone = dataclasses.replace(twin, lines={"oboe": lines["soprano"]})
    assert len(set(repertoire.families([work, alone]).values())) == 1, "one voice is enough"


def test_families_are_chained_and_named_after_their_first():
    one = "C4q D4q E4q F4e G4e | A4q B4e C5e D5q E5q | C4q E4q G4e C5e A4q"
    two = "C4q D4q C4q B3e G3e | E4q B4e C5e D5q E4q | G4q E4e G4e C5q A4q"
    works = [voices(one + " | " + two), voices(one), voices(two), voices("A4q A4q A4q A4q | A4h G4h | F4q E4q D4q C4q")]
    works = [Work(name, work.lines) for name, work in zip("dcba", works, strict=True)]
    for work in works:
        work.lines.pop("bass")
    assert repertoire.families(works) == {"a": "a", "b": "b", "c": "b", "d": "b"}
    assert repertoire.families(reversed(works)) == repertoire.families(works)


def test_works_too_short_for_a_run_stand_alone():
    short = read_voices({"soprano": "C4w"})
    assert repertoire.families([Work("a", short), Work("b", short)]) == {"a": "a", "b": "b"}
    assert repertoire.families([]) == {}


def test_what_is_held_out_takes_its_family_along():
    families = {"bwv256": "bwv114.7", "bwv114.7": "bwv114.7", "bwv178.7": "bwv114.7", "bwv1.6": "bwv1.6"}
    held_out = repertoire.held_out(families)
    assert "bwv178.7" in held_out and "bwv1.6" not in held_out
    assert set(repertoire.HELD_OUT) <= held_out


@pytest.mark.slow(9)
def test_the_chorales_of_the_lessons_are_held_out():
    """Whatever shares a tune with one of them, by whatever number it goes."""
    pytest.importorskip("music21")
    written = (KINDLEIN, FLUECHTIG)
    lessons = [Work(f"lesson {number}", read_voices(voices)) for number, voices in enumerate(written)]
    families = repertoire.families([*repertoire.read_chorales(), *lessons])
    held_out = repertoire.held_out({name: family for name, family in families.items() if "lesson" not in name})
    for lesson in lessons:
        twins = {name for name, family in families.items() if family == families[lesson.name]} - {lesson.name}
        assert twins and twins <= held_out


@pytest.mark.recordings
def test_what_the_judging_quartets_play_is_held_out(recordings):
    """Each excerpt is found in the chorale whose number its folder bears, which nobody trains on."""
    pytest.importorskip("music21")
    folders = sorted((recordings / "Bach10-excerpts").iterdir())
    assert folders
    for folder in folders:
        name = folder.name.partition("_")[2]
        assert name in repertoire.HELD_OUT
        (work,) = repertoire.read_chorales([name])
        tune = [note.midi for note in work.lines["soprano"]]
        heard = [round(note.midi) for note in read_csv(folder / "notes.csv").notes_of("violin")]
        steps, wanted = np.diff(tune), np.diff(heard)
        # What was transcribed may split or miss a note: the longest run in common.
        longest = max(
            sum(
                1
                for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(steps[i:], wanted[j:], strict=False))
            )
            for i in range(len(steps))
            for j in range(len(wanted))
        )
        assert longest >= min(5, len(wanted)), folder.name


RANGES = {"violin": (55, 103), "clarinet": (50, 94), "tenor_sax": (44, 77), "bassoon": (34, 76)}


@pytest.fixture
def perform(chorales):
    def performed(seed, name="bwv269", **options):
        options = {"voices": QUARTET, "ranges": RANGES, **options}
        return repertoire.perform(chorales[name], rng=np.random.default_rng(seed), **options)

    return performed


def test_a_performance_plays_every_note_in_one_key(chorales, perform):
    for seed in range(5):
        score = perform(seed)
        assert score.sources == tuple(QUARTET.values())
        keys = set()
        for voice, source in QUARTET.items():
            written, played = chorales["bwv269"].lines[voice], score.notes_of(source)
            assert len(written) == len(played)
            keys |= {note.midi - one.midi for note, one in zip(played, written, strict=True)}
            assert all(RANGES[source][0] <= note.midi <= RANGES[source][1] for note in played)
        assert len(keys) == 1 and -5 <= keys.pop() <= 5


def test_performances_differ_in_all_that_is_drawn(perform):
    scores = [perform(seed) for seed in range(16)]
    durations_s = [score.duration_s for score in scores]
    assert max(durations_s) > 2 * min(durations_s)
    assert len({score.notes[0].midi for score in scores}) > 5
    louder = [np.mean([note.velocity for note in score.notes]) for score in scores]
    assert max(louder) - min(louder) > 25
    shares = [
        score.notes_of("violin")[3].offset_s - score.notes_of("violin")[3].onset_s
        - (score.notes_of("violin")[4].onset_s - score.notes_of("violin")[3].onset_s)
        for score in scores
    ]  # fmt: skip
    assert min(shares) < -0.1, "some let go early"
    assert perform(3) == perform(3) != perform(4)


def test_players_are_together_but_never_quite(perform):
    spread_s = []
    for seed in range(12):
        score = perform(seed)
        first = [score.notes_of(source)[0].onset_s for source in score.sources]
        spread_s.append(max(first) - min(first))
    assert min(spread_s) > 0
    assert 0.02 < max(spread_s) < 0.13


def test_notes_beyond_a_range_are_played_in_another_octave(perform):
    score = perform(0, ranges={"violin": (40, 51), "bassoon": (60, 100)})
    assert all(40 <= note.midi <= 51 for note in score.notes_of("violin"))
    assert all(60 <= note.midi <= 100 for note in score.notes_of("bassoon"))
    with pytest.raises(ValueError, match=r"ranges\['violin'\] must hold an octave, got 60 to 70"):
        perform(0, ranges={"violin": (60, 70)})


def test_some_voices_may_stay_silent(perform):
    score = perform(0, voices={"bass": "tuba", "soprano": "flute"})
    assert score.sources == ("tuba", "flute")
    with pytest.raises(ValueError, match="a voice must be one of"):
        perform(0, voices={"cello": "cello"})


def test_an_excerpt_is_the_score_seen_through_a_window(perform):
    score = perform(5)
    for start_s, length_s in ((0.0, 100.0), (3.3, 4.0), (score.duration_s - 1, 6.0), (500.0, 1.0)):
        part = repertoire.excerpt(score, start_s, length_s)
        assert part.sources == score.sources
        wanted = []
        for note in score.notes:
            onset_s, offset_s = max(0, note.onset_s - start_s), min(length_s, note.offset_s - start_s)
            if offset_s - onset_s >= 0.05:
                wanted.append((note.source, note.midi, onset_s, offset_s))
        found = [(note.source, note.midi, note.onset_s, note.offset_s) for note in part.notes]
        assert sorted(found) == sorted(wanted)


def test_a_short_note_is_kept_and_a_stub_is_not():
    score = Score((Note("a", 60, 1.0, 1.02), Note("b", 60, 0.0, 1.02), Note("c", 50, 0.0, 1.0)))
    assert [note.source for note in repertoire.excerpt(score, 1.0, 1.0).notes] == ["a"]


def test_midi_files_of_a_folder_become_works(tmp_path):
    notes = (Note("flute", 72, 0.0, 0.5), Note("flute", 74, 0.5, 1.25), Note("tuba", 40, 0.25, 1.0))
    drums = Score((*notes, Note("drums", 36, 0.0, 0.1)), (), frozenset({"drums"}))
    write_midi(tmp_path / "b" / "two.mid", drums)
    write_midi(tmp_path / "one.MIDI", Score(notes))
    write_midi(tmp_path / "only drums.mid", Score((Note("drums", 36, 0.0, 0.1),), (), frozenset({"drums"})))
    works = repertoire.read_midi_folder(tmp_path)
    assert [work.name for work in works] == ["b/two", "one"]
    # A quarter is half a second.
    flute = (Written(72, Fraction(0), Fraction(1)), Written(74, Fraction(1), Fraction(3, 2)))
    for work in works:
        assert set(work.lines) == {"flute", "tuba"}
        assert work.lines["flute"] == flute and work.lines["tuba"] == (Written(40, Fraction(1, 2), Fraction(3, 2)),)


def test_folders_and_files_that_are_no_music_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; give one with"):
        repertoire.read_midi_folder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds no MIDI file"):
        repertoire.read_midi_folder(tmp_path)
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    with pytest.raises(ValueError, match=r"broken\.mid could not be read as MIDI"):
        repertoire.read_midi_folder(tmp_path)


def test_chords_and_repeated_notes_are_works_too():
    score = Score((Note("piano", 60, 0, 1), Note("piano", 64, 0, 1), Note("piano", 60, 1, 2)))
    work = repertoire.work_of("piece", score)
    played = repertoire.perform(work, rng=np.random.default_rng(0))
    assert len(played.notes) == 3 and played.sources == ("piano",)


def test_a_quartet_of_the_corpus_is_read():
    pytest.importorskip("music21")
    assert all(
        list(Path(repertoire._corpus()).glob(one)) for patterns in repertoire.COLLECTIONS.values() for one in patterns
    )
    (work,) = repertoire.read_corpus("quartets", [SHORT_MOVEMENT])
    assert work.name == SHORT_MOVEMENT and len(work.lines) == 4
    assert all(len(line) > 50 for line in work.lines.values()) and work.beats > 50
    with pytest.raises(ValueError, match="collection must be one of 'madrigals', 'quartets'"):
        repertoire.read_corpus("symphonies")
    with pytest.raises(ValueError, match="the work's name must be one of"):
        repertoire.read_corpus("quartets", ["mozart/k81/movement1"])


SHORT_MOVEMENT = "haydn/opus1no1/movement2"


def test_nothing_of_the_corpus_is_in_the_repository():
    ours = [path for folder in ("mss_lab", "data", "tests") for path in (ROOT / folder).rglob("*")]
    assert ours
    assert not [path for path in ours if path.suffix in (".mxl", ".musicxml", ".krn", ".xml") or "bwv" in path.name]
