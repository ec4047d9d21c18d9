"""The contract of networks: every network that ships or can be trained has what training and separation rely on."""

import inspect

import pytest
import torch

from mss_lab.neural import contracts, models, recipes
from mss_lab.refusals import RefusedType
from tests.neural.toy_network import network

RECURRENT = {"window_samples": 512, "hop_samples": 128, "hidden": 4, "layers": 1}
SMALL = {
    "cerberus": {**RECURRENT, "dimensions": 2},
    "context-window": {"hidden": 4},
    "conv-tasnet": {"filters": 8, "channels": 4, "hidden": 8, "blocks": 3, "repeats": 1},
    "demucs": {"channels": 2, "levels": 3, "recurrent_layers": 1},
    "dsis": {**RECURRENT, "score_hidden": 4, "score_layers": 1, "embedding": 4},
    "hdemucs": {"window_samples": 1024, "channels": 4},
    "hierarchical": RECURRENT,
    "hybrid-demucs": {"channels": 2, "levels": 2},
    "mask-inference": {"hidden": 4, "layers": 1},
    "multichannel-unet": {"window_samples": 510, "hop_samples": 128, "channels": 2, "levels": 2},
    "multires-unet": {"window_samples": 512, "hop_samples": 128, "filters": 2, "levels": 2},
    "query-by-example": {**RECURRENT, "query_hidden": 4, "query_layers": 1, "dimensions": 3},
    "refiner": {"channels": (4, 4), "bins": 64, "window_samples": 512, "hop_samples": 128},
    "score-cnn": {
        "window_samples": 512,
        "hop_samples": 128,
        "bins": 129,
        "filters": 2,
        "bottleneck": 4,
        "time_kernel": 4,
        "frames": 8,
    },
    "transcriber": {**RECURRENT, "source_hidden": 4, "source_layers": 1, "embedding": 4},
    "wave-unet": {"levels": 3, "channels": 4},
    "xumx": {"window_samples": 512, "hop_samples": 128, "hidden": 4, "layers": 1},
    "xumx-informed": {"window_samples": 512, "hop_samples": 128, "hidden": 4, "layers": 1},
    "xumx-score-only": {"window_samples": 512, "hop_samples": 128, "hidden": 4, "layers": 1, "score_hidden": 4},
}
SAMPLES = 128 * 15


def batch_for(model, players=4, batch=2):
    """Noise for every source, and all conditions that any network reads."""
    generator = torch.Generator().manual_seed(0)
    frames = 1 + SAMPLES // model.hop_samples
    sources = 0.1 * torch.randn(batch, players, SAMPLES, generator=generator)
    by_frame = torch.rand(batch, players, frames, generator=generator)
    bins = getattr(model.settings, "window_samples", 512) // 2 + 1
    rolls = (torch.rand(batch, players, frames, 128, generator=generator) < 0.05).float()
    # The range of a piano, which networks of recurrent layers read.
    rolls[..., :21] = rolls[..., 109:] = 0
    levels = len(model.sources) or 1
    return {
        "sources": sources,
        "rolls": rolls,
        "query": torch.randn(batch, SAMPLES, generator=generator),
        # The first source belongs to every level, and each level holds one source more.
        "belongs": torch.ones(levels, players).tril().expand(batch, -1, -1),
        "models": torch.rand(batch, players, bins, frames, generator=generator),
        "fundamentals": 5 + 10 * by_frame,
        "sounding": (by_frame > 0.3).float(),
        "key_length_s": by_frame,
    }


@pytest.mark.parametrize("name", sorted(models.SHIPPED))
def test_every_network_obeys_the_contract(name):
    model = contracts.check_network(models.build(name, SMALL[name]))
    assert isinstance(model.settings, model.Settings) and model.Settings is type(model).Settings
    assert all(isinstance(source, str) for source in model.sources)
    batch = batch_for(model)
    estimates = model(batch["sources"].sum(dim=1), batch)
    if name == "transcriber":
        assert estimates.shape == batch["rolls"].shape
    else:
        assert estimates.shape == (2, len(model.sources) or 4, SAMPLES)
    loss = model.loss(batch)
    assert loss.shape == () and torch.isfinite(loss)
    loss.backward()
    assert any(parameter.grad is not None for parameter in model.parameters())
    assert list(inspect.signature(type(model).forward).parameters) == ["self", "mixture", "conditions"]
    baseline = getattr(model, "baseline", None)
    assert baseline is None or baseline(batch["sources"].sum(dim=1), batch).shape == estimates.shape


@pytest.mark.parametrize("name", sorted(models.SHIPPED))
def test_a_network_that_needs_more_than_the_mixture_says_so(name):
    model = models.build(name, SMALL[name])
    mixture = batch_for(model)["sources"].sum(dim=1)
    if model.needs_score or name == "query-by-example":
        with pytest.raises(ValueError):
            model(mixture, None)
    else:
        assert model(mixture, None).shape[0] == len(mixture)


def test_every_recipe_trains_a_network_that_exists():
    assert {recipe.network for presets in recipes.RECIPES.values() for recipe in presets.values()} <= models.SHIPPED


def test_what_is_no_network_is_refused_with_what_it_lacks():
    with pytest.raises(RefusedType, match=r"must be a torch\.nn\.Module, got dict"):
        contracts.check_network({})
    broken = network()
    del broken.needs_score
    with pytest.raises(RefusedType, match="ToyNetwork has no needs_score"):
        contracts.check_network(broken)
