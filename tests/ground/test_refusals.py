"""Refusals are what Python programmers catch, missing libraries come with their remedy, and faults keep their name."""

import subprocess
import sys

import numpy as np
import pytest

from mss_lab import audio, catalogue, cli, refusals, signals
from mss_lab.score.files import write_csv
from mss_lab.score.notes import Note, Score
from mss_lab.spatial import adress
from mss_lab.spatial.panning import PanWarning


@pytest.mark.parametrize(
    "refusal, builtin",
    [
        (refusals.RefusedValue, ValueError),
        (refusals.ShapeError, ValueError),
        (refusals.RefusedType, TypeError),
        (refusals.MissingExtra, ModuleNotFoundError),
        (refusals.MissingDownload, ConnectionError),
    ],
)
def test_a_refusal_is_caught_as_the_builtin_exception(refusal, builtin):
    with pytest.raises(builtin) as caught:
        raise refusal("wanted this, got that; do so")
    assert isinstance(caught.value, refusals.Refusal)
    assert str(caught.value) == "wanted this, got that; do so"


def test_an_installed_library_is_imported():
    assert refusals.require("json.decoder", "this test").__name__ == "json.decoder"


def test_a_missing_library_is_named_with_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setitem(refusals.EXTRAS, "no_such_library", "scores")
    with pytest.raises(refusals.MissingExtra, match=r"reading X needs no_such_library.*mss-lab\[scores\].*or use MIDI"):
        refusals.require("no_such_library", "reading X", otherwise="use MIDI")


def test_a_library_of_no_extra_is_a_fault_and_no_refusal():
    with pytest.raises(ModuleNotFoundError) as caught:
        refusals.require("no_such_library", "reading X")
    assert not isinstance(caught.value, refusals.Refusal)


def test_faults_keep_their_traceback_and_refusals_show_it_on_request(monkeypatch, capsys):
    def fails(*arguments, **options):
        raise ValueError("operands could not be broadcast")

    monkeypatch.setattr(catalogue.Method, "missing", fails)
    with pytest.raises(ValueError, match="broadcast"):
        cli.main(["methods"])
    for arguments in (["--traceback", "separate"], ["separate", "--traceback"]):
        command = [*arguments, "none.wav", "--out", "out", "--method", "nmff"]
        assert cli.main(command) == 2
        said = capsys.readouterr().err
        assert "Traceback" in said
        assert said.splitlines()[-1].startswith("mss-lab: method must be one of")
    assert cli.main(["separate", "none.wav", "--out", "out", "--method", "nmff"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_warning_points_at_the_line_outside_the_package():
    # However many functions of the package lie between, and whether a method is called by its name or in the catalogue.
    mixture = np.repeat(np.sin(np.arange(8000) / 5)[np.newaxis], 2, axis=0).astype(np.float32)
    for separate in (adress.separate, catalogue.separator("adress"), catalogue.separator("duet")):
        with pytest.warns(PanWarning, match="4 sources were requested") as caught:
            separate(mixture, 16_000, count=4)
        assert caught[0].filename == __file__


WITHOUT_TORCH = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchaudio", "lightning", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())

from mss_lab import catalogue, cli, compare
from mss_lab.datasets import pieces

folder = sys.argv[1]
score = ["--score", f"{folder}/score.csv"]
out = ["--out", f"{folder}/out"]
assert cli.main(["methods"]) == 0
cli.main(["doctor"])
for method in ("xumx", "refined-nmf", "score-cnn"):
    assert cli.main(["separate", f"{folder}/mix.wav", *score, *out, "--method", method]) == 2
assert cli.main(["separate", f"{folder}/mix.wav", *out, "--method", "local-gaussian", "--set", "start=xumx"]) == 2
assert cli.main(["separate", f"{folder}/mix.wav", *score, *out]) == 0
try:
    compare.compare({"xumx": catalogue.separator("xumx")}, [pieces.load("song")])
except ModuleNotFoundError as error:
    print(error, file=sys.stderr)
"""


@pytest.mark.slow(1.7)
def test_without_torch_every_network_is_listed_and_named_with_its_remedy(tmp_path):
    audio.write_audio(tmp_path / "mix.wav", signals.pan(signals.tone(440.0, 0.5, 16_000), 0.5).astype("f"), 16_000)
    write_csv(tmp_path / "score.csv", Score((Note("violin", 69, 0.0, 0.5),)))
    command = [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    remedy = "needs torch, which is not installed; install it with: pip install 'mss-lab[train]'"
    of_networks = [method for method in catalogue.METHODS if str(method.function).startswith(".neural")]
    # Models of other packages name the extra that installs those, and torch with them.
    networks = [method.name for method in of_networks if not method.downloads]
    assert len(networks) > 5
    # Options are listed all the same.
    assert "    overlap_s=4  (0 to 60 seconds)\n" in run.stdout
    for name in networks:
        assert f"Not ready: {name} {remedy}\n" in run.stdout
    assert "torch is not installed" in run.stdout
    said = run.stderr.splitlines()
    assert said == [
        f"mss-lab: method xumx {remedy}",
        f"mss-lab: method refined-nmf {remedy}",
        f"mss-lab: method score-cnn {remedy}",
        f"mss-lab: method xumx {remedy}",
        f"method xumx {remedy}",
    ]
