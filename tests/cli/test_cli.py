"""The command line, called as a user calls it: what it writes, what it refuses, and that it loses nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose

from mss_lab import audio, catalogue, cli, signals
from mss_lab.cli import data, lesson
from mss_lab.datasets import pieces, readers
from mss_lab.metrics.energy import sdr
from mss_lab.score import midi, notes
from mss_lab.score.files import write_csv
from mss_lab.score.notes import Note, Score
from mss_lab.shipped import data_folder

RATE = 16_000
SCORE = Score((Note("low", 57, 0.0, 1.0), Note("high", 64, 0.0, 1.0)))


@pytest.fixture
def song(tmp_path):
    """A folder with a mixture of two tones, its score as MIDI and CSV, and its true stems."""
    stems = {
        "low": signals.harmonic_tone(220.0, 1.0, RATE, amplitude=0.3).astype(np.float32),
        "high": signals.harmonic_tone(329.63, 1.0, RATE, amplitude=0.3).astype(np.float32),
    }
    audio.write_stems(tmp_path / "true", stems, RATE)
    audio.write_audio(tmp_path / "mix.wav", stems["low"] + stems["high"], RATE)
    midi.write_midi(tmp_path / "score.mid", SCORE)
    write_csv(tmp_path / "score.csv", SCORE)
    return tmp_path


def separate(song, *more, score="score.mid", out="out"):
    return cli.main(["separate", str(song / "mix.wav"), "--score", str(song / score), "--out", str(song / out), *more])


@pytest.mark.parametrize("score", ["score.mid", "score.csv"])
def test_separate_writes_one_file_per_source_that_add_up(song, score, capsys):
    assert separate(song, score=score) == 0
    out = song / "out"
    assert sorted(path.name for path in out.iterdir()) == ["high.wav", "low.wav"]
    total = sum(audio.read_audio(path)[0] for path in out.iterdir())
    assert_allclose(total, audio.read_audio(song / "mix.wav")[0], atol=1e-6)
    printed = capsys.readouterr().out
    assert "low.wav  1.0 s" in printed
    assert "high.wav" in printed


def test_options_reach_the_method(song):
    assert separate(song, "--set", "tolerance_s=0.05", "--set", "harmonics=1") == 0
    mixture = audio.read_audio(song / "mix.wav")[0]
    wanted = catalogue.separator("score-masks", tolerance_s=0.05, harmonics=1)(mixture, RATE, SCORE)
    assert_allclose(audio.read_audio(song / "out" / "low.wav")[0], wanted["low"], atol=1e-6)


def test_an_existing_folder_is_never_overwritten_without_force(song, capsys):
    (song / "out").mkdir()
    (song / "out" / "precious.txt").write_text("mine")
    assert separate(song) == 2
    assert "--force" in capsys.readouterr().err
    assert [path.name for path in (song / "out").iterdir()] == ["precious.txt"]
    assert separate(song, "--force") == 0
    assert sorted(path.name for path in (song / "out").iterdir()) == ["high.wav", "low.wav"]


@pytest.mark.parametrize("force", [False, True])
def test_a_write_that_fails_half_way_leaves_everything_as_it_was(song, monkeypatch, capsys, force):
    if force:
        (song / "out").mkdir()
        (song / "out" / "precious.txt").write_text("mine")
    before = sorted(str(path.relative_to(song)) for path in song.rglob("*"))
    real, opened = Path.write_bytes, []

    def fail_second(path, content):
        opened.append(path)
        if len(opened) == 2:
            real(path, b"RIFF, and no more")
            raise OSError(28, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", fail_second)
    assert separate(song, *(["--force"] if force else [])) == 2
    assert len(opened) == 2
    assert "No space left" in capsys.readouterr().err
    assert sorted(str(path.relative_to(song)) for path in song.rglob("*")) == before


def test_formats_that_clip_are_turned_down_together(song, capsys):
    loud = {"low": np.full((1, RATE), 0.9, np.float32)}
    mixture = 3 * (audio.read_audio(song / "mix.wav")[0] + loud["low"])
    audio.write_audio(song / "mix.wav", mixture, RATE)
    assert separate(song, "--format", "flac") == 0
    assert "divided" in capsys.readouterr().err
    total = sum(audio.read_audio(path)[0] for path in (song / "out").iterdir())
    scale = np.vdot(total, mixture) / np.vdot(mixture, mixture)
    assert 0 < scale < 1
    assert_allclose(total, scale * mixture, atol=1e-5)


def test_track_names_that_are_no_file_names_are_made_into_some(song):
    score = Score((Note("Violin I/II", 57, 0.0, 1.0), Note("c:high", 64, 0.0, 1.0)))
    midi.write_midi(song / "score.mid", score)
    assert separate(song) == 0
    assert sorted(path.name for path in (song / "out").iterdir()) == ["Violin I_II.wav", "c_high.wav"]


def test_stems_are_named_as_asked(song):
    assert separate(song, "--players", "violin 1, violin/2") == 0
    assert sorted(path.name for path in (song / "out").iterdir()) == ["violin 1.wav", "violin_2.wav"]


@pytest.mark.parametrize(
    "names, words",
    [
        ("violin", "every part of the score in order, 2 in all, got 1 (violin); the parts are: low (1 note, A3 to A3)"),
        ("violin,", "a player's name must be text, got ''"),
    ],
)
def test_names_that_do_not_fit_the_parts_are_refused(song, capsys, names, words):
    assert separate(song, "--players", names) == 2
    assert words in capsys.readouterr().err
    assert not (song / "out").exists()


def test_what_is_doubtful_about_a_score_is_said_in_one_line(song, capsys):
    track = [mido.Message("note_on", note=57), mido.MetaMessage("end_of_track", time=480)]
    mido.MidiFile(tracks=[mido.MidiTrack(track)]).save(song / "score.mid")
    assert separate(song) == 0
    assert capsys.readouterr().err == (
        "mss-lab: Nothing ends 1 note of acoustic grand piano in the file; each lasts to the end of its track.\n"
    )


@pytest.mark.parametrize("options", [["--players", "a"], ["--pedal"]])
def test_how_a_score_is_read_needs_a_score(song, capsys, options):
    command = ["separate", str(song / "mix.wav"), "--method", "hpss", *options]
    assert cli.main([*command, "--out", str(song / "out")]) == 2
    assert "--players and --pedal say how a score is read, got no score" in capsys.readouterr().err


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda song: (song / "mix.wav").unlink(), "does not exist"),
        (lambda song: (song / "mix.wav").write_text("no sound here"), "could not be read as audio"),
        (lambda song: soundfile.write(song / "mix.wav", np.zeros((0, 1)), RATE), "no samples"),
        (lambda song: soundfile.write(song / "mix.wav", np.full(99, np.nan), RATE, subtype="FLOAT"), "NaN"),
        (lambda song: (song / "score.mid").unlink(), "score .* does not exist"),
        (lambda song: (song / "score.mid").write_bytes(b"MThd"), "could not be read as MIDI"),
        (lambda song: midi.write_midi(song / "score.mid", Score((), ("nobody",))), "holds no notes"),
        (lambda song: midi.write_midi(song / "score.mid", notes.shift(SCORE, 60.0)), "no note within"),
        (lambda song: (song / "out").write_text("a file"), "must be a folder's name"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_nothing_appears(song, capsys, make, words):
    make(song)
    before = sorted(str(path) for path in song.rglob("*"))
    assert separate(song) == 2
    said = capsys.readouterr().err
    assert said.startswith("mss-lab: ")
    assert said.count("\n") == 1
    assert re.search(words, said)
    assert sorted(str(path) for path in song.rglob("*")) == before


def test_a_place_that_cannot_be_written_is_refused(song, capsys):
    (song / "wall").write_text("a file in the way")
    assert separate(song, out="wall/out") == 2
    assert "cannot be made or written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more, words",
    [
        (["--method", "magic"], "score-masks"),
        (["--set", "tolerance_s"], "NAME=VALUE"),
        (["--set", "tolerance_s=-1"], "at least 0"),
        (["--set", "magic=1"], "magic"),
        (["--set", "tolerance_s=wide"], "number"),
    ],
)
def test_a_wrong_method_or_option_is_refused(song, capsys, more, words):
    assert separate(song, *more) == 2
    assert words in capsys.readouterr().err
    assert not (song / "out").exists()


def test_a_method_that_needs_a_score_says_so(song, capsys):
    assert cli.main(["separate", str(song / "mix.wav"), "--out", str(song / "out")]) == 2
    assert "--score NOTES" in capsys.readouterr().err


def test_methods_lists_every_entry_with_its_options(capsys):
    assert cli.main(["methods"]) == 0
    printed = capsys.readouterr().out
    for method in catalogue.METHODS:
        assert method.name in printed
        assert method.lesson in printed
        for option in method.options:
            assert option in printed


@pytest.mark.parametrize("more", [[], ["--bss-eval"]])
def test_evaluate_prints_known_figures(song, capsys, more):
    half = {name: audio.read_audio(song / "true" / f"{name}.wav")[0] / 2 for name in ("low", "high")}
    audio.write_stems(song / "half", half, RATE)
    table = song / "table.csv"
    assert cli.main(["evaluate", str(song / "half"), str(song / "true"), "--csv", str(table), *more]) == 0
    printed = capsys.readouterr().out
    # An estimate of half the source has an error of half the source: 20 log10(2) dB.
    assert "6.02" in printed
    assert ("SIR" in printed) == bool(more)
    assert table.read_text().splitlines()[1].startswith(("low,6.02", "high,6.02"))


def test_evaluate_refuses_folders_that_do_not_match(song, capsys):
    audio.write_stems(song / "odd", {"low": np.zeros((1, RATE), np.float32)}, RATE)
    assert cli.main(["evaluate", str(song / "odd"), str(song / "true")]) == 2
    assert "same names" in capsys.readouterr().err


def test_the_files_of_the_course_are_listed_and_damage_is_found(tmp_path, monkeypatch, capsys):
    def check(status):
        """What `mss-lab doctor --files` prints, in one line; its former name prints the same."""
        assert cli.main(["doctor", "--files"]) == status
        printed = capsys.readouterr().out
        assert cli.main(["verify"]) == status
        assert capsys.readouterr().out == printed
        return " ".join(printed.split())

    assert all(name in check(0) for name in (*pieces.names(), "recordings", "renders", "xumx", "refiner"))
    shipped = data_folder()
    shutil.copytree(shipped / "lessons" / "song", tmp_path / "lessons" / "song")
    monkeypatch.setenv("MSS_LAB_DATA", str(tmp_path))
    (tmp_path / "lessons" / "song" / "voice.flac").write_bytes(b"fLaC")
    printed = check(1)
    assert "voice.flac is damaged" in printed and "-> make it again: mss-lab data lessons song" in printed
    shutil.rmtree(tmp_path / "lessons")
    shutil.copytree(shipped / "lessons" / "song", tmp_path / "lessons" / "song")
    shutil.copytree(shipped / "models", tmp_path / "models")
    assert "MISSING" not in check(0)
    weights = tmp_path / "models" / "networks" / "xumx.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert "MISSING networks" in (printed := check(1)) and "xumx.safetensors is damaged" in printed
    weights.unlink()
    assert "xumx.safetensors is missing" in check(1)
    weights.with_suffix(".json").write_text("{}")
    shutil.copy(shipped / "models" / "networks" / weights.name, weights)
    assert "xumx.json is damaged" in check(1)
    (tmp_path / "models" / "instruments" / "harmonics.npz").write_bytes(b"PK")
    assert "harmonics.npz is damaged" in check(1)


def test_datasets_says_what_is_found_and_where_the_rest_is_had(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MSS_LAB_DATASETS", raising=False)
    assert cli.main(["datasets"]) == 0
    printed = capsys.readouterr().out
    for name in readers.names():
        about = readers.get(name).ABOUT
        assert all(words in printed for words in (f"{name}: {about.title}", about.where, about.licence, about.size))
    assert printed.count("Not found: unpack it as") == len(readers.names())
    (tmp_path / "musdb18" / "test" / "A - B").mkdir(parents=True)
    (tmp_path / "musdb18" / "test" / "A - B" / "bass.wav").touch()
    (tmp_path / "Bach10").mkdir()
    monkeypatch.setenv("MSS_LAB_DATASETS", str(tmp_path))
    assert cli.main(["datasets"]) == 0
    printed = capsys.readouterr().out
    assert f"Found in {tmp_path / 'musdb18'}: 1 of 150 pieces" in printed
    assert f"Found in {tmp_path / 'Bach10'}, but {tmp_path / 'Bach10'} must contain pieces of Bach10" in printed
    assert printed.count("Not found") == len(readers.names()) - 2


def test_a_reader_of_the_output_that_goes_away_is_no_fault():
    # -u: what is printed is sent line by line, and the second line finds nobody.
    command = [sys.executable, "-u", "-m", "mss_lab.cli", "datasets"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 0


def test_no_command_prints_the_commands(capsys):
    for words in ([], ["data"], ["lesson"]):
        assert cli.main(words) == 2
        printed = capsys.readouterr().out
        commands = {"data": data.COMMANDS, "lesson": lesson.COMMANDS}.get("".join(words), cli.COMMANDS)
        for command in commands:
            # A former name is understood, and not shown.
            assert (f"    {command.name}" in printed) == bool(command.about)


def leaves(commands=cli.COMMANDS, words=()):
    """The words of every command that does something itself."""
    for command in commands:
        grouped = {"data": data.COMMANDS, "lesson": lesson.COMMANDS}.get(command.name, ()) if not command.run else ()
        yield from leaves(grouped, (*words, command.name)) if grouped else [(*words, command.name)]


@pytest.mark.parametrize("words", list(leaves()), ids=" ".join)
def test_every_command_explains_itself(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: mss-lab {' '.join(words)} ")


WITHOUT_TORCH = """
import sys
class WithoutTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name=name)
sys.meta_path.insert(0, WithoutTorch())
from mss_lab import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_command_whose_library_is_missing_is_refused_with_its_remedy():
    command = [sys.executable, "-c", WITHOUT_TORCH, "data", "cues", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    remedy = "needs torch, which is not installed; install it with: pip install 'mss-lab[train]'"
    assert done.stderr == f"mss-lab: the command cues {remedy}\n"


@pytest.mark.parametrize(
    "line, offered",
    [
        ("mss-lab ", {command.name for command in cli.COMMANDS}),
        ("mss-lab sep", {"separate"}),
        ("mss-lab separate mix.wav --al", {"--align"}),
        ("mss-lab separate mix.wav --align ", {"auto", "none"}),
        ("mss-lab lesson ", {"measure", "strip"}),
        ("mss-lab lab --no-s", {"--no-server", "--no-solutions"}),
    ],
)
def test_a_shell_gets_completions(tmp_path, line, offered):
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": " "}
    asked["_ARGCOMPLETE_STDOUT_FILENAME"] = str(tmp_path / "offered")
    run = [sys.executable, "-m", "mss_lab.cli"]
    subprocess.run(run, env={**os.environ, **asked}, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    words = set((tmp_path / "offered").read_text().split())
    assert offered <= words and {word for word in words - offered if not word.startswith("-")} == set()


def test_a_command_loads_no_other():
    code = "import sys; from mss_lab import cli; cli.main(sys.argv[1:]); print(*sys.modules)"
    for words, unused in (([], "numpy"), (["data"], "numpy"), (["doctor", "--files"], "matplotlib mss_lab.grading")):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        assert not set(unused.split()) & set(done.stdout.split())


@pytest.fixture(scope="module")
def chorale(tmp_path_factory):
    """A folder with twelve seconds of a shipped chorale, and its score at another tempo, and a wrong one."""
    folder = tmp_path_factory.mktemp("chorale")
    piece = pieces.load("chorale_a")
    audio.write_audio(folder / "mix.wav", piece.mixture[:, : 12 * piece.sample_rate_hz], piece.sample_rate_hz)
    begun = Score(tuple(note for note in piece.score.notes if note.onset_s < 11.5))
    midi.write_midi(folder / "right.mid", begun)
    midi.write_midi(folder / "slow.mid", notes.with_tempo(begun, 0.6))
    midi.write_midi(folder / "wrong.mid", notes.transpose(pieces.load("chorale_b").score, 3))
    return folder


def stems_of(folder):
    return {path.stem: audio.read_audio(path)[0] for path in folder.iterdir()}


@pytest.mark.parametrize("method", ["score-masks", "informed-nmf"])
def test_a_score_at_another_tempo_is_aligned_where_that_is_asked(chorale, method, capsys):
    right, aligned, unaligned = f"right-{method}", f"auto-{method}", f"none-{method}"
    options = ("--method", method)
    assert separate(chorale, *options, score="right.mid", out=right) == 0
    assert "mss-lab:" not in capsys.readouterr().err
    assert separate(chorale, *options, "--align", "auto", score="slow.mid", out=aligned) == 0
    said = capsys.readouterr()
    assert re.search(r"aligned: 0\.\d+ to 20\.\d+ s of the score .* confidence 0\.[89]\d", said.out)
    assert "doubtful" not in said.err
    assert separate(chorale, *options, "--align", "none", score="slow.mid", out=unaligned) == 0
    assert "hardly fits this recording" in capsys.readouterr().err
    wanted = stems_of(chorale / right)
    for name, waveform in stems_of(chorale / aligned).items():
        assert sdr(wanted[name], waveform) > sdr(wanted[name], stems_of(chorale / unaligned)[name]) + 5


def test_a_recording_of_a_part_is_found_in_its_score(chorale, capsys):
    midi.write_midi(chorale / "all.mid", notes.with_tempo(pieces.load("chorale_a").score, 0.8))
    assert separate(chorale, "--align", "auto", score="all.mid", out="part") == 0
    said = capsys.readouterr()
    assert "doubtful" not in said.err
    assert re.search(r"to 1[345]\.\d+ s of the score", said.out), said.out


def test_the_score_of_another_piece_is_said_to_be_doubtful(chorale, capsys):
    assert separate(chorale, "--align", "auto", score="wrong.mid", out="wrong") == 0
    assert "doubtful): is it of this piece? Give another" in capsys.readouterr().err


def test_directions_that_are_not_there_are_said_in_one_line(tmp_path, capsys):
    audio.write_audio(tmp_path / "mix.wav", signals.pan(signals.tone(440.0, 0.5, RATE), 0.5).astype("f"), RATE)
    command = ["separate", str(tmp_path / "mix.wav"), "--method", "adress", "--set", "count=3"]
    assert cli.main([*command, "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err.startswith("mss-lab: 3 sources were requested, but the panning histogram has only 1")
    assert list(stems_of(tmp_path / "out")) == ["pan_29"]


def test_aligning_needs_a_score(song, capsys):
    command = ["separate", str(song / "mix.wav"), "--method", "source-filter", "--align", "auto"]
    assert cli.main([*command, "--out", str(song / "out")]) == 2
    assert "--align auto needs a score" in capsys.readouterr().err
