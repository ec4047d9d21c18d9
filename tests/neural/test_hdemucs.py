"""The hybrid Demucs of torchaudio: the sizes of its own factories, and the same numbers as without the wrapper."""

import dataclasses
import json

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import models, recipes  # noqa: E402
from mss_lab.neural.models.hdemucs import DEPTHS, Hdemucs, HdemucsSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, noise, train  # noqa: E402

TINY = {"sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 1024, "channels": 4}
SIZES = [(1024, "hdemucs_low", 20.0), (2048, "hdemucs_medium", 78.9), (4096, "hdemucs_high", 83.6)]


def tiny(**changes):
    torch.manual_seed(0)
    return Hdemucs(HdemucsSettings(**{**TINY, **changes}))


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("window_samples, factory, millions", SIZES)
def test_the_networks_have_the_sizes_of_the_factories_of_torchaudio(window_samples, factory, millions):
    from mss_lab.neural.torch_audio import torchaudio

    # On this device nothing is stored.
    with torch.device("meta"):
        published = getattr(torchaudio.models, factory)(["a", "b", "c", "d"])
        model = Hdemucs(HdemucsSettings(window_samples=window_samples))
    assert round(parameters(published) / 1e6, 1) == millions
    ours, theirs = model.network.state_dict(), published.state_dict()
    assert list(ours) == list(theirs)
    # One channel instead of two changes the outermost layers alone.
    last = DEPTHS[window_samples] - 1
    outer = ("freq_encoder.0.conv", "time_encoder.0.conv", f"freq_decoder.{last}.conv_tr")
    outer = (*outer, f"time_decoder.{last - 1}.conv_tr")
    assert {name.rpartition(".")[0] for name in ours if ours[name].shape != theirs[name].shape} == set(outer)


def test_the_student_fits_into_5_megabytes():
    recipe = recipes.recipe("hdemucs")
    model = models.build(recipe.network, {"sample_rate_hz": recipe.data.sample_rate_hz, **recipe.settings})
    # Vectors stay in single precision.
    assert sum(p.numel() * (2 if p.ndim > 1 else 4) for p in model.parameters()) < 5e6


@pytest.mark.parametrize("window_samples", DEPTHS)
def test_it_is_the_network_of_torchaudio_number_by_number(window_samples):
    from mss_lab.neural.torch_audio import torchaudio

    model = tiny(window_samples=window_samples).eval()
    published = torchaudio.models.HDemucs(
        ["a", "b"], audio_channels=1, channels=4, nfft=window_samples, depth=DEPTHS[window_samples]
    ).eval()
    published.load_state_dict(model.network.state_dict())
    mixture = torch.from_numpy(noise(4 * window_samples, 2))
    with torch.no_grad():
        torch.testing.assert_close(model(mixture), published(mixture.unsqueeze(1)).squeeze(2))


def test_an_estimate_follows_the_level_of_the_mixture():
    model, mixture = tiny().eval(), torch.from_numpy(noise(5000, 2))
    with torch.no_grad():
        torch.testing.assert_close(model(10 * mixture), 10 * model(mixture), atol=1e-4, rtol=0.02)


def test_every_weight_has_a_gradient():
    model = tiny()
    model.loss(clip()).backward()
    without = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().max() > 0]
    assert without == []


def test_the_loss_falls_by_a_fifth_in_twenty_steps():
    losses = train(tiny(), clip(10 * HOP), 20, 1e-2)
    assert losses[-1] < 0.8 * losses[0]


def test_the_paper_recipe_has_the_numbers_of_the_paper():
    recipe = recipes.recipe("hdemucs", "paper")
    settings = HdemucsSettings(**recipe.settings)
    assert (settings.window_samples, settings.channels, settings.loss) == (4096, 48, "absolute")
    assert (recipe.data.sample_rate_hz, recipe.data.segment_s, recipe.data.batch) == (44_100, 11.0, 64)
    assert (recipe.data.gains, recipe.fit.learning_rate) == ((0.25, 1.25), 3e-4)


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("hdemucs", stored)
    assert isinstance(model, Hdemucs) and model.settings == tiny().settings
    assert not model.needs_score and model.hop_samples == 512


@pytest.mark.parametrize(
    "changes, message",
    [({"window_samples": 512}, "window_samples must be one of 1024, 2048, 4096"), ({"channels": 3}, "channels must")],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        HdemucsSettings(**{**TINY, **changes})
