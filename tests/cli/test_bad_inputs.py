"""Bad inputs for the command line, drawn at random: no traceback, nothing lost or left behind, no waiting.

MSS_LAB_BAD_INPUTS says how many are tried, 320 without it. `python -m tests.cli.bad_inputs --only N` shows
one of them.
"""

import os
import re
import subprocess
import sys

import pytest

from tests.cli import bad_inputs
from tests.folders import snapshot
from tests.paths import ROOT

COUNT = int(os.environ.get("MSS_LAB_BAD_INPUTS", "320"))
# Each part starts an interpreter of its own, from which the calls are forked: nothing of pytest is in their way.
PARTS = 2


@pytest.mark.slow(11)
@pytest.mark.parametrize("part", range(PARTS))
def test_bad_inputs_are_refused_in_words_and_nothing_is_lost(part):
    first, count = part * -(-COUNT // PARTS), -(-COUNT // PARTS)
    command = [sys.executable, "-m", "tests.cli.bad_inputs", "--first", str(first), "--count", str(count)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=count * bad_inputs.LONGEST_S)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(rf"^{count} inputs ended: .*; 0 wrong; ", run.stdout, re.MULTILINE)
    statuses = {int(status): int(times) for times, status in re.findall(r"(\d+) with (\d+)", run.stdout)}
    # Most are refused, but some of what is odd is none the worse for it.
    assert statuses[2] > count / 2
    assert statuses[0] > 0


def test_the_inputs_are_of_many_kinds(tmp_path):
    labels = set()
    for number in range(100):
        folder = tmp_path / str(number)
        folder.mkdir()
        label, called = bad_inputs.case(number, 0, folder)
        labels.add(label)
        assert all(isinstance(str(argument), str) for argument in called.arguments)
    assert len(labels) > 80


def fails(arguments):
    print("mss-lab: a\x1b[31mb", file=sys.stderr)
    raise ValueError("operands could not be broadcast")


def deletes(arguments):
    os.unlink("mix.wav")  # noqa: PTH108
    os.mkdir(".mss-lab-left")  # noqa: PTH102
    print("mss-lab: refused", file=sys.stderr)
    return 2


def waits(arguments):
    import time

    time.sleep(60)


@pytest.mark.parametrize(
    "call, longest_s, words",
    [
        (lambda arguments: 3, 20, ["exit status 3"]),
        (lambda arguments: 2, 20, ["refused without a word"]),
        (fails, 20, ["exit status 99", "raw words", "a control character", "not of mss-lab alone"]),
        (deletes, 20, ["here/mix.wav was changed or lost", "here/.mss-lab-left was left behind"]),
        (waits, 0.2, ["took more than"]),
    ],
)
def test_what_is_wrong_is_noticed(call, longest_s, words):
    number = next(n for n in range(100) if "separate" in str(bad_inputs.case_of(n, 0)[1].arguments[:1]))
    *_, found = bad_inputs.try_case(number, 0, call, longest_s)
    assert all(any(word in what for what in found) for word in words), found


REAL = {
    "no such file": ["separate", "gone.wav", "--method", "hpss", "--out", "out"],
    "empty": ["separate", "empty.wav", "--method", "hpss", "--out", "out"],
    "text": ["separate", "text.wav", "--method", "hpss", "--out", "out"],
    "a pipe": ["separate", "pipe.wav", "--method", "hpss", "--out", "out"],
    "a device": ["separate", "/dev/zero", "--method", "hpss", "--out", "out"],
    "a link that leads back": ["separate", "loop.wav", "--method", "hpss", "--out", "out"],
    "a foreign codec": ["separate", "codec.wav", "--method", "hpss", "--out", "out"],
    "an absurd option": ["separate", "mix.wav", "--method", "hpss", "--set", "window_s=1e9", "--out", "out"],
    "endless iterations": ["separate", "mix.wav", "--method", "ilrma", "--set", "iterations=1e12", "--out", "out"],
    "players of no form": ["separate", "mix.wav", "--method", "xumx", "--set", "players=foo", "--out", "out"],
    "its own folder": ["separate", "mix.wav", "--method", "hpss", "--out", ".", "--force"],
    "a folder of the system": ["separate", "mix.wav", "--method", "hpss", "--out", "/proc/out"],
    "a full device": ["evaluate", "stems", "stems", "--csv", "/dev/full"],
    "an input as table": ["evaluate", "stems", "stems", "--csv", "stems/low.wav", "--force"],
    "a score of entities": ["separate", "mix.wav", "--score", "bomb.musicxml", "--out", "out"],
    "notes in the file of the sound": ["transcribe", "mix.wav", "--out", "mix.wav", "--force"],
    "no sound to transcribe": ["transcribe", "gone.wav", "--out", "notes.mid", "--network", "mask-inference"],
    "an unknown command": ["seperate", "\x1b[31m"],
}


@pytest.fixture(scope="module")
def odd_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    bad_inputs.good_audio(folder)
    bad_inputs.good_stems(folder)
    for make in ("empty", "text", "a pipe", "a loop of links"):
        bad_inputs.AUDIO[make](folder, None)
    bad_inputs.AUDIO["an unknown codec"](folder, None).rename(folder / "codec.wav")
    bad_inputs.SCORES["entities"](folder, None)
    return folder


@pytest.mark.parametrize("name", REAL)
def test_a_real_process_refuses_in_one_line(odd_files, name):
    before = snapshot(odd_files)
    command = [sys.executable, "-m", "mss_lab.cli", *REAL[name]]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=odd_files, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    outcome = bad_inputs.Outcome(run.returncode, run.stdout, run.stderr, 0.0)
    after = snapshot(odd_files)
    assert bad_inputs.complaints(outcome, bad_inputs.Case(REAL[name]), before, after) == []
    assert run.returncode == 2
    assert run.stderr.startswith("mss-lab: ") or run.stderr.startswith("usage: ")
