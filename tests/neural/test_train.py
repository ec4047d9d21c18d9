"""The command that trains: from a store to weights, a card and a table, with nothing but the four libraries."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from mss_lab import cli
from mss_lab.datasets import store
from mss_lab.neural import apply, fit, models, recipes, train, weights
from mss_lab.neural.training_data import CueData, SongData
from tests.neural.toy_network import RATE_HZ, SOURCES, network, song
from tests.paths import ROOT

# Not the network's own order: names come from the data.
PLAYERS = SOURCES[::-1]


def make_stores(folder, rate_hz=RATE_HZ):
    facts = {"sources": list(PLAYERS), "sample_rate_hz": rate_hz, "engine": "sines"}
    for split, items in (("train", 4), ("valid", 2)):
        store.make(folder / split, song, items, facts={**facts, "split": split}, shard_items=2)
    return folder


@pytest.fixture
def data(tmp_path):
    return make_stores(tmp_path / "data")


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """The toy has a recipe for the length of a test; its settings depend on a score."""
    monkeypatch.setitem(models.MODELS, "toy", "tests.neural.toy_network:ToyNetwork")
    shown = SongData(sample_rate_hz=RATE_HZ, segment_s=0.25, batch=2, validate_batches=2)
    options = fit.FitOptions(steps=10, validate_every=5, learning_rate=0.01, schedule="cosine")
    made = recipes.Recipe("toy", {"hidden": 8, "score": True}, shown, options)
    monkeypatch.setitem(recipes.RECIPES, "toy", {"student": made, "paper": made})


def command(data, out, *more):
    return cli.main(["train", "toy", "--data", str(data), "--out", str(out), "--accelerator", "cpu", "--quiet", *more])


def test_a_store_becomes_weights_a_card_and_a_table(data, tmp_path, capsys):
    out = tmp_path / "out"
    assert command(data, out, "--seed", "3") == 0
    shown = capsys.readouterr().out
    assert "toy: 10 steps in" in shown and "all steps taken" in shown and str(out / "toy.safetensors") in shown
    model = weights.load(out / "toy.safetensors")
    assert (model.sources, model.settings.hidden, model.needs_score) == (PLAYERS, 8, True)
    card = weights.card(out / "toy.safetensors")
    assert (card["name"], card["preset"], card["seed"], card["steps"], card["dtype"]) == (
        "toy",
        "student",
        3,
        10,
        "float16",
    )
    assert card["data"]["engine"] == "sines" and card["data"]["items"] == 4
    assert card["made_by"] == "mss-lab train toy --data DATA --out OUT --config toy.json"
    assert card["training"]["data"]["batch"] == 2 and card["training"]["fit"]["seed"] == 3
    assert card["figures"]["judged on"] == "valid"
    assert str(tmp_path) not in json.dumps(card)
    with (out / "toy.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == [*PLAYERS, "mean"]
    assert [row["source"] for row in card["figures"]["table"]] == [*PLAYERS, "mean"]
    assert float(rows[0]["si_sdr"]) == card["figures"]["table"][0]["si_sdr"]


def test_time_that_is_up_leaves_weights_and_the_same_command_goes_on(data, tmp_path, capsys):
    assert command(data, tmp_path / "out", "--minutes", "0") == 0
    assert "time is up; the same command continues" in capsys.readouterr().out
    assert weights.card(tmp_path / "out" / "toy.safetensors")["stopped"] == "time"
    assert command(data, tmp_path / "out") == 0
    assert command(data, tmp_path / "whole") == 0
    resumed, whole = (weights.load(tmp_path / name / "toy.safetensors").state_dict() for name in ("out", "whole"))
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_a_store_alone_is_judged_on_itself(data, tmp_path):
    assert command(data / "train", tmp_path / "out") == 0
    assert weights.card(tmp_path / "out" / "toy.safetensors")["figures"]["judged on"] == "train"


def test_what_went_wrong_is_said_in_one_line(data, tmp_path, capsys):
    assert command(tmp_path / "nothing", tmp_path / "out") == 2
    assert str(tmp_path / "nothing") in capsys.readouterr().err
    assert command(make_stores(tmp_path / "fast", 16_000), tmp_path / "out") == 2
    assert "must be at 8000 Hz for this recipe, got 16000 Hz" in capsys.readouterr().err
    assert command(data, tmp_path / "out", "--steps", "5") == 0
    capsys.readouterr()
    assert command(data, tmp_path / "out", "--steps", "5", "--seed", "9") == 2
    error = capsys.readouterr().err
    assert "holds another run" in error and "seed was 0, is 9" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "words, refusal",
    [
        ("--set data.gains=5", "gains must be the lowest and the highest gain"),
        ("--set data.gains=[1,2,3]", "gains must be the lowest and the highest gain"),
        ("--set data.segment_s=abc", "segment_s must be a number above 0"),
        ("--set data.validate_batches=x", "validate_batches must be a whole number"),
        ("--set data.songs=x", "songs must be a whole number"),
        ("--precision foo", "options that Lightning refuses: Precision 'foo'"),
        ("--accelerator foo", "options that Lightning refuses"),
        ("--devices 0", "options that Lightning refuses"),
        ("--devices foo", "options that Lightning refuses"),
        ("--strategy foo", "options that Lightning refuses"),
        ("--compile maybe", "compile must be"),
        ("--config {folder}/binary.toml", "must be a TOML file"),
        ("--config {folder}/flat.toml", "fit must be a table"),
        ("--config {folder}/none.toml", "No such file"),
    ],
)
def test_bad_options_are_refused_in_one_line(data, tmp_path, capsys, words, refusal):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe[fit]")
    (tmp_path / "flat.toml").write_text("fit = 3")
    assert command(data, tmp_path / "out", *words.format(folder=tmp_path).split()) == 2
    error = capsys.readouterr().err
    assert refusal in error and error.count("\n") == 1


def test_whole_songs_are_separated_on_the_way_and_at_the_end(data, tmp_path):
    assert command(data, tmp_path / "out", "--songs-every", "5", "--set", "data.songs=2") == 0
    measured = [row["song_sdr_db"] for row in fit.read_curve(tmp_path / "out" / "run") if "song_sdr_db" in row]
    assert len(measured) == 2 and np.isfinite(measured).all()
    figures = weights.card(tmp_path / "out" / "toy.safetensors")["figures"]
    assert abs(figures["whole songs, SDR in dB"] - measured[-1]) < 0.5, "half precision costs next to nothing"


def test_a_perfect_network_and_one_that_does_nothing_are_told_apart():
    class Oracle(torch.nn.Module):
        sources = SOURCES

        def __init__(self, batch, part):
            super().__init__()
            self.batch, self.part = batch, part

        def forward(self, mixture, conditions=None):
            return self.part * self.batch["sources"] + (1 - self.part) * mixture[:, None]

    batch = {"sources": torch.from_numpy(np.random.default_rng(0).standard_normal((3, 2, 1000))).float()}
    batch["sources"][0, 1] = 0
    nothing, most = (train.judge(Oracle(batch, part), [batch]) for part in (0.0, 0.99))
    assert [row["source"] for row in nothing] == [*SOURCES, "mean"]
    # One example has one player alone: nothing can be improved there, and nothing is counted.
    assert [row["segments"] for row in nothing] == [2, 2, 4]
    assert all(abs(row["improvement"]) < 0.01 for row in nothing)
    assert all(row["improvement"] > 35 for row in most)


@pytest.mark.slow(6)
def test_training_needs_four_libraries_alone(data, tmp_path):
    """A subprocess in which no other library can be found trains and resumes, from the store to the table."""
    code = f"""
import importlib.machinery, importlib.metadata, sys
sys.path.insert(0, {str(ROOT)!r})
BLOCKED = {{"joblib", "scipy", "soundfile", "soxr", "music21", "librosa", "pretty_midi", "sklearn", "matplotlib",
            "numba", "pandas", "museval", "torchaudio", "IPython", "tensorboard", "mir_eval"}}
class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in BLOCKED else super().find_spec(name, path, target)
class Distribution(importlib.metadata.Distribution):
    find = importlib.metadata.Distribution.from_name
    @classmethod
    def from_name(cls, name):
        if name.lower() in BLOCKED:
            raise importlib.metadata.PackageNotFoundError(name)
        return cls.find(name)
importlib.metadata.Distribution = Distribution
sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Finder
import argparse
from mss_lab.cli import train
from mss_lab.neural import fit, models, recipes, training_data
models.MODELS["toy"] = "tests.neural.toy_network:ToyNetwork"
shown = training_data.SongData(sample_rate_hz={RATE_HZ}, segment_s=0.25, batch=2, validate_batches=2)
recipes.RECIPES["toy"] = {{"student": recipes.Recipe("toy", {{"score": True}}, shown, fit.FitOptions(steps=10))}}
parser = argparse.ArgumentParser()
train.add_arguments(parser)
options = ["toy", "--data", {str(data)!r}, "--out", {str(tmp_path / "out")!r}, "--accelerator", "cpu"]
assert train.run(parser.parse_args([*options, "--minutes", "0"])) == 0
assert train.run(parser.parse_args(options)) == 0
assert not BLOCKED & set(sys.modules), BLOCKED & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "toy.csv").exists()


@pytest.mark.parametrize("name", [name for name in recipes.RECIPES if name != "toy"])
def test_recipes_name_networks_and_settings_that_exist(name):
    for preset, recipe in recipes.RECIPES[name].items():
        kind = models.class_of(recipe.network)
        assert recipe is recipes.recipe(name, preset)
        if isinstance(recipe.data, CueData):
            assert models.settings_from(kind.Settings, recipe.settings) == kind.Settings()
            continue
        rate_hz = recipe.data.sample_rate_hz
        settings = models.settings_from(kind.Settings, {"sample_rate_hz": rate_hz, **recipe.settings})
        assert settings.sample_rate_hz == rate_hz
        # A network of waveforms has no window.
        assert recipe.data.segment_s * rate_hz >= getattr(settings, "window_samples", 1)


def test_students_are_small():
    for name, presets in recipes.RECIPES.items():
        recipe = presets["student"]
        rate_hz = getattr(recipe.data, "sample_rate_hz", 16_000)
        model = models.build(recipe.network, {"sample_rate_hz": rate_hz, **recipe.settings})
        count = sum(parameter.numel() for parameter in model.parameters())
        # In half precision 16 MB are 8 million.
        assert count <= (3.5e6 if recipe.network == "score-cnn" else 8e6), f"{name}: {count}"


def test_names_that_are_misspelt_are_refused():
    with pytest.raises(ValueError, match=r"recipe must be one of .* did you mean 'toy'"):
        recipes.recipe("tory")
    with pytest.raises(ValueError, match="preset must be one of 'paper', 'student'"):
        recipes.recipe("toy", "large")
    assert network().sources == SOURCES


@pytest.mark.parametrize(
    "name, settings",
    [
        ("conv-tasnet", {"filters": 8, "channels": 4, "hidden": 4, "blocks": 2, "repeats": 1}),
        ("demucs", {"channels": 2, "levels": 2}),
        ("hdemucs", {"window_samples": 1024, "channels": 4}),
        ("hybrid-demucs", {"channels": 2, "levels": 2}),
        ("multichannel-unet", {"window_samples": 254, "hop_samples": 64, "channels": 2, "levels": 2}),
        ("multires-unet", {"window_samples": 256, "hop_samples": 64, "coefficients": 128, "filters": 2, "levels": 2}),
        ("wave-unet", {"channels": 2, "levels": 2}),
    ],
)
def test_a_network_without_shipped_weights_is_trained_and_used(name, settings, data, tmp_path):
    changes = {"data.sample_rate_hz": RATE_HZ, "data.segment_s": 0.25, "data.batch": 2, "data.validate_batches": 1}
    changes |= {f"settings.{setting}": value for setting, value in settings.items()}
    sets = [text for change, value in changes.items() for text in ("--set", f"{change}={value}")]
    run = ["train", name, "--data", str(data), "--out", str(tmp_path / "out"), "--accelerator", "cpu", "--quiet"]
    assert cli.main([*run, "--steps", "2", *sets]) == 0
    path = tmp_path / "out" / f"{name}.safetensors"
    assert weights.load(path).sources == PLAYERS
    mixture = song(9)["audio"].astype(np.float32).sum(axis=0, keepdims=True)
    estimates = apply.network_separator(name)(mixture, RATE_HZ, weights=path)
    assert tuple(estimates) == PLAYERS and all(estimate.shape == mixture.shape for estimate in estimates.values())
