"""Every benchmark runs at a small size and prints its table, so that none stops to work unnoticed.

Nothing is said of times and figures here: they are what a benchmark is run for, on a quiet machine.
"""

import importlib
import re
import subprocess
import sys

import numpy as np
import pytest

from mss_lab import audio, signals
from mss_lab.score.files import write_csv
from mss_lab.score.notes import Note, Score
from tests.paths import ROOT

FOLDER = ROOT / "tests" / "benchmarks"
# Modules that benchmarks share.
SHARED = {
    "action_times",
    "code_overlap",
    "head_measures",
    "lesson_experiments",
    "memory",
    "plain_training",
    "query_cases",
    "recordings",
}

RATE_HZ = 16_000
SECONDS = 1.5
PIECES = {
    "Bach10-excerpts/one": {"violin": 72, "clarinet": 67, "saxophone": 60, "bassoon": 48},
    "URMP-16k/11_Maria_ob_vc": {"oboe": 72, "cello": 48},
    "URMP-16k/39_Jerusalem_vn_vn_va_sax_db": {"vnA": 76, "vnB": 67, "viola": 60, "sax": 55, "bass": 40},
}

# For each benchmark, the arguments that make it small, and words that its table must hold.
SMALL = {
    "ablation": (["--small", "--seeds", "1"], ["all ideas", "no bridges", "recordings"]),
    "averaged_runs": (
        ["--length", "0.5", "--seeds", "1", "--runs", "2", "--methods", "ilrma"],
        ["gain (dB)", "room", "ilrma: averaging 2 runs"],
    ),
    "combination_loss": (
        ["--repeats", "1", "--length", "0.3", "--batch", "1", "--sources", "2"],
        ["loss, forward + backward", "step, peak (MB)", "torch.float64"],
    ),
    "edit_time": (["--seconds", "1"], ["edit, clock (s)", "1 s, stereo, 44.1 kHz"]),
    "engines": (["--seconds", "0.5", "--voices", "1"], ["drawing the notes", "soundfont"]),
    "ensembles": (
        ["--length", "1", "--members", "xumx", "mask-inference"],
        ["judged on chorale_b", "fitted, average", "bands and levels", "bound: weights"],
    ),
    "exercises": (["--small"], ["kind", "4.1", "lesson 04", "lessons keep the rules"]),
    "grading": (["--copies", "2", "--jobs", "2"], ["peak (GB)"]),
    "heads": (
        ["heads", "check", "informed", "instruments", "--small"],
        ["Cerberus: DC+MI+TR: seen", "reads residual, stems shuffled", "2 instruments"],
    ),
    "hierarchy_levels": (
        ["levels", "queries", "variants", "--small"],
        ["multi-level, unconstrained", "single-level, labelled 0.1", "absent", "another recording", "no names"],
    ),
    "ideas": ([], ["informed NMF as it is", "each key at one pitch", "score masks"]),
    "lesson_06_recordings": (["--small"], ["Song without words", "runs 1", "runs 4"]),
    "lesson_07_recordings": (["--small"], ["written", "refined", "confidence"]),
    "lesson_08_recordings": (["--small"], ["informed NMF", "fixed templates: the stems", "oracle Wiener"]),
    "lesson_09_recordings": (["--small"], ["masks as in the paper", "aligned, 0.2 s"]),
    "lesson_12_recordings": (["--small"], ["adress", "true ratio mask", "panned"]),
    "lesson_00_recordings": (["--small"], ["score-masks", "refined-nmf", "oracle"]),
    "long_memory": (["--minutes", "0.05", "--method", "score-masks", "adress"], ["score-masks", "adress"]),
    "long_file": (["--minutes", "0.7"], ["informed-nmf", "SDR at seams"]),
    "network_experiments": (
        ["recordings", "bach10", "--small"],
        ["xumx-informed, fine", "xumx-informed, another's", "filter alone, fine"],
    ),
    "networks": (["--songs", "1", "--song-length", "4"], ["refined-nmf", "oracle wiener", "Jerusalem"]),
    "nmf": (["--rank", "3", "--iterations", "2", "--repeats", "1", "--lengths", "0.5"], ["float64", "slower in"]),
    "onsets": (["--repeats", "1", "--beats", "8", "--cases", "plucked", "violin"], ["refined", "plucked", "violin"]),
    "paces": (["score-masks", "adress", "hpss", "duet", "--length", "2"], ["score-masks", "hpss"]),
    "position_speed": (
        ["--length", "1", "--repeats", "1", "--methods", "adress", "hpss"],
        ["adress", "HPSS beside librosa", "window dragged"],
    ),
    "sample_rates": (
        ["--length", "1", "--methods", "adress", "hpss", "score-masks", "source-filter", "--seeds", "2"],
        ["adress", "chorale_a", "48 kHz", "Beyond 0.3 dB"],
    ),
    "steering_experiments": (
        ["baseline", "interpolation", "moved", "variants", "--small"],
        ["quartets, coarse notes", "seen, from transcribed", "seen: 3 moves", "residual, no note moved"],
    ),
    "timbres": (["--small", "--seeds", "1"], ["1 pair", "32 pairs, mixed anew", "new_db"]),
    "training": (["--steps", "2"], ["tiny", "student"]),
    "transforms": (["--minutes", "0.02", "--rounds", "1"], ["istft", "stdct"]),
    "validation_curve": (["--small", "--seeds", "1"], ["one song", "many songs", "validation_loss"]),
    "xumx_students": (["--steps", "1", "--sizes", "hidden=8"], ["xumx-informed", "xumx-score-only"]),
}

# Those that drive a browser: their arguments, and a pattern of the rows with times, which must match so often.
IN_BROWSER = {
    "dragged_window": (["--moves", "1", "--length", "2"], r"^(?:histogram|ADRess).*\d+, \d+", 4),
    "player_opening": (["--length", "4", "--stems", "2"], r"^(?:from|until|memory).* \d+", 4),
    "editor_speed": (
        ["--actions", "1", "--frames", "20", "--length", "2", "--rows", "10,000 notes over 30 s", "DSIS"],
        r"^.*\d+\.\d+.*\d+\.\d+.*$",
        2,
    ),
    "painter_speed": (
        ["--actions", "1", "--length", "2", "--components", "4"],
        r"^(?:painter|explorer), .*\d\.\d+ +\d\.\d+ +\d+\.\d+$",
        4,
    ),
}

# Those that have a test of their own, beside the tests of what they measure.
ELSEWHERE = {
    "agreement": "score/test_agreement.py",
    "align": "score/test_align.py",
    "score_informed": "tools/test_compare.py",
    "stereo": "tools/test_compare.py",
}


@pytest.fixture(scope="module")
def few_recordings(tmp_path_factory):
    """A folder laid out like that of the real recordings, with seconds of plain tones."""
    root = tmp_path_factory.mktemp("recordings")
    for folder, players in PIECES.items():
        (root / folder).mkdir(parents=True)
        written = []
        for number, (player, midi) in enumerate(players.items()):
            start_s = 0.1 * number
            tone = signals.harmonic_tone(440 * 2 ** ((midi - 69) / 12), SECONDS - start_s, RATE_HZ, amplitude=0.1)
            waveform = np.pad(tone, ((0, 0), (round(start_s * RATE_HZ), 0)))
            audio.write_audio(root / folder / f"{player}.flac", waveform, RATE_HZ)
            written.append(Note(player, midi, start_s, SECONDS))
        score = Score(tuple(written), tuple(players))
        for file in ("notes.csv", "notes_coarse.csv"):
            write_csv(root / folder / file, score)
    return root


def table_of(name, arguments, capsys):
    """What a benchmark prints; a failure in it is an exception or the word FAILED."""
    module = importlib.import_module(f"tests.benchmarks.{name}")
    # Some end with 1 where a limit of time was not kept, which is not judged here.
    assert module.main(arguments) in (0, 1)
    return capsys.readouterr().out


def test_every_benchmark_is_run():
    files = {path.stem for path in FOLDER.glob("[!_]*.py")} - SHARED
    assert files == {*SMALL, *ELSEWHERE, *IN_BROWSER}
    for name, file in ELSEWHERE.items():
        text = (FOLDER.parent / file).read_text(encoding="utf-8")
        assert f"tests.benchmarks.{name}" in text or f"from tests.benchmarks import {name}" in text


@pytest.mark.slow(34)
@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_prints_its_table(name, few_recordings, monkeypatch, capsys):
    monkeypatch.setenv("MSS_LAB_RECORDINGS", str(few_recordings))
    table = table_of(name, SMALL[name][0], capsys)
    for words in SMALL[name][1]:
        assert words in table
    assert "FAILED" not in table
    assert not re.search(r"\bnan\b", table, re.IGNORECASE)
    assert len(re.findall(r"\d+\.\d+", table)) >= 4


@pytest.mark.slow(41)
@pytest.mark.browser
@pytest.mark.parametrize("name", IN_BROWSER)
def test_a_benchmark_in_a_browser_prints_its_table(name):
    arguments, row, count = IN_BROWSER[name]
    # In a process of its own: another test of this one may have left an event loop running.
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # Some end with 1 where a limit of time was not kept, which is not judged here.
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert len(re.findall(row, done.stdout, re.MULTILINE)) == count, done.stdout
