"""Conv-TasNet: the same network as torchaudio's, number by number, and what global normalisation does to chunks."""

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import apply, models, recipes  # noqa: E402
from mss_lab.neural.models.conv_tasnet import MASKS, NORMS, ConvTasNet, ConvTasNetSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, mean_sdr_db, noise, train  # noqa: E402

TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "filters": 24, "filter_samples": 16, "channels": 12,
    "hidden": 16, "blocks": 4, "repeats": 2, "masks": "relu", "loss": "absolute",
}  # fmt: skip


def tiny(**changes):
    torch.manual_seed(0)
    return ConvTasNet(ConvTasNetSettings(**{**TINY, **changes}))


def published(settings):
    """The same network of torchaudio."""
    from mss_lab.neural.torch_audio import torchaudio

    return torchaudio.models.ConvTasNet(
        num_sources=len(settings.sources),
        enc_kernel_size=settings.filter_samples,
        enc_num_feats=settings.filters,
        msk_kernel_size=settings.kernel,
        msk_num_feats=settings.channels,
        msk_num_hidden_feats=settings.hidden,
        msk_num_layers=settings.blocks,
        msk_num_stacks=settings.repeats,
        msk_activate=settings.masks,
    )


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize(
    "sources, repeats, samples", [(("a", "b"), 2, 1000), (("a", "b", "c"), 1, 1003), (("a",), 3, 8)]
)
def test_it_is_the_network_of_torchaudio_number_by_number(masks, sources, repeats, samples):
    model = tiny(masks=masks, sources=sources, repeats=repeats)
    other = published(model.settings)
    ours, theirs = model.state_dict(), other.state_dict()
    assert [tensor.shape for tensor in ours.values()] == [tensor.shape for tensor in theirs.values()]
    # Different numbers in every tensor, also where training begins with zeros and ones.
    generator = torch.Generator().manual_seed(1)
    weights = [tensor + 0.1 * torch.randn(tensor.shape, generator=generator) for tensor in theirs.values()]
    model.load_state_dict(dict(zip(ours, weights, strict=True)))
    other.load_state_dict(dict(zip(theirs, weights, strict=True)))
    mixture = torch.from_numpy(noise(samples, 2))
    with torch.no_grad():
        expected = other(mixture[:, None])
        assert expected.abs().max() > 1e-3
        torch.testing.assert_close(model(mixture), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    "sources, changes, millions",
    [
        ("ab", {}, 4.98),
        ("abcd", {"masks": "relu"}, 5.12),
        # One network for each instrument, with a second output for all others.
        ("ab", recipes.recipe("conv-tasnet", "cadenza").settings, 16.01),
    ],
)
def test_the_networks_of_the_papers_have_their_sizes(sources, changes, millions):
    settings = ConvTasNetSettings(**{**changes, "sources": tuple(sources)})
    with torch.device("meta"):
        model, other = ConvTasNet(settings), published(settings)
    assert parameters(model) == parameters(other) and round(parameters(model) / 1e6, 2) == millions


def test_the_student_fits_into_5_megabytes():
    recipe = recipes.recipe("conv-tasnet")
    assert 2 * parameters(models.build(recipe.network, recipe.settings)) < 5e6


@pytest.mark.parametrize("norm", NORMS)
def test_estimates_follow_the_level_of_the_mixture(norm):
    model, mixture = tiny(norm=norm).eval(), torch.from_numpy(noise(2000))
    with torch.no_grad():
        torch.testing.assert_close(model(30 * mixture) / 30, model(mixture), atol=1e-5, rtol=1e-3)
        # Not a linear network, though: its masks follow the mixture.
        changed = model(mixture + mixture.flip(-1)) - model(mixture) - model(mixture.flip(-1))
    assert changed.abs().max() > 1e-3


def change_far_away_db(norm):
    """How much the estimates of the first half change with the end of the mixture, beyond the convolutions' reach."""
    model, mixture = tiny(norm=norm).eval(), torch.from_numpy(noise(6000))
    louder = mixture.clone()
    louder[:, 5000:] *= 10
    assert model.reach_samples < 2000
    with torch.no_grad():
        before, after = model(mixture)[..., :3000], model(louder)[..., :3000]
    return (10 * torch.log10((after - before).square().mean() / before.square().mean() + 1e-30)).item()


def test_global_normalisation_makes_every_moment_depend_on_the_whole():
    assert change_far_away_db("global") > -30 and change_far_away_db("frame") < -100


def test_chunks_differ_from_the_whole_because_normalisation_is_global():
    mixture = noise(4 * RATE_HZ)
    # A crescendo: every chunk has another mean power than the whole.
    mixture *= np.linspace(0, 1, mixture.shape[1], dtype=np.float32)
    for norm, differs in (("global", True), ("frame", False)):
        model = tiny(norm=norm).eval()
        with torch.no_grad():
            whole = model(torch.from_numpy(mixture))[0].numpy()
        chunked = apply.separate(model, mixture, RATE_HZ, chunk_s=1.0, overlap_s=0.5)
        error = np.stack([estimate[0] for estimate in chunked.values()]) - whole
        # Silence after the recording, which makes the last chunk long enough, is not the same as its end.
        error = error[:, : -model.reach_samples]
        error_db = 10 * np.log10(np.mean(error**2) / np.mean(whole**2) + 1e-30)
        assert (error_db > -40) == differs and (error_db < -60) != differs


def test_a_sample_reaches_as_far_as_the_network_says():
    model, mixture = tiny(norm="frame").eval(), torch.from_numpy(noise(4000))
    changed = mixture.clone()
    changed[:, 2000] += 1
    with torch.no_grad():
        moved = (model(changed) != model(mixture)).any(dim=1)[0].nonzero().ravel()
    assert 0.8 * model.reach_samples < 2000 - moved.min() <= model.reach_samples
    assert 0.8 * model.reach_samples < moved.max() - 2000 <= model.reach_samples


@pytest.mark.parametrize("masks", MASKS)
def test_silence_gives_silence(masks):
    assert not tiny(masks=masks)(torch.zeros(1, 1000)).any()


@pytest.mark.parametrize("loss, least", [("absolute", 0.2), ("si-sdr", None)])
def test_the_loss_falls_in_twenty_steps(loss, least):
    losses = train(tiny(loss=loss), clip(20 * HOP), 20, 1e-2)
    # A loss in dB falls by decibels, the other by a part of itself.
    assert losses[-1] < (losses[0] - 1 if least is None else (1 - least) * losses[0])


def test_it_memorises_one_clip():
    model, batch = tiny(repeats=1, blocks=3), clip(20 * HOP)
    train(model, batch, 50, 2e-2)
    assert mean_sdr_db(model, batch) > 8


def test_the_recipes_have_the_numbers_of_their_references():
    paper, cadenza = (recipes.recipe("conv-tasnet", preset) for preset in ("paper", "cadenza"))
    settings = ConvTasNetSettings(**paper.settings)
    sizes = (settings.filters, settings.filter_samples, settings.channels, settings.hidden, settings.kernel)
    assert sizes == (512, 16, 128, 512, 3) and (settings.blocks, settings.repeats) == (8, 3)
    assert (settings.loss, settings.masks, paper.fit.learning_rate) == ("si-sdr", "sigmoid", 1e-3)
    settings = ConvTasNetSettings(**cadenza.settings)
    sizes = (settings.filters, settings.filter_samples, settings.channels, settings.hidden, settings.kernel)
    assert sizes == (256, 20, 256, 512, 3) and (settings.blocks, settings.repeats) == (10, 4)
    assert (settings.loss, settings.masks, cadenza.fit.learning_rate) == ("absolute", "relu", 1e-4)
    assert (cadenza.data.batch, cadenza.data.segment_s, cadenza.data.sample_rate_hz) == (4, 3.0, 44_100)
    assert (cadenza.fit.plateau, cadenza.fit.clip_norm, cadenza.fit.patience) == (5, 5.0, 20)


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("conv-tasnet", stored)
    assert isinstance(model, ConvTasNet) and model.settings == tiny().settings
    assert not model.needs_score and model.hop_samples == 8


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"masks": "softmax"}, "masks must be one of 'relu', 'sigmoid'"),
        ({"norm": "batch"}, "norm must be one of 'frame', 'global'"),
        ({"kernel": 2}, "kernel must be odd"),
        ({"filter_samples": 15}, "filter_samples must be even"),
        ({"blocks": 0}, "blocks must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ConvTasNetSettings(**{**TINY, **changes})
