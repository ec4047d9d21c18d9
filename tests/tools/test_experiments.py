"""Experiments: what a record holds comes back, an interrupted run goes on, and what is no experiment is refused."""

import json

import numpy as np
import pytest

from mss_lab import experiments
from mss_lab.refusals import RefusedType, RefusedValue
from tests.paths import ROOT

HEAD = {"command": "python -m a.b", "about": "One against many.", "seeds": (1, 2), "recordings": ("Jupiter",)}


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("MSS_LAB_DATA", str(tmp_path))
    (tmp_path / "experiments").mkdir()
    return tmp_path / "experiments" / "09_made.json"


def filled(path):
    record = experiments.Record(path, **HEAD)
    for seed in (1, 2):
        for network in ("small", "large"):
            record.add(network=network, seed=seed, sdr_db=np.float32(seed + 0.5 * (network == "large")), ok=True)
    return record


def test_what_a_record_holds_comes_back(path):
    filled(path)
    loaded = experiments.load("09_made")
    assert experiments.names() == ("09_made",)
    assert (loaded.command, loaded.about) == (HEAD["command"], HEAD["about"])
    assert (loaded.seeds, loaded.recordings) == ((1, 2), ("Jupiter",))
    assert loaded.rows[1] == {"network": "large", "seed": 1, "sdr_db": 1.5, "ok": True}
    assert loaded.column("sdr_db", network="large").tolist() == [1.5, 2.5]
    assert loaded.values("network") == ("small", "large")
    assert [row["seed"] for row in loaded.where(network="small")] == [1, 2]


def test_a_run_that_was_interrupted_goes_on(path):
    filled(path)
    again = experiments.Record(path, **HEAD | {"seeds": (1, 2, 3)})
    assert again.has(network="small", seed=2) and not again.has(network="small", seed=3)
    again.add(network="small", seed=3, sdr_db=3.0)
    assert experiments.load("09_made").seeds == (1, 2, 3)
    assert experiments.load("09_made").column("sdr_db", network="small").tolist() == [1, 2, 3]


def test_a_card_states_the_origin(path):
    filled(path)
    loaded = experiments.load("09_made")
    for shown in (repr(loaded), loaded._repr_html_()):
        assert all(words in shown for words in ("python -m a.b", "One against many.", "1, 2", "Jupiter"))
    table = loaded.table("network", "sdr_db", seed=2)
    assert "large" in repr(table) and "2.5" in repr(table) and "1.5" not in repr(table)
    assert "<table" in table._repr_html_()


@pytest.mark.parametrize("value", [np.nan, np.inf, float("-inf")])
def test_what_is_not_finite_is_refused_and_the_file_unchanged(path, value):
    record = filled(path)
    before = path.read_bytes()
    with pytest.raises(RefusedValue, match="sdr_db must be finite"):
        record.add(network="small", sdr_db=value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, np.ones(2), 1j])
def test_what_is_no_single_value_is_refused(path, value):
    with pytest.raises(RefusedType, match="sdr_db must be a text, a number"):
        experiments.Record(path, **HEAD).add(sdr_db=value)
    assert not path.exists()


def test_an_unknown_experiment_or_column_is_refused_by_what_there_is(path):
    filled(path)
    with pytest.raises(LookupError, match="there is no experiment 'x'; there are 09_made"):
        experiments.load("x")
    with pytest.raises(LookupError, match=r"no 'sir' with network='small'; its columns are \['network', 'seed'"):
        experiments.load("09_made").column("sir", network="small")
    with pytest.raises(LookupError, match="network='huge'"):
        experiments.load("09_made").column("sdr_db", network="huge")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": [1]}', "words", json.dumps(HEAD | {"rows": [{"a": None}]})])
def test_a_damaged_file_is_refused_and_left_alone(path, text):
    path.write_text(text, encoding="utf-8")
    for use in (lambda: experiments.load("09_made"), lambda: experiments.Record(path, **HEAD)):
        with pytest.raises(RefusedValue, match=r"09_made\.json is not an experiment"):
            use()
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("path", sorted((ROOT / "data" / "experiments").glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_experiment_states_its_command_and_lesson(path):
    experiment = experiments.read(path)
    assert experiment.command.startswith("python -m tests.benchmarks.") and experiment.about and experiment.rows
    assert list((ROOT / "notebooks").glob(f"{experiment.name[:2]}_*.ipynb")), "its name begins with a lesson's number"
