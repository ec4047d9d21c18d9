"""The hybrid Demucs: two branches that meet frame by frame, a spectrum that comes back, and chunks."""

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab import transforms  # noqa: E402
from mss_lab.neural import models, recipes, weights  # noqa: E402
from mss_lab.neural.models.hybrid_demucs import HybridDemucs, HybridDemucsSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, mean_sdr_db, noise, train  # noqa: E402

TINY = {"sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "channels": 4, "levels": 3}


def tiny(**changes):
    torch.manual_seed(0)
    return HybridDemucs(HybridDemucsSettings(**{**TINY, **changes}))


def padded(model, samples, seed=0):
    mixture = torch.from_numpy(noise(samples, 2, seed))
    return torch.nn.functional.pad(mixture, model.padding(samples))


def test_the_student_fits_into_5_megabytes():
    recipe = recipes.recipe("hybrid-demucs")
    model = models.build(recipe.network, {"sample_rate_hz": recipe.data.sample_rate_hz, **recipe.settings})
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == 997_740 and 2 * count < 5e6
    assert (model.settings.window_samples, model.hop_samples) == (1024, 256)


@pytest.mark.parametrize("levels, stride, kernel", [(2, 4, 8), (3, 4, 8), (3, 2, 4), (2, 3, 5), (2, 4, 4)])
def test_both_branches_end_in_the_same_frames(levels, stride, kernel):
    model = tiny(levels=levels, stride=stride, kernel=kernel)
    mixture = padded(model, 3 * model.hop_samples + 1)
    with torch.no_grad():
        bins, _ = model.spectral.encode(model.spectrum(mixture), model.embedding)
        frames, _ = model.temporal.encode(mixture.unsqueeze(1))
    # Four frames of the recording and two on each side.
    assert bins.shape == (2, frames.shape[1], 1, 8) and frames.shape[2] == 8


def test_the_spectrum_is_that_of_the_package_half_a_hop_later():
    model = tiny()
    mixture, hop = padded(model, 1000), model.hop_samples
    expected = transforms.stft(mixture[:, hop // 2 :].numpy(), window_samples=4 * hop, hop_samples=hop)[:, :-1]
    spectrum = model.spectrum(mixture).numpy() * (4 * hop) ** 0.5
    np.testing.assert_allclose(spectrum[:, 0] + 1j * spectrum[:, 1], expected, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 63, 64, 1000])
def test_a_spectrum_that_is_not_changed_comes_back_from_the_first_sample_to_the_last(samples):
    model = tiny()
    # Without the highest bin, which the spectrum leaves out.
    times = np.arange(samples)
    mixture = torch.from_numpy(np.stack([np.sin(0.3 * times + 1), 0.5 * np.cos(0.1 * times)]).astype(np.float32))
    wide = torch.nn.functional.pad(mixture, model.padding(samples))
    back = model.from_spectra(model.spectrum(wide))[:, 0]
    side = model.padding(samples)[0]
    highest = transforms.stft(wide[:, 32:].numpy(), window_samples=256, hop_samples=64).copy()
    highest[:, :-1] = 0
    rest = transforms.istft(highest, wide.shape[1] - 32, window_samples=256, hop_samples=64)
    np.testing.assert_allclose(
        back[:, side : side + samples].numpy(),
        mixture.numpy() - rest[:, side - 32 : side - 32 + samples],
        atol=1e-5,
    )


def test_an_estimate_is_the_sum_of_both_branches():
    model, mixture = tiny(), torch.from_numpy(noise(1000, 2))
    with torch.no_grad():
        both = model(mixture)
        outputs = []
        for silent in (model.spectral, model.temporal):
            decode, silent.decode = silent.decode, lambda *inputs, decode=silent.decode: 0 * decode(*inputs)
            outputs.append(model(mixture))
            silent.decode = decode
    torch.testing.assert_close(both, sum(outputs), atol=1e-6, rtol=1e-5)
    assert all(output.abs().max() > 0.01 * both.abs().max() for output in outputs)


def test_the_embedding_tells_bins_apart():
    model = tiny()
    shifted = torch.zeros(1, 2, 128, 8)
    shifted[:, :, 40] = 1
    with torch.no_grad():
        lower, higher = (model.spectral.encode(one, model.embedding)[1][0] for one in (shifted, shifted.roll(16, 2)))
        plain_lower, plain_higher = (model.spectral.encode(one)[1][0] for one in (shifted, shifted.roll(16, 2)))
    # Four bins of the input are one of the first level.
    torch.testing.assert_close(plain_lower[:, :, 8:13], plain_higher[:, :, 12:17])
    assert not torch.allclose(lower[:, :, 8:13], higher[:, :, 12:17], atol=1e-3)


def test_recurrent_layers_read_the_whole_and_convolutions_only_what_is_near():
    mixture = torch.from_numpy(noise(8000))
    louder = mixture.clone()
    louder[:, 7000:] *= 10
    for layers in (0, 1):
        model = tiny(recurrent_layers=layers)
        with torch.no_grad():
            if layers:
                # Initial weights are so small that states fade away within few frames.
                for parameter in model.middle.recurrent.parameters():
                    parameter.mul_(20)
            moved = (model(louder) - model(mixture))[..., :6000].abs().max()
        assert moved > 1e-4 if layers else moved == 0


def test_every_weight_has_a_gradient():
    model = tiny()
    model.loss(clip()).backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())


def test_weights_begin_closer_to_one_size():
    plain, scaled = tiny(rescale=None), tiny()
    for before, after in zip(plain.spectral.down, scaled.spectral.down, strict=True):
        torch.testing.assert_close(after.weight.std(), (before.weight.std() * 0.1).sqrt())
    assert torch.equal(plain.embedding, scaled.embedding)


def test_the_loss_falls_by_a_fifth_in_twenty_steps():
    losses = train(tiny(), clip(20 * HOP), 20, 1e-2)
    assert losses[-1] < 0.8 * losses[0]


def test_it_memorises_one_clip():
    model, batch = tiny(), clip(10 * HOP)
    train(model, batch, 60, 1e-2)
    assert mean_sdr_db(model, batch) > 8


def test_a_card_gives_the_same_network_back(tmp_path):
    model, mixture = tiny().eval(), torch.from_numpy(noise(1000))
    weights.save(model, tmp_path / "own.safetensors", {})
    stored = weights.load(tmp_path / "own.safetensors")
    assert isinstance(stored, HybridDemucs) and stored.settings == model.settings
    with torch.no_grad():
        torch.testing.assert_close(stored(mixture), model(mixture), atol=1e-3, rtol=0.02)


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("hybrid-demucs", stored)
    assert isinstance(model, HybridDemucs) and model.settings == tiny().settings
    assert not model.needs_score and model.hop_samples == 64


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"levels": 1}, "levels must be"),
        ({"stride": 1}, "stride must be"),
        ({"stride": 9}, "stride must be"),
        ({"kernel": 7}, "kernel must differ from stride by an even number"),
        ({"recurrent_layers": -1}, "recurrent_layers must be"),
        ({"rescale": 0.0}, "rescale must be"),
        ({"channels": 0}, "channels must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        HybridDemucsSettings(**{**TINY, **changes})
