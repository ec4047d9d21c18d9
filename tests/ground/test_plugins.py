"""Plugins: a Python file of one's own stands in the catalogue and on the command line."""

import os
import sys

import numpy as np
import pytest

from mss_lab import audio, catalogue, cli, plugins, signals

RATE = 16_000
MINE = """
from mss_lab import catalogue, options
from mss_lab.method import Method
import helper_of_mine

@options.within(gain=options.Number(0, 2))
def separate(mixture, sample_rate_hz, score=None, *, gain=0.5):
    return {"loud": gain * mixture, "rest": mixture - gain * mixture}

catalogue.register(Method(name=helper_of_mine.NAME, title="A gain", function=separate))
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A plugin, with a file beside it that it imports; all traces are removed."""
    (tmp_path / "my_method.py").write_text(MINE)
    (tmp_path / "helper_of_mine.py").write_text("NAME = 'gain'")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    before = set(sys.modules)
    yield tmp_path / "my_method.py"
    for name in ("my_method", "helper_of_mine", "other"):
        if name not in before:
            sys.modules.pop(name, None)
    for name in catalogue.names()[len(catalogue.METHODS) :]:
        catalogue.unregister(name)


def test_a_plugin_registers_a_method_and_may_run_again(mine):
    module = plugins.load(mine)
    assert catalogue.separator("gain").func.__wrapped__ is module.separate
    assert sys.modules["my_method"] is module
    again = plugins.load(str(mine))
    assert again is not module
    assert catalogue.separator("gain").func.__wrapped__ is again.separate


@pytest.mark.parametrize("by_variable", [False, True])
def test_the_command_line_separates_with_a_plugin(mine, tmp_path, monkeypatch, capsys, by_variable):
    mixture = signals.tone(440.0, 0.2, RATE).astype(np.float32)
    audio.write_audio(tmp_path / "mix.wav", mixture, RATE)
    named = [] if by_variable else ["--plugin", str(mine)]
    if by_variable:
        (tmp_path / "other.py").write_text("")
        monkeypatch.setenv(plugins.VARIABLE, os.pathsep.join(["", str(tmp_path / "other.py"), str(mine)]))
    command = ["separate", str(tmp_path / "mix.wav"), "--out", str(tmp_path / "out"), "--method", "gain"]
    assert cli.main([*command, *named, "--set", "gain=0.25"]) == 0
    assert np.allclose(audio.read_audio(tmp_path / "out" / "loud.wav")[0], 0.25 * mixture)
    assert cli.main([*command, *named, "--set", "gain=3", "--force"]) == 2
    assert "gain must be a number at least 0 and at most 2, got 3" in capsys.readouterr().err
    assert cli.main(["methods", "gain", *named]) == 0
    assert "gain\n  A gain.\n" in capsys.readouterr().out
    assert cli.main(["methods", *named]) == 0
    assert "  gain=0.5  (0 to 2)" in capsys.readouterr().out.splitlines()[-1]


def test_each_plugin_runs_once_however_often_it_is_named(mine, tmp_path, monkeypatch):
    other = tmp_path / "other.py"
    other.write_text("import pathlib; log = pathlib.Path(__file__ + '.log')\n"
                     "log.write_text((log.read_text() if log.exists() else '') + 'x')\n")  # fmt: skip
    monkeypatch.setenv(plugins.VARIABLE, str(other))
    plugins.load_all([other, tmp_path / ".." / tmp_path.name / "other.py"])
    assert (tmp_path / "other.py.log").read_text() == "x"


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("missing.py", None, "missing.py does not exist"),
        ("notes.txt", "", "must be a Python file"),
        ("a.b.py", "", "must be a Python file"),
        ("json.py", "", "has the name of the module json"),
        ("numpy.py", "", "has the name of the module numpy"),
        ("antigravity.py", "", "has the name of the module antigravity"),
        ("other.py", "1 / 0", "stopped with ZeroDivisionError: division by zero"),
        ("other.py", "def f(:", "stopped with SyntaxError"),
        ("other.py", "import no_such_library", "stopped with ModuleNotFoundError: No module named 'no_such_library'"),
    ],
)
def test_what_is_no_plugin_is_refused_in_one_line(mine, tmp_path, capsys, name, text, words):
    if text is not None:
        (tmp_path / name).write_text(text)
    assert cli.main(["methods", "--plugin", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert "other" not in sys.modules
