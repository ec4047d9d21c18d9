"""The attentive MultiResUNet: its size, its gates, the right inverse of coefficients, and coefficients or masks."""

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab import transforms  # noqa: E402
from mss_lab.neural import frontend, models, recipes, weights  # noqa: E402
from mss_lab.neural.models.multires_unet import LOSSES, OUTPUTS, MultiResUNet, MultiResUNetSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, mean_sdr_db, noise, train  # noqa: E402

TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP, "filters": 4,
    "levels": 2, "loss": "absolute",
}  # fmt: skip


def tiny(**changes):
    torch.manual_seed(0)
    return MultiResUNet(MultiResUNetSettings(**{**TINY, **changes}))


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def written_out(filters, sources):
    """The number of parameters of a network with four levels, block by block."""

    def convolved(inputs, outputs, kernel):
        # Without a bias, and with two numbers of normalisation for each channel.
        return kernel**2 * inputs * outputs + 2 * outputs

    def block(inputs, count):
        sizes = [int(1.72 * count * share) for share in (0.167, 0.333, 0.5)]
        chain = sum(convolved(*pair, 3) for pair in zip([inputs, *sizes], sizes, strict=False))
        return chain + convolved(inputs, sum(sizes), 1) + 4 * sum(sizes), sum(sizes)

    total, channels, levels = 0, 1, [filters * 2**level for level in range(4)]
    for level, count in enumerate(levels):
        added, channels = block(channels, count)
        total += added
        for inputs in [channels, *[count] * (3 - level)]:
            total += convolved(inputs, count, 3) + convolved(inputs, count, 1) + 2 * count
    added, channels = block(channels, 2 * levels[-1])
    total += added
    for level, count in reversed(list(enumerate(levels))):
        if level:
            total += convolved(channels, count, 1) + 4 * convolved(count, count, 1) + 4 * count**2 + count
        total += 4 * channels * count + count
        added, channels = block(2 * count, count)
        total += added
    return total + (channels + 1) * sources


@pytest.mark.parametrize("filters, sources, expected", [(32, 1, 8_571_151), (32, 4, 8_571_316), (8, 4, 534_857)])
def test_the_networks_have_their_sizes(filters, sources, expected):
    with torch.device("meta"):
        model = MultiResUNet(MultiResUNetSettings(sources=tuple("abcd"[:sources]), filters=filters))
    assert parameters(model) == written_out(filters, sources) == expected


def test_the_student_fits_into_5_megabytes():
    recipe = recipes.recipe("multires-unet")
    model = models.build(recipe.network, {"sample_rate_hz": recipe.data.sample_rate_hz, **recipe.settings})
    assert 2 * parameters(model) < 5e6
    # An excerpt needs no frames of silence at its end.
    samples = round(recipe.data.segment_s * recipe.data.sample_rate_hz)
    assert frontend.frame_count(samples, 1024, 512) % 2**model.settings.levels == 0


@pytest.mark.parametrize("coefficients", [None, 200])
@pytest.mark.parametrize("even_level", [False, True])
def test_masks_multiply_coefficients_which_the_inverse_of_the_package_inverts(coefficients, even_level):
    model = tiny(outputs="masks", coefficients=coefficients, even_level=even_level, window="hamming").eval()
    with torch.no_grad():
        model.to_outputs.weight.zero_()
        model.to_outputs.bias.copy_(torch.tensor([0.25, -2.0]))
        mixture = noise(3001)
        estimates = model(torch.from_numpy(mixture))[0].numpy()
    grid = {"window_samples": 512, "hop_samples": HOP, "window": "hamming"}
    expected = transforms.stdct(mixture, **grid)
    expected[:, coefficients or 512 :] = 0
    expected = transforms.istdct(expected, 3001, **grid)
    np.testing.assert_allclose(estimates, np.concatenate([0.25 * expected, -2 * expected]), atol=1e-5)
    if coefficients is None:
        np.testing.assert_allclose(estimates[:1], 0.25 * mixture, atol=1e-5)


def test_coefficients_do_not_need_any_in_the_mixture_and_masks_do():
    silence = torch.zeros(1, 3000)
    for outputs in OUTPUTS:
        model = tiny(outputs=outputs).eval()
        with torch.no_grad():
            model.to_outputs.bias.fill_(1.0)
            assert bool(model(silence).any()) == (outputs == "coefficients")


def test_gates_distribute_one_among_the_channels_at_all_levels_but_the_first():
    model, gates = tiny(levels=3), []
    for gate in model.gates[:-1]:
        gate.after.register_forward_pre_hook(lambda module, inputs: gates.append(inputs[0]))
        gate.from_skip.register_forward_pre_hook(lambda module, inputs: gates.append(inputs[0]))
    with torch.no_grad():
        model.coefficients_of_sources(torch.randn(2, 64, 16))
    assert len(gates) == 4 and not list(model.gates[-1].parameters())
    for skip, gated in (gates[:2], gates[2:]):
        chosen = skip.abs() > 1e-3
        shares = torch.where(chosen, gated / torch.where(chosen, skip, 1), 0)
        totals = shares.sum(dim=1)[chosen.all(dim=1)]
        assert len(totals) > 10
        torch.testing.assert_close(totals, torch.ones_like(totals), atol=1e-3, rtol=0)


@pytest.mark.parametrize("frames, coefficients", [(1, 512), (7, 200), (16, 3)])
def test_every_number_of_frames_and_coefficients_comes_back(frames, coefficients):
    outputs = tiny().eval().coefficients_of_sources(torch.randn(2, coefficients, frames))
    assert outputs.shape == (2, 2, coefficients, frames)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("even_level", [False, True])
def test_the_loss_compares_the_coefficients_of_estimates_and_sources(loss, even_level):
    model = tiny(loss=loss, even_level=even_level, coefficients=200).eval()
    batch = clip(batch=2)
    batch["sources"][1] *= 0.2
    grid = (512, HOP, "hamming")
    targets = frontend.stdct(batch["sources"], *grid)[:, :, :200]
    mixture = batch["sources"].sum(dim=1)
    gains = (0.1 / mixture.square().mean(dim=1).sqrt()) if even_level else torch.ones(2)
    gains = gains[:, None, None]
    estimates = model.coefficients_of_sources(gains * frontend.stdct(mixture, *grid)[:, :200])
    errors = estimates - gains[:, None] * targets
    expected = errors.abs().mean() if loss == "absolute" else errors.square().mean()
    torch.testing.assert_close(model.loss(batch), expected, rtol=1e-4, atol=0)


def test_with_an_even_level_an_estimate_follows_the_level_of_the_mixture():
    mixture = torch.from_numpy(noise(5000))
    for even_level in (False, True):
        model = tiny(even_level=even_level).eval()
        with torch.no_grad():
            ratio = (model(5 * mixture) - 5 * model(mixture)).abs().max() / model(mixture).abs().max()
        assert (ratio < 1e-4) == even_level


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_every_weight_has_a_gradient(outputs):
    model = tiny(outputs=outputs, levels=3)
    model.loss(clip(20 * HOP)).backward()
    without = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().max() > 0]
    assert without == []


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_silence_has_a_finite_loss_and_gradient(outputs):
    model = tiny(outputs=outputs, even_level=True)
    loss = model.loss({"sources": torch.zeros(1, 2, 10 * HOP)})
    loss.backward()
    assert torch.isfinite(loss) and all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_the_loss_falls_by_a_fifth_in_twenty_steps(outputs):
    losses = train(tiny(outputs=outputs), clip(15 * HOP), 20, 1e-2)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow(4)
@pytest.mark.parametrize("outputs", OUTPUTS)
def test_it_memorises_one_clip(outputs):
    model, batch = tiny(outputs=outputs, filters=8, coefficients=128), clip(15 * HOP)
    train(model, batch, 80, 1e-2)
    # Statistics of normalisation follow slowly.
    train(model, batch, 20, 1e-3)
    assert mean_sdr_db(model, batch) > 8


def test_a_card_gives_the_same_network_back(tmp_path):
    model, mixture = tiny(outputs="masks", coefficients=200).eval(), torch.from_numpy(noise(3000))
    weights.save(model, tmp_path / "own.safetensors", {})
    stored = weights.load(tmp_path / "own.safetensors")
    assert isinstance(stored, MultiResUNet) and stored.settings == model.settings
    with torch.no_grad():
        torch.testing.assert_close(stored.eval()(mixture), model(mixture), atol=1e-3, rtol=0.02)


def test_the_paper_recipe_has_the_numbers_of_the_paper():
    recipe = recipes.recipe("multires-unet", "paper")
    settings = MultiResUNetSettings(**recipe.settings)
    assert (settings.window_samples, settings.hop_samples, settings.window) == (2048, 256, "hamming")
    assert (settings.filters, settings.levels, settings.outputs, settings.loss) == (32, 4, "coefficients", "squared")
    assert (recipe.data.sample_rate_hz, recipe.data.segment_s, recipe.data.batch) == (16_000, 4.0, 5)
    assert recipe.fit.learning_rate == 5e-4


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("multires-unet", stored)
    assert isinstance(model, MultiResUNet) and model.settings == tiny().settings
    assert not model.needs_score and model.hop_samples == 4 * HOP


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"outputs": "both"}, "outputs must be one of 'coefficients', 'masks'"),
        ({"loss": "si-sdr"}, "loss must be one of"),
        ({"window": "square"}, "window must be one of"),
        ({"coefficients": 513}, "coefficients must be"),
        ({"sources": ("a", "a")}, "names, each once"),
        ({"hop_samples": 257}, "hop_samples must be"),
        ({"levels": 0}, "levels must be"),
        ({"filters": 0}, "filters must be"),
        ({"even_level": "yes"}, "even_level must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        MultiResUNetSettings(**{**TINY, **changes})
