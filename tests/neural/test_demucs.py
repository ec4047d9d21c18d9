"""Demucs: its sizes, lengths that fit, gates, and skip connections that are added."""

import dataclasses
import json

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from torch.nn import functional  # noqa: E402

from mss_lab.neural import models, recipes  # noqa: E402
from mss_lab.neural.models.demucs import Demucs, DemucsSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, mean_sdr_db, noise, train  # noqa: E402

TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "channels": 6, "levels": 3, "recurrent_layers": 1,
}  # fmt: skip


def tiny(**changes):
    torch.manual_seed(0)
    return Demucs(DemucsSettings(**{**TINY, **changes}))


@pytest.mark.parametrize("channels, millions", [(64, 265.7), (48, 149.5), (100, 648.5)])
def test_the_networks_of_the_paper_have_their_sizes(channels, millions):
    # On this device nothing is stored.
    with torch.device("meta"):
        model = Demucs(DemucsSettings(channels=channels))
    widths = [channels * 2**level for level in range(6)]
    expected = 0
    for inputs, width in zip([1, *widths], widths, strict=False):
        expected += (8 * inputs + 1) * width + (width + 1) * 2 * width
        outputs = inputs if inputs > 1 else 4
        expected += (3 * width + 1) * 2 * width + 8 * width * outputs + outputs
    lowest = widths[-1]
    # Two layers, each with four gates in two directions.
    expected += 8 * lowest * (lowest + lowest + 2) + 8 * lowest * (2 * lowest + lowest + 2) + (2 * lowest + 1) * lowest
    assert sum(parameter.numel() for parameter in model.parameters()) == expected
    assert round(expected / 1e6, 1) == millions


def test_the_student_fits_into_5_megabytes():
    recipe = recipes.recipe("demucs")
    model = models.build(recipe.network, recipe.settings)
    # Vectors stay in single precision.
    assert sum(p.numel() * (2 if p.ndim > 1 else 4) for p in model.parameters()) < 5e6


@pytest.mark.parametrize("levels, kernel, stride", [(1, 8, 4), (3, 8, 4), (2, 5, 3), (3, 2, 2), (2, 4, 1)])
def test_a_valid_length_is_the_shortest_that_leaves_no_rest(levels, kernel, stride):
    settings = DemucsSettings(levels=levels, kernel=kernel, stride=stride)

    def fits(samples):
        for _ in range(levels):
            if samples < kernel or (samples - kernel) % stride:
                return False
            samples = 1 + (samples - kernel) // stride
        return True

    for samples in range(1, 300):
        assert settings.valid_length(samples) == next(n for n in range(samples, 999) if fits(n))


def reference(model, mixture):
    """The network written out, with its weights by name."""
    weights = model.state_dict()

    def convolved(name, hidden, **options):
        return functional.conv1d(hidden, weights[f"{name}.weight"], weights[f"{name}.bias"], **options)

    def gated(hidden):
        passed, gates = hidden.chunk(2, dim=1)
        return passed * gates.sigmoid()

    hidden, outputs = mixture[:, None], []
    for level in range(3):
        hidden = convolved(f"encoder.{level}.0", hidden, stride=4).relu()
        hidden = gated(convolved(f"encoder.{level}.2", hidden))
        outputs.append(hidden)
    if model.settings.recurrent_layers:
        lstm = torch.nn.LSTM(24, 24, bidirectional=True)
        lstm.load_state_dict({name: weights[f"recurrent.lstm.{name}"] for name in lstm.state_dict()})
        both = lstm(hidden.permute(2, 0, 1))[0].permute(1, 2, 0)
        hidden = torch.einsum("oi,bin->bon", weights["recurrent.linear.weight"], both)
        hidden = hidden + weights["recurrent.linear.bias"][:, None]
    for level in range(3):
        hidden = gated(convolved(f"decoder.{level}.0", hidden + outputs[2 - level], padding=1))
        name = f"decoder.{level}.2"
        hidden = functional.conv_transpose1d(hidden, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=4)
        hidden = hidden if level == 2 else hidden.relu()
    return hidden


@pytest.mark.parametrize("recurrent_layers", [0, 1])
def test_it_is_the_network_written_out(recurrent_layers):
    model, samples = tiny(recurrent_layers=recurrent_layers), 1000
    mixture = torch.from_numpy(noise(samples, 2))
    padded = functional.pad(mixture, (0, model.settings.valid_length(samples) - samples))
    with torch.no_grad():
        torch.testing.assert_close(model(mixture), reference(model, padded)[..., :samples], atol=1e-6, rtol=1e-5)


def test_weights_begin_closer_to_one_size():
    plain, scaled = tiny(rescale=None), tiny()
    for before, after in zip(plain.encoder, scaled.encoder, strict=True):
        std = before[0].weight.std()
        torch.testing.assert_close(after[0].weight.std(), (std * 0.1).sqrt())
        torch.testing.assert_close(after[0].bias, before[0].bias * (0.1 / std).sqrt())
    assert torch.equal(plain.recurrent.lstm.weight_hh_l0, scaled.recurrent.lstm.weight_hh_l0)


def test_recurrent_layers_read_the_whole_and_convolutions_only_what_is_near():
    mixture = torch.from_numpy(noise(6000))
    louder = mixture.clone()
    louder[:, 5000:] *= 10
    for layers in (0, 1):
        model = tiny(recurrent_layers=layers)
        with torch.no_grad():
            moved = (model(louder) - model(mixture))[..., :4000].abs().max()
        assert (moved > 0) == (layers > 0)


def test_the_loss_falls_by_a_fifth_in_twenty_steps():
    losses = train(tiny(), clip(), 20, 1e-2)
    assert losses[-1] < 0.8 * losses[0]


def test_it_memorises_one_clip():
    model, batch = tiny(levels=2), clip(20 * HOP)
    train(model, batch, 80, 1e-2)
    assert mean_sdr_db(model, batch) > 8


def test_the_paper_recipe_has_the_numbers_of_the_paper():
    recipe = recipes.recipe("demucs", "paper")
    settings = DemucsSettings(**recipe.settings)
    assert (settings.channels, settings.levels, settings.kernel, settings.stride) == (64, 6, 8, 4)
    assert (settings.recurrent_layers, settings.loss, recipe.fit.learning_rate) == (2, "absolute", 3e-4)
    assert (recipe.data.segment_s, recipe.data.batch, recipe.data.gains) == (11.0, 64, (0.25, 1.25))


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("demucs", stored)
    assert isinstance(model, Demucs) and model.settings == tiny().settings
    assert not model.needs_score and model.hop_samples == 64


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"stride": 9}, "stride must be"),
        ({"decoder_kernel": 2}, "decoder_kernel must be odd"),
        ({"recurrent_layers": -1}, "recurrent_layers must be"),
        ({"rescale": 0.0}, "rescale must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        DemucsSettings(**{**TINY, **changes})
