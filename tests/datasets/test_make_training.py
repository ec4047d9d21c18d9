"""Songs are drawn by seed, side and number alone; what is tested was never heard; notes stand where the sound is."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mss_lab import cli
from mss_lab.datasets import make_training, pop, repertoire, splits, store
from mss_lab.datasets.repertoire import Work
from mss_lab.datasets.scores.notation import Written
from mss_lab.datasets.timbres import Timbre
from mss_lab.score.midi import write_midi
from mss_lab.score.notes import Note, Score
from tests.measures import same_items

RATE = 1000


class Levels:
    """An engine that needs no FluidSynth: every sample of a note is the note's pitch / 1000, silence is 0."""

    def __init__(self, name, fonts):
        self.name, self.fonts = name, fonts

    def draw_timbre(self, rng, program=None):
        font = self.fonts[rng.integers(len(self.fonts))]
        name = f"{Path(font).stem}/{program:03d}" if self.name == "soundfont" else f"harmonic/{rng.integers(10**9)}"
        return Timbre(self.name, name, program, ())

    def play(self, score, *, sample_rate_hz, rng, timbres=None, tail_s=0.5, room=None):
        stems = {}
        for source in score.sources:
            stems[source] = np.zeros((1, max(1, round((score.duration_s + tail_s) * sample_rate_hz))), np.float32)
            for note in score.notes_of(source):
                where = slice(round(note.onset_s * sample_rate_hz), round(note.offset_s * sample_rate_hz))
                stems[source][0, where] = note.midi / 1000
        return stems


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Everything but the sound, and two soundfonts: one that is trained on, one that is not."""
    fonts = [tmp_path / "fonts" / f"{name}.sf2" for name in ("One", *make_training.UNSEEN_FONTS)]
    fonts[0].parent.mkdir()
    for font in fonts:
        font.write_text(font.stem)
    monkeypatch.setattr(make_training, "_engine", Levels)
    monkeypatch.setattr(make_training.engines, "find_soundfonts", lambda: fonts)


def written(name, seed, voices=repertoire.VOICES, notes=22):
    """A work of its own: every voice walks about at random, in quarters and eighths."""
    rng = np.random.default_rng(seed)
    lines = {}
    for voice, start in zip(voices, (70, 65, 58, 48), strict=False):
        beats = [Fraction(int(length), 2) for length in rng.choice([1, 2, 2, 3, 4], notes)]
        pitches = np.clip(start + np.cumsum(rng.integers(-3, 4, notes)), start - 6, start + 6)
        starts = np.concatenate([[Fraction(0)], np.cumsum(beats)])
        lines[voice] = tuple(Written(int(p), s, b) for p, s, b in zip(pitches, starts, beats, strict=False))
    return Work(name, lines)


WORKS = [written(f"piece {number}", number) for number in range(30)]


def make(folder, split="train", works=WORKS, items=3, **options):
    options = {"song_s": 4.0, "sample_rate_hz": RATE, **options}
    return make_training.make("chorales", folder, items=items, split=split, works=works, **options)


def test_a_song_holds_what_its_facts_say(tmp_path, quick):
    made = make(tmp_path / "train", items=6)
    assert made.facts["sources"] == ["violin", "clarinet", "tenor_sax", "bassoon"]
    assert made.facts["sample_rate_hz"] == RATE and made.facts["split"] == "train"
    assert set(made.facts["soundfonts"]) == {"One"} and made.facts["unseen_soundfonts"] == ["TimGM6mb"]
    for item in made:
        assert item["audio"].shape == (4, 4000) and item["audio"].dtype == np.float16
        assert item["notes"].dtype == np.float64 and item["notes"].shape[1] == 4 and len(item["notes"]) > 4
        assert str(item["piece"]) in made.facts["pieces"]
        assert item["programs"].tolist() == [40, 71, 66, 70] and item["timbres"].shape == (4,)


def test_notes_stand_where_their_sound_is(tmp_path, quick):
    for item in make(tmp_path / "train", items=4):
        drawn = np.zeros((4, 4000))
        for source, midi, onset_s, offset_s in item["notes"]:
            drawn[int(source), round(onset_s * RATE) : round(offset_s * RATE)] = midi / 1000
        np.testing.assert_allclose(item["audio"], drawn, atol=1e-4)
        assert item["notes"][:, 2].min() >= 0 and item["notes"][:, 3].max() <= 4


def test_a_song_depends_on_seed_side_and_number_alone(tmp_path, quick):
    made = make(tmp_path / "a", items=5)
    threads = make(tmp_path / "b", items=5, jobs=2, backend="threading")
    longer = make(tmp_path / "c", items=7)
    assert all(same_items(made[i], threads[i]) and same_items(made[i], longer[i]) for i in range(5))
    others = [make(tmp_path / "d", items=5, seed=1), make(tmp_path / "e", items=5, split="valid")]
    assert not any(same_items(made[i], other[i]) for other in others for i in range(5))
    assert len({item["audio"].tobytes() for item in longer}) == 7


def test_every_piece_is_played_once_before_any_is_played_twice(tmp_path, quick):
    made = make(tmp_path / "seen", "seen", items=7)
    pieces = [str(item["piece"]) for item in made]
    count = len(made.facts["pieces"])
    assert 1 < count < 7, "the test wants more songs than pieces"
    for start in range(0, 7, count):
        assert len(set(pieces[start : start + count])) == len(pieces[start : start + count])


def test_loud_players_are_turned_down_together(tmp_path, quick, monkeypatch):
    play = Levels.play

    def loud(self, *arguments, **options):
        return {source: 20 * stem for source, stem in play(self, *arguments, **options).items()}

    plain = make(tmp_path / "plain", items=2)
    monkeypatch.setattr(Levels, "play", loud)
    for quiet, item in zip(plain, make(tmp_path / "loud", items=2), strict=True):
        audio = item["audio"].astype(float)
        assert max(np.abs(audio).max(), np.abs(audio.sum(axis=0)).max()) == pytest.approx(0.95, rel=2e-3)
        ratio = audio[quiet["audio"] > 0] / quiet["audio"][quiet["audio"] > 0]
        np.testing.assert_allclose(ratio, ratio[0], rtol=3e-3)


def test_nothing_leaks_from_one_side_to_another(tmp_path, quick):
    # Every piece has a twin in another key under another name.
    twins = [
        Work(
            f"twin of {work.name}",
            {v: tuple(n._replace(midi=n.midi + 1) for n in line) for v, line in work.lines.items()},
        )
        for work in WORKS
    ]
    works = [*WORKS, *twins]
    groups = repertoire.families(works)
    made = {side: make(tmp_path / side, side, works, items=8) for side in make_training.SIDES}
    for side in ("valid", "seen", "unseen"):
        kinds = ("piece", "timbres") if side == "unseen" else ("piece",)
        splits.check_no_leak(made["train"], made[side], kinds=kinds, groups=groups)
        splits.check_no_leak(made["train"], [{"piece": made[side].facts["pieces"]}], kinds=("piece",), groups=groups)
    splits.check_no_leak(made["valid"], made["seen"], kinds=("piece",), groups=groups)
    assert made["seen"].facts["pieces"] == made["unseen"].facts["pieces"]
    # The check can fail: the same side twice, the same fonts, the same pieces.
    with pytest.raises(ValueError, match="no piece"):
        splits.check_no_leak(made["train"], make(tmp_path / "again", "train", works, items=8, seed=9), groups=groups)
    with pytest.raises(ValueError, match="no timbres"):
        splits.check_no_leak(made["train"], made["seen"], kinds=("timbres",))
    with pytest.raises(ValueError, match="no piece"):
        splits.check_no_leak(made["seen"], made["unseen"], kinds=("piece",))


def test_twins_fall_on_one_side():
    twins = [Work(f"other {work.name}", work.lines) for work in WORKS]
    for side in make_training.SIDES:
        names, _ = make_training.pieces_of(side, [*WORKS, *twins])
        plain = {name.removeprefix("other ") for name in names}
        assert len(names) == 2 * len(plain)


def test_judging_pieces_and_their_twins_are_on_no_side():
    judged = [Work(name, written(name, 100 + i).lines) for i, name in enumerate(sorted(repertoire.HELD_OUT))]
    twin = Work("a twin", judged[3].lines)
    everything = set()
    for side in make_training.SIDES:
        names, held_out = make_training.pieces_of(side, [*WORKS, *judged, twin])
        everything |= set(names)
        assert set(held_out) == {*repertoire.HELD_OUT, "a twin"}
    assert everything == {work.name for work in WORKS}


def test_made_up_instruments_are_heard_in_training_alone(tmp_path, quick):
    heard = {}
    for side in make_training.SIDES:
        timbres = np.concatenate([item["timbres"] for item in make(tmp_path / side, side, items=10)])
        heard[side] = np.array([name.partition("/")[0] for name in timbres])
    assert set(heard["unseen"]) == {"TimGM6mb"}
    for side in ("train", "valid", "seen"):
        assert set(heard[side]) == {"One", "harmonic"}
        # 40 draws with a chance of 0.3: four standard deviations.
        assert abs(np.mean(heard[side] == "harmonic") - 0.3) < 4 * np.sqrt(0.21 / 40)
    everybody = make(tmp_path / "made up", "train", items=4, made_up=1.0)
    assert all(name.startswith("harmonic") for item in everybody for name in item["timbres"])
    assert everybody.facts["made_up"] == 1.0
    with pytest.raises(ValueError, match="made_up"):
        make(tmp_path / "too many", "train", items=4, made_up=1.5)


def test_any_folder_of_midi_will_do(tmp_path, quick):
    for number in range(12):
        work = written(f"{number}", number, voices=("flute", "oboe", "horn"), notes=20)
        write_midi(tmp_path / "music" / f"{number}.mid", work.score(120))
    folder = str(tmp_path / "music")
    arguments = [folder, str(tmp_path / "songs"), "--items", "5", "--players", "2", "--seconds", "3"]
    assert cli.main(["data", "training", *arguments]) == 0
    made = store.open_store(tmp_path / "songs")
    assert len(made) == 5 and made.facts["sources"] == ["player 1", "player 2"]
    assert made.facts["what"] == "MIDI files" and folder not in str(made.facts)
    for item in made:
        assert item["audio"].shape == (2, 48_000)
        assert all(program in make_training.engines.ORCHESTRAL_PROGRAMS for program in item["programs"])


def test_the_command_says_what_was_made_and_what_is_wrong(tmp_path, quick, capsys):
    assert cli.main(["data", "training", str(tmp_path / "nowhere"), str(tmp_path / "out"), "--items", "2"]) == 2
    assert "nowhere does not exist" in capsys.readouterr().err
    write_midi(tmp_path / "music" / "solo.mid", written("solo", 1, voices=("flute",)).score())
    assert cli.main(["data", "training", str(tmp_path / "music"), str(tmp_path / "out"), "--items", "2"]) == 2
    assert "must hold pieces for the side 'train' with at least 4 voices" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    command = [str(tmp_path / "music"), str(tmp_path / "out"), "--items", "2", "--players", "1", "--split", "train"]
    assert cli.main(["data", "training", *command]) == 0
    assert "2 songs of 12 s from 1 pieces" in capsys.readouterr().out
    assert cli.main(["data", "training", *command, "--seed", "1"]) == 2
    assert "holds another store: seed is 0 there and 1 here" in capsys.readouterr().err


def test_without_a_font_for_the_side_it_says_so(tmp_path, quick, monkeypatch):
    only = [tmp_path / "fonts" / "TimGM6mb.sf2"]
    monkeypatch.setattr(make_training.engines, "find_soundfonts", lambda: only)
    with pytest.raises(FileNotFoundError, match="the side 'train' needs a soundfont other than TimGM6mb"):
        make(tmp_path / "train")
    make(tmp_path / "unseen", "unseen")


def test_a_link_to_an_unseen_font_does_not_smuggle_it_in(tmp_path, quick, monkeypatch):
    link = tmp_path / "fonts" / "default-GM.sf2"
    try:
        link.symlink_to(tmp_path / "fonts" / "TimGM6mb.sf2")
    except OSError:
        pytest.skip("not run: this system makes no links")
    monkeypatch.setattr(make_training.engines, "find_soundfonts", lambda: [link])
    with pytest.raises(FileNotFoundError, match="needs a soundfont other than TimGM6mb"):
        make(tmp_path / "train")
    assert set(make(tmp_path / "unseen", "unseen").facts["soundfonts"]) == {"TimGM6mb"}


def test_a_side_that_does_not_exist_is_refused(tmp_path, quick):
    with pytest.raises(ValueError, match="split must be one of 'seen', 'train', 'unseen', 'valid', got 'test'"):
        make(tmp_path / "store", "test")


@pytest.mark.renders
def test_real_sound_is_where_its_notes_are(tmp_path):
    works = WORKS[:4]
    made = make(tmp_path / "real", "train", works, items=2, sample_rate_hz=16_000, song_s=5.0)
    for item in made:
        for source, stem in enumerate(item["audio"].astype(float)):
            sounds = np.zeros(len(stem), bool)
            for _, _, onset_s, offset_s in item["notes"][item["notes"][:, 0] == source]:
                # A block before the onset for the synthesiser's grid; behind the end, the instrument dies away.
                sounds[max(0, round((onset_s - 0.005) * 16_000)) : round((offset_s + 0.15) * 16_000)] = True
            assert np.sum(stem[sounds] ** 2) > 0.95 * np.sum(stem**2) > 0


@pytest.mark.renders
def test_the_command_renders_in_processes(tmp_path):
    write_midi(tmp_path / "music" / "duet.mid", written("duet", 1, voices=("flute", "oboe")).score())
    command = ["-m", "mss_lab.cli", "data", "training", str(tmp_path / "music"), str(tmp_path / "out")]
    options = ["--items", "2", "--players", "2", "--seconds", "2", "--jobs", "2", "--split", "train"]
    result = subprocess.run([sys.executable, *command, *options], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert len(store.open_store(tmp_path / "out")) == 2


def bands(folder, split="train", items=4, **options):
    return make_training.make("bands", folder, items=items, split=split, song_s=6.0, sample_rate_hz=RATE, **options)


def test_made_up_songs_are_played_by_a_band(tmp_path, quick):
    made = bands(tmp_path / "train", made_up=1.0)
    assert made.facts["sources"] == list(make_training.BAND) and made.facts["what"] == "bands"
    for item in made:
        assert item["audio"].shape == (6, 6000)
        for source, program, timbre in zip(made.facts["sources"], item["programs"], item["timbres"], strict=True):
            assert program in make_training.BAND[source]
            # Only a soundfont has drums.
            assert str(timbre).startswith("harmonic/") == (source != "drums")
    assert len({item["notes"].tobytes() for item in made}) == 4


def test_pop_songs_have_vocals_drums_bass_and_the_rest(tmp_path, quick):
    options = {"items": 6, "song_s": 4.0, "sample_rate_hz": 16_000}
    made = {side: make_training.make("pop", tmp_path / side, split=side, **options) for side in ("train", "unseen")}
    for songs in made.values():
        assert songs.facts["sources"] == ["vocals", "drums", "bass", "rest"] and songs.facts["what"] == "pop"
        for item in songs:
            assert item["audio"].shape == (4, 64_000) and np.abs(item["audio"].sum(axis=0)).max() <= 0.96
            assert str(item["timbres"][0]).startswith("singer/") and item["programs"][0] == pop.VOICE_PROGRAM
            # Who has no notes is silent, and nobody else is.
            playing = {int(source) for source in item["notes"][:, 0]}
            assert {source for source in range(4) if item["audio"][source].any()} == playing
    splits.check_no_leak(made["train"], made["unseen"], kinds=("piece", "timbres"))


def test_the_sources_of_a_pop_song_keep_the_energy_of_their_instruments(rng):
    stems = {name: rng.standard_normal(8_000) for names in pop.INSTRUMENTS.values() for name in names}
    score = Score(tuple(Note(name, 60, 0.1, 0.2) for name in stems), tuple(stems), frozenset({"drums"}))
    sources, joined = pop.joined(stems, score, 16_000, rng)
    for source, names in pop.INSTRUMENTS.items():
        added = sum(stems[name] for name in names)
        assert np.sum(sources[source] ** 2) == pytest.approx(np.sum(added**2), rel=1e-3)
        assert len(joined.notes_of(source)) == len(names)
    assert joined.unpitched == {"drums"}


def test_players_are_absent_as_often_as_stated_and_then_have_no_notes(rng):
    names = [name for names in pop.INSTRUMENTS.values() for name in names]
    score = Score(tuple(Note(name, 60, 0.1, 0.2) for name in names), tuple(names))
    counts = dict.fromkeys(names, 0)
    for _ in range(400):
        song = pop.present(score, rng)
        assert song.sources == score.sources
        for name in names:
            counts[name] += len(song.notes_of(name))
    # Four standard deviations of a share of 400 songs are at most 0.1.
    assert {name: count / 400 for name, count in counts.items()} == pytest.approx(pop.PRESENT, abs=0.1)


def test_no_made_up_song_and_no_timbre_leaks_from_one_side_to_another(tmp_path, quick):
    made = {side: bands(tmp_path / side, side) for side in make_training.SIDES}
    for side in ("valid", "seen", "unseen"):
        kinds = ("piece", "timbres") if side == "unseen" else ("piece",)
        splits.check_no_leak(made["train"], made[side], kinds=kinds)
        assert not {item["notes"].tobytes() for item in made["train"]} & {i["notes"].tobytes() for i in made[side]}
    splits.check_no_leak(made["valid"], made["seen"], kinds=("piece",))
    # Both tests play the same songs, by other instruments.
    for seen, unseen in zip(made["seen"], made["unseen"], strict=True):
        np.testing.assert_array_equal(seen["notes"], unseen["notes"])
        assert str(seen["piece"]) == str(unseen["piece"])
        assert not set(seen["timbres"]) & set(unseen["timbres"])


def test_players_of_a_tree_are_drawn_from_all_of_its_leaves(tmp_path, quick):
    made = make_training.make(
        "quartets", tmp_path / "songs", items=16, split="train", works=WORKS, players=3, tree="quartet",
        song_s=2.0, sample_rate_hz=RATE, made_up=0.0,
    )  # fmt: skip
    songs = [item["programs"].tolist() for item in made]
    assert all(len(set(programs)) == 3 for programs in songs)
    # Clarinet, tenor saxophone, bassoon, oboe, flute, violin, viola and cello, in General MIDI's numbers.
    assert {program for programs in songs for program in programs} == {71, 66, 70, 68, 73, 40, 41, 42}
    assert sorted(made.facts["drawn_from"]) == [40, 41, 42, 66, 68, 70, 71, 73]


@pytest.mark.parametrize(
    "what, tree, players, words",
    [
        ("chorales", "quartet", 4, "chorales have players of their own, got the tree quartet"),
        ("quartets", "garden", 4, "tree must be one of"),
        ("quartets", "band", 4, "tree must hold pitched instruments, got drums"),
        ("quartets", "quartet", 9, "players must be"),
    ],
)
def test_a_tree_that_cannot_be_played_is_refused(tmp_path, quick, what, tree, players, words):
    options = {"items": 1, "split": "train", "works": WORKS, "players": players, "tree": tree}
    with pytest.raises(ValueError, match=words):
        make_training.make(what, tmp_path / "songs", **options)
