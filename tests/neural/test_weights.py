"""Weights come back as they were stored, from files that cannot run anything, and never without their card."""

import json
import pickle
import resource

import pytest
import safetensors.torch
import torch
from numpy.testing import assert_allclose

from mss_lab.neural import models, weights
from tests.neural import toy_network
from tests.neural.toy_network import batches, network
from tests.neural.training import Trap


@pytest.fixture(autouse=True)
def listed(monkeypatch):
    """The toy is a network of the package's for the length of a test."""
    monkeypatch.setitem(models.MODELS, "toy", "tests.neural.toy_network:ToyNetwork")


@pytest.fixture
def stored(tmp_path):
    model = network(seed=3, hidden=9)
    with torch.no_grad():
        model.norm.running_var.fill_(1e6)
    path = tmp_path / "toy.safetensors"
    weights.save(model, path, {"data": "two tones", "seed": 3})
    return model.eval(), path


def test_weights_come_back(stored):
    model, path = stored
    back = weights.load(path)
    assert back.settings == model.settings
    assert not back.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor)
    mixture = batches(0)["sources"].sum(dim=1)
    assert torch.equal(back(mixture), model(mixture))


def test_half_precision_halves_the_file_and_nearly_nothing_else(stored, tmp_path):
    model, path = stored
    weights.save(model, tmp_path / "half.safetensors", {}, dtype="float16")
    back = weights.load(tmp_path / "half.safetensors")
    numbers = safetensors.torch.load_file(tmp_path / "half.safetensors")
    assert numbers["first.weight"].dtype == torch.float16
    assert numbers["norm.running_var"].dtype == torch.float32
    assert (tmp_path / "half.safetensors").stat().st_size < 0.65 * path.stat().st_size
    for name, tensor in model.state_dict().items():
        assert back.state_dict()[name].dtype == tensor.dtype
        assert_allclose(back.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)
    assert weights.card(tmp_path / "half.safetensors")["dtype"] == "float16"


def test_the_card_says_what_is_known(stored):
    model, path = stored
    card = weights.card(path)
    assert card["network"] == "toy"
    assert card["settings"]["hidden"] == 9
    assert card["sources"] == ["violin", "bassoon"]
    assert (card["sample_rate_hz"], card["needs_score"], card["dtype"]) == (8000, False, "float32")
    assert card["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert (card["data"], card["seed"]) == ("two tones", 3)
    with pytest.raises(ValueError, match="card must leave sha256, parameters to this function"):
        weights.save(model, path, {"sha256": "", "parameters": 1, "seed": 1})


def test_storing_changes_nothing(tmp_path):
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    weights.save(model, tmp_path / "toy.safetensors", {}, dtype="float16")
    assert model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]) and tensor.dtype == before[name].dtype


@pytest.mark.parametrize("harm", [lambda data: data[:-7], lambda data: b"", lambda data: data[:-1] + b"\x01"])
def test_a_damaged_file_is_refused(stored, harm):
    path = stored[1]
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(ValueError, match=r"toy\.safetensors is damaged, or not the file that its card toy\.json was"):
        weights.load(path)


@pytest.mark.parametrize("name", ["model.pt", "model.ckpt", "model.pth", "model.bin", "model"])
def test_a_pickle_is_not_opened(tmp_path, monkeypatch, name):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    (tmp_path / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"must end in \.safetensors, got model.*can run code"):
        weights.load(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_under_our_name_is_not_opened(stored, tmp_path, monkeypatch):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    path = stored[1]
    torch.save(Trap(), path)
    with pytest.raises(ValueError, match="is damaged"):
        weights.load(path)
    vouch(path)
    with pytest.raises(ValueError, match="does not hold the weights of a toy"):
        weights.load(path)
    assert not (tmp_path / "sprung").exists()


def vouch(path, **changes):
    """Let the card say that the file is the right one."""
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, "sha256": weights.shipping.sha256(path), **changes}))


def test_weights_of_another_network_are_refused(stored):
    path = stored[1]
    vouch(path, settings={"hidden": 10})
    with pytest.raises(
        ValueError, match=r"does not hold the weights of a toy with its card's settings \(size mismatch"
    ):
        weights.load(path)
    vouch(path, settings={"hiden": 10})
    with pytest.raises(ValueError, match=r"setting must be one of .* did you mean 'hidden'"):
        weights.load(path)
    vouch(path, network="tory")
    with pytest.raises(ValueError, match=r"a network called tory, which is not known here; load the file that defines"):
        weights.load(path)
    safetensors.torch.save_file({"strange": torch.zeros(3)}, path)
    vouch(path, network="toy", settings={"hidden": 9})
    with pytest.raises(ValueError, match="does not hold the weights of a toy"):
        weights.load(path)


def test_a_file_without_a_card_is_refused(stored):
    path = stored[1]
    card = path.with_suffix(".json")
    for text, words in (("{", "is damaged"), ("[]", "must be the card of a network"), ("{}", "must be the card of a")):
        card.write_text(text)
        with pytest.raises(ValueError, match=words):
            weights.load(path)
    card.unlink()
    with pytest.raises(FileNotFoundError, match=r"toy\.json, the card of these weights, does not exist"):
        weights.load(path)
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors does not exist"):
        weights.load(path.with_name("none.safetensors"))


def test_weights_that_are_no_numbers_or_do_not_fit_are_not_stored(tmp_path):
    model = network()
    with torch.no_grad():
        model.first.weight[0, 0] = 1e5
    with pytest.raises(ValueError, match=r"first\.weight must fit into half precision, got a largest value of 1e\+05"):
        weights.save(model, tmp_path / "toy.safetensors", {}, dtype="float16")
    weights.save(model, tmp_path / "toy.safetensors", {})
    with torch.no_grad():
        model.first.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"weights must be finite, got first\.weight"):
        weights.save(model, tmp_path / "other.safetensors", {})
    assert not list(tmp_path.glob("other*"))


def test_a_full_disk_is_said_and_costs_nothing_that_was_there(stored):
    path = stored[1]
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match=r"toy\.safetensors could not be written \(.*\); make room"):
            weights.save(network(seed=8), path, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    with pytest.raises(FileExistsError, match="exists already"):
        weights.save(network(seed=8), path, {}, force=False)


def test_a_network_is_built_by_name():
    model = models.build("toy", {"sources": ["a", "b", "c"], "hidden": 4})
    assert model.sources == ("a", "b", "c")
    assert models.name_of(model) == "toy"
    with pytest.raises(ValueError, match=r"network must be one of .* did you mean 'toy'"):
        models.build("toyy")

    class Stranger(toy_network.ToyNetwork):
        pass

    with pytest.raises(ValueError, match="to be built again by name, got a Stranger; add it with"):
        models.name_of(Stranger(toy_network.ToySettings()))


@pytest.mark.parametrize("name", [name for name in models.MODELS if name != "toy"])
def test_every_network_that_is_listed_can_be_built_and_is_what_it_should_be(name):
    kind = models.class_of(name)
    settings = kind.Settings()
    json.dumps(weights.dataclasses.asdict(settings))
    assert models.settings_from(kind.Settings, json.loads(json.dumps(weights.dataclasses.asdict(settings)))) == settings


def test_shipped_networks_are_found_by_name(stored, tmp_path, monkeypatch):
    monkeypatch.setenv("MSS_LAB_DATA", str(tmp_path / "data"))
    assert weights.shipped_names() == ()
    folder = tmp_path / "data" / "models" / "networks"
    folder.mkdir(parents=True)
    for ending in (".safetensors", ".json"):
        stored[1].with_suffix(ending).rename(folder / f"small{ending}")
    assert weights.shipped_names() == ("small",)
    assert weights.shipped("small").settings.hidden == 9
    assert weights.shipped_card("small")["settings"]["hidden"] == 9
    with pytest.raises(ValueError, match="small"):
        weights.shipped_card("smal")
    with pytest.raises(ValueError, match=r"network must be one of 'small', got 'smal'; did you mean 'small'"):
        weights.shipped("smal")
