"""Wave-U-Net: its size, the samples that it reads and gives, and sources that add up to the mixture."""

import dataclasses
import json

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import models, recipes  # noqa: E402
from mss_lab.neural.models.wave_unet import WaveUNet, WaveUNetSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, mean_sdr_db, noise, train  # noqa: E402

TINY = {"sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "levels": 3, "channels": 6}


def tiny(**changes):
    torch.manual_seed(0)
    return WaveUNet(WaveUNetSettings(**{**TINY, **changes}))


def test_the_network_of_the_paper_has_its_size():
    with torch.device("meta"):
        model = WaveUNet(WaveUNetSettings())
    channels = [24 * level for level in range(14)]
    encoder = sum((15 * max(1, channels[level - 1]) + 1) * channels[level] for level in range(1, 14))
    decoder = sum((5 * (channels[level + 1] + channels[level]) + 1) * channels[level] for level in range(1, 13))
    # The last layer also reads the mixture; the fourth source is the rest.
    expected = encoder + decoder + (24 + 1 + 1) * 3
    assert sum(parameter.numel() for parameter in model.parameters()) == expected == 10_263_054


def test_the_student_fits_into_5_megabytes():
    recipe = recipes.recipe("wave-unet")
    model = models.build(recipe.network, recipe.settings)
    assert 2 * sum(parameter.numel() for parameter in model.parameters()) < 5e6


@pytest.mark.parametrize("levels, down_kernel, up_kernel", [(1, 1, 1), (2, 3, 5), (3, 15, 5), (4, 5, 3)])
@pytest.mark.parametrize("samples", [1, 17, 1000])
def test_a_network_with_context_gives_as_many_samples_as_its_sizes_say(levels, down_kernel, up_kernel, samples):
    model = tiny(levels=levels, down_kernel=down_kernel, up_kernel=up_kernel, context=True, channels=1)
    read, written = model.settings.sizes(samples)
    assert model.waveforms(torch.zeros(1, read)).shape == (1, 2, written)
    assert samples <= written < samples + 2**levels
    before, after = model.padding(samples)
    assert before + samples + after == read and 2 * before == read - written


def test_the_paper_reads_147443_samples_and_gives_16389():
    recipe = recipes.recipe("wave-unet", "paper")
    settings = WaveUNetSettings(**recipe.settings)
    assert settings.sizes(16_384) == (147_443, 16_389) and settings.context
    assert round(recipe.data.segment_s * recipe.data.sample_rate_hz) == 147_443
    assert (recipe.data.batch, recipe.fit.learning_rate, recipe.fit.patience) == (16, 1e-4, 20)
    assert (settings.levels, settings.channels, settings.down_kernel, settings.up_kernel) == (12, 24, 15, 5)


@pytest.mark.parametrize("context", [True, False])
@pytest.mark.parametrize("sources", [("a",), ("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("samples", [1, 777])
def test_difference_output_adds_up_to_the_mixture(context, sources, samples):
    mixture = torch.from_numpy(noise(samples, 2))
    estimates = tiny(context=context, sources=sources)(mixture)
    assert estimates.shape == (2, len(sources), samples)
    torch.testing.assert_close(estimates.sum(dim=1), mixture, atol=1e-7, rtol=0)


def test_direct_output_does_not_add_up():
    mixture = torch.from_numpy(noise(777, 1))
    estimates = tiny(output="direct")(mixture)
    assert estimates.shape == (1, 2, 777) and (estimates.sum(dim=1) - mixture).abs().max() > 0.01


def test_with_and_without_context_a_network_is_the_same_away_from_the_ends():
    mixture = torch.from_numpy(noise(2000))
    with torch.no_grad():
        inside = tiny(context=True)(mixture)
        # With context, the samples that every level keeps lie half a kernel of the decoder later.
        outside = tiny()(mixture[:, 2:])
    torch.testing.assert_close(inside[..., 502:1500], outside[..., 500:1498], atol=1e-5, rtol=0)
    assert (inside[..., 2:20] - outside[..., :18]).abs().max() > 1e-4


def test_doubling_puts_the_mean_between_two_samples():
    hidden = torch.tensor([[[0.0, 2.0, 6.0]]])
    assert tiny()._doubled(hidden).ravel().tolist() == [0, 1, 2, 4, 6, 6]
    assert tiny(context=True)._doubled(hidden).ravel().tolist() == [0, 1, 2, 4, 6]


def test_with_context_the_loss_compares_only_samples_with_context():
    model, batch = tiny(context=True), clip(3000)
    least, _ = model.settings.sizes(1)
    before = model.padding(1)[0]
    read, written = max(model.settings.sizes(n) for n in range(1, 3000) if model.settings.sizes(n)[0] <= 3000)
    assert 3000 - 8 < read <= 3000
    estimates = model.waveforms(batch["sources"].sum(dim=1)[:, :read])
    expected = (estimates - batch["sources"][..., before : before + written]).square().mean()
    torch.testing.assert_close(model.loss(batch), expected)
    short = {"sources": batch["sources"][..., : least - 1]}
    expected = (model(short["sources"].sum(dim=1)) - short["sources"]).square().mean()
    torch.testing.assert_close(model.loss(short), expected)
    # Of this length there is one excerpt with context.
    exact = {"sources": batch["sources"][..., :least]}
    assert torch.isfinite(model.loss(exact))


@pytest.mark.parametrize("changes", [{}, {"context": True}, {"output": "direct"}, {"loss": "absolute"}])
def test_the_loss_falls_by_a_fifth_in_twenty_steps(changes):
    losses = train(tiny(**changes), clip(20 * HOP), 20, 1e-2)
    assert losses[-1] < 0.8 * losses[0]


def test_it_memorises_one_clip():
    model, batch = tiny(), clip(20 * HOP)
    train(model, batch, 100, 1e-2)
    assert mean_sdr_db(model, batch) > 8


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("wave-unet", stored)
    assert isinstance(model, WaveUNet) and model.settings == tiny().settings
    assert not model.needs_score and model.hop_samples == 8


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"output": "both"}, "output must be one of 'difference', 'direct'"),
        ({"down_kernel": 4}, "down_kernel must be odd"),
        ({"levels": 0}, "levels must be"),
        ({"context": 1}, "context must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        WaveUNetSettings(**{**TINY, **changes})
