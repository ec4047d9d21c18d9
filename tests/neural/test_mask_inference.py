"""Mask inference: masks in their range, a loss that knows phase, and one clip learnt by heart."""

import dataclasses
import json

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import frontend, models, recipes, targets  # noqa: E402
from mss_lab.neural.models.mask_inference import MaskInference, MaskInferenceSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, mean_sdr_db, train  # noqa: E402

TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP,
    "hidden": 12, "layers": 1, "dropout": 0.0,
}  # fmt: skip
KINDS = ("sigmoid", "softmax")


def tiny(**changes):
    torch.manual_seed(0)
    return MaskInference(MaskInferenceSettings(**{**TINY, **changes}))


@pytest.mark.parametrize("sources, millions", [(("one",), 31.9), (("a", "b", "c", "d"), 33.8)])
def test_the_thesis_network_has_its_size(sources, millions):
    with torch.device("meta"):
        network = MaskInference(MaskInferenceSettings(sources=sources))
    layers = [4 * 2 * 600 * (inputs + 600 + 2) for inputs in (513, 1200, 1200, 1200)]
    expected = sum(layers) + 2 * 513 + (1200 + 1) * len(sources) * 513
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
    assert round(expected / 1e6, 1) == millions


@pytest.mark.parametrize("masks", KINDS)
@pytest.mark.parametrize("batch, samples", [(1, 1), (1, 3 * HOP), (2, 40 * HOP + 17)])
def test_estimates_have_the_shape_of_the_mixture(masks, batch, samples):
    mixture = clip(samples, batch)["sources"].sum(dim=1)
    with torch.no_grad():
        estimates = tiny(masks=masks).eval()(mixture)
    assert estimates.shape == (batch, 2, samples) and estimates.dtype == torch.float32
    if masks == "softmax":
        torch.testing.assert_close(estimates.sum(dim=1), mixture, atol=1e-6, rtol=0)


@pytest.mark.parametrize("masks", KINDS)
def test_masks_lie_between_nothing_and_everything(masks):
    made = tiny(masks=masks).masks(100 * torch.rand(2, 257, 9))
    assert made.shape == (2, 2, 257, 9)
    assert made.min() >= 0 and made.max() <= 1
    assert torch.allclose(made.sum(dim=1), torch.ones(2, 257, 9)) == (masks == "softmax")


def test_it_hears_in_decibels_and_nothing_below_the_floor():
    model = tiny().eval()
    heard = []
    model.normalise.register_forward_hook(lambda module, inputs, output: heard.append(inputs[0]))
    magnitude = torch.tensor([0.0, 1e-6, 1e-4, 1.0, 10.0])[None, None].expand(1, 257, -1)
    model.masks(magnitude)
    torch.testing.assert_close(heard[0][0, 0], torch.tensor([-80.0, -80.0, -80.0, 0.0, 20.0]))


def test_both_directions_of_time_are_heard():
    model = tiny().eval()
    magnitude = torch.rand(1, 257, 15) + 0.1
    with torch.no_grad():
        before = model.masks(magnitude)
        magnitude[:, :, 7] *= 100
        moved = (model.masks(magnitude) - before).abs().amax(dim=(0, 1, 2))
    assert moved[6] > 0 and moved[8] > 0


def test_the_loss_is_the_phase_sensitive_one():
    model = tiny().eval()
    batch = clip(batch=2)
    source_stfts = frontend.stft(batch["sources"], 512, HOP)
    mixture = frontend.stft(batch["sources"].sum(dim=1), 512, HOP)
    expected = targets.phase_sensitive_loss(model.masks(mixture.abs()), source_stfts, mixture)
    torch.testing.assert_close(model.loss(batch), expected, rtol=1e-4, atol=0)


def test_an_even_level_makes_estimates_and_loss_follow_the_volume():
    batch = clip()
    loud = {"sources": 30 * batch["sources"]}
    for even in (True, False):
        model = tiny(even_level=even).eval()
        with torch.no_grad():
            soft_estimates, loud_estimates = (model(one["sources"].sum(dim=1)) for one in (batch, loud))
            assert torch.allclose(soft_estimates, loud_estimates / 30, atol=1e-5) == even
            assert (abs(model.loss(batch) / model.loss(loud) - 1) < 1e-4) == even


def test_silence_gives_silence_and_a_finite_loss():
    model = tiny(even_level=True)
    silence = {"sources": torch.zeros(1, 2, 10 * HOP)}
    loss = model.loss(silence)
    loss.backward()
    assert loss == 0 and all(torch.isfinite(p.grad).all() for p in model.parameters())
    assert not model.eval()(torch.zeros(1, 10 * HOP)).any()


@pytest.mark.parametrize("masks", KINDS)
def test_half_precision_inside_changes_little(masks):
    model, batch = tiny(masks=masks), clip()
    mixture = batch["sources"].sum(dim=1)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.loss(batch)
        estimates = model(mixture)
    loss.backward()
    torch.testing.assert_close(loss, model.loss(batch), rtol=0.05, atol=0)
    if masks == "softmax":
        torch.testing.assert_close(estimates.sum(dim=1), mixture, atol=1e-6, rtol=0)


@pytest.mark.parametrize("masks", KINDS)
def test_the_loss_falls_by_a_fifth_in_twenty_steps(masks):
    losses = train(tiny(masks=masks), clip(), 20, 1e-2)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("masks", KINDS)
def test_it_learns_one_clip_by_heart(masks):
    model, batch = tiny(masks=masks), clip()
    before = mean_sdr_db(model, batch)
    model.train()
    train(model, batch, 80, 1e-2)
    assert mean_sdr_db(model, batch) > max(8, before + 5)


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("mask-inference", stored)
    assert isinstance(model, MaskInference) and model.settings == tiny().settings
    assert not model.needs_score and model.sources == ("a", "b")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"masks": "relu"}, "masks must be one of 'sigmoid', 'softmax'"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"sources": ("a", "a")}, "names, each once"),
        ({"hop_samples": 200}, "hop_samples must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        MaskInferenceSettings(**{**TINY, **changes})


def test_the_paper_recipe_has_the_figures_of_the_thesis():
    """100 epochs of 20 000 segments of 10 s, batches of 25, Adam at 1e-4, halved after 5 epochs that bring nothing."""
    recipe = recipes.recipe("mask-inference", "paper")
    fit, data = recipe.fit, recipe.data
    assert (fit.optimizer, fit.learning_rate, fit.schedule, fit.plateau) == ("adam", 1e-4, "plateau", 5)
    assert (data.segment_s, data.batch) == (10.0, 25)
    assert fit.validate_every == 20_000 / data.batch and fit.steps == 100 * fit.validate_every
    settings = models.build(recipe.network, {**recipe.settings, "hidden": 4}).settings
    assert (settings.layers, settings.dropout, settings.masks) == (4, 0.3, "sigmoid")
