"""The multichannel U-Net: its size, masks on the linear magnitude, and a loss that weighs its sources."""

import dataclasses
import json

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import frontend, models, recipes  # noqa: E402
from mss_lab.neural.models.multichannel_unet import MASKS, MultichannelUNet, MultichannelUNetSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, mean_sdr_db, train  # noqa: E402

TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 510, "hop_samples": HOP, "channels": 4,
    "levels": 3, "dropout": 0.0,
}  # fmt: skip


def tiny(**changes):
    torch.manual_seed(0)
    return MultichannelUNet(MultichannelUNetSettings(**{**TINY, **changes}))


@pytest.mark.parametrize("sources", [1, 4])
def test_the_network_of_the_paper_has_its_size(sources):
    with torch.device("meta"):
        model = MultichannelUNet(MultichannelUNetSettings(sources=tuple("abcd"[:sources])))
    encoder = [(1, 16), (16, 32), (32, 64), (64, 128), (128, 256), (256, 512)]
    decoder = [(512, 256), (512, 128), (256, 64), (128, 32), (64, 16)]
    # Weights and biases of 5 x 5 convolutions, and two numbers of normalisation for each channel.
    expected = sum((25 * inputs + 1) * outputs + 2 * outputs for inputs, outputs in encoder + decoder)
    expected += (25 * 32 + 1) * sources
    assert sum(parameter.numel() for parameter in model.parameters()) == expected
    assert expected == {1: 9_823_313, 4: 9_825_716}[sources]


def test_the_student_fits_into_5_megabytes():
    recipe = recipes.recipe("multichannel-unet")
    model = models.build(recipe.network, recipe.settings)
    assert 2 * sum(parameter.numel() for parameter in model.parameters()) < 5e6


@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("frames", [1, 7, 16])
def test_masks_have_the_shape_and_the_range_that_the_settings_say(masks, frames):
    made = tiny(masks=masks).eval().masks(torch.rand(2, 256, frames))
    assert made.shape == (2, 2, 256, frames) and made.min() >= 0
    assert torch.allclose(made.sum(dim=1), torch.ones(2, 256, frames)) == (masks == "softmax")


def test_masks_multiply_the_linear_magnitude():
    model = tiny().eval()
    model.masks = lambda magnitude: torch.stack([torch.full_like(magnitude, 0.25), torch.full_like(magnitude, 0.75)], 1)
    mixture = clip()["sources"].sum(dim=1)
    estimates = model(mixture)
    torch.testing.assert_close(estimates, torch.stack([0.25 * mixture, 0.75 * mixture], 1), atol=1e-6, rtol=0)


def test_the_network_reads_decibels_above_a_floor():
    model, inputs = tiny().eval(), []
    model.encoder[0].register_forward_hook(lambda module, args, output: inputs.append(args[0]))
    model.masks(torch.tensor([0.0, 1e-6, 1e-4, 1.0, 10.0])[None, None].expand(1, 256, -1))
    # Three frames more, since eight is the next number that can be halved three times.
    expected = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.25, 0.0, 0.0, 0.0])
    torch.testing.assert_close(inputs[0][0, 0], expected.expand(256, -1))


def test_every_level_of_the_encoder_reaches_the_masks_past_the_coarser_ones():
    model = tiny().eval()
    magnitude = torch.rand(1, 256, 16)
    with torch.no_grad():
        before = model.masks(magnitude)
        for layer in model.decoder[-1].modules():
            if isinstance(layer, torch.nn.ConvTranspose2d):
                layer.weight.zero_()
        assert not torch.equal(model.masks(magnitude), before)
        cut = model.masks(magnitude)
        # Without the decoder's path, only the first level decides, which sees five frames and bins.
        magnitude[:, :, 15] += 1
        moved = (model.masks(magnitude) != cut).any(dim=1)[0].any(dim=0)
    assert moved[15] and not moved[:8].any()


def test_the_loss_compares_masked_magnitudes_with_those_of_the_sources():
    model = tiny().eval()
    batch = clip(batch=2)
    transforms = frontend.stft(batch["sources"], 510, HOP)
    mixture = transforms.sum(dim=1).abs()
    targets = (transforms.abs() / mixture.unsqueeze(1).clamp(min=1e-12)).clamp(max=10) * mixture.unsqueeze(1)
    expected = (model.masks(mixture) * mixture.unsqueeze(1) - targets).abs().mean()
    torch.testing.assert_close(model.loss(batch), expected, rtol=1e-4, atol=0)


def test_sources_that_cancel_each_other_require_no_endless_mask():
    tone = clip()["sources"][:, :1]
    batch = {"sources": torch.cat([tone, -tone], dim=1)}
    assert tiny().loss(batch) == 0


def test_energy_weights_lift_the_quiet_source():
    batch = clip()
    batch["sources"][:, 1] *= 0.1
    model, plain = tiny(weighting="energy").eval(), tiny().eval()
    model.prepare(lambda step: batch)
    plain.prepare(lambda step: batch)
    energies = batch["sources"].square().mean(dim=(0, 2))
    torch.testing.assert_close(model.source_weights.weights, energies.max() / energies)
    assert model.loss(batch) > plain.loss(batch)


@pytest.mark.parametrize("masks", MASKS)
def test_silence_gives_silence_and_a_finite_loss(masks):
    model = tiny(masks=masks)
    loss = model.loss({"sources": torch.zeros(1, 2, 10 * HOP)})
    loss.backward()
    assert loss == 0 and all(torch.isfinite(p.grad).all() for p in model.parameters())
    assert not model.eval()(torch.zeros(1, 10 * HOP)).any()


@pytest.mark.parametrize("weighting", ["unit", "energy", "dynamic"])
def test_the_loss_falls_by_a_fifth_in_twenty_steps(weighting):
    model, batch = tiny(weighting=weighting, epoch_steps=5), clip(20 * HOP)
    model.prepare(lambda step: batch)
    model.eval()
    before = model.loss(batch).item()
    train(model.train(), batch, 20, 1e-2)
    assert model.eval().loss(batch).item() < 0.8 * before


def test_it_memorises_one_clip():
    model, batch = tiny(levels=2), clip(20 * HOP)
    train(model, batch, 60, 1e-2)
    # Statistics of normalisation follow slowly.
    train(model, batch, 20, 1e-3)
    assert mean_sdr_db(model, batch) > 8


def test_the_paper_recipe_has_the_numbers_of_the_paper():
    recipe = recipes.recipe("multichannel-unet", "paper")
    assert (recipe.data.sample_rate_hz, recipe.data.segment_s, recipe.data.batch) == (10_880, 6.0, 16)
    settings = models.build(recipe.network, {"channels": 1, "levels": 1}).settings
    assert (settings.window_samples, settings.hop_samples, settings.dropout, settings.masks) == (1022, 256, 0.1, "relu")
    # 512 bins and 256 frames of 6 s.
    assert frontend.frame_count(6 * 10_880, 1022, 256) == 256


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("multichannel-unet", stored)
    assert isinstance(model, MultichannelUNet) and model.settings == tiny().settings
    assert not model.needs_score and model.hop_samples == 8 * HOP


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"masks": "sigmoid"}, "masks must be one of 'relu', 'softmax'"),
        ({"weighting": "equal"}, "weighting must be one of"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"sources": ("a", "a")}, "names, each once"),
        ({"hop_samples": 256}, "hop_samples must be"),
        ({"levels": 0}, "levels must be"),
        ({"epoch_steps": 0}, "epoch_steps must be"),
        ({"temperature": 0}, "temperature must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        MultichannelUNetSettings(**{**TINY, **changes})
