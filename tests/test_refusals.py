"""Refusals are what Python programmers catch, missing libraries come with their remedy, and faults keep their name."""

import numpy as np
import pytest

from mss_lab import catalogue, cli, refusals
from mss_lab.spatial import adress
from mss_lab.spatial.panning import PanWarning


@pytest.mark.parametrize(
    "refusal, builtin",
    [
        (refusals.RefusedValue, ValueError),
        (refusals.ShapeError, ValueError),
        (refusals.RefusedType, TypeError),
        (refusals.MissingExtra, ModuleNotFoundError),
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

    monkeypatch.setattr(catalogue.Method, "options", fails)
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
        with pytest.warns(PanWarning, match="4 sources were asked for") as caught:
            separate(mixture, 16_000, count=4)
        assert caught[0].filename == __file__
