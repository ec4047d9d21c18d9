"""The context-window network: it sees so many frames and no more, and its masks add up."""

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import frontend, models  # noqa: E402
from mss_lab.neural.models.context_window import ContextWindow, ContextWindowSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, mean_sdr_db, train  # noqa: E402

TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP,
    "context_frames": 3, "hidden": 24, "layers": 2,
}  # fmt: skip
OUTPUTS = ("masks", "magnitudes")


def tiny(**changes):
    torch.manual_seed(0)
    return ContextWindow(ContextWindowSettings(**{**TINY, **changes}))


def test_the_convolution_is_the_fully_connected_layer_on_a_window():
    model = tiny()
    level = torch.randn(2, 257, 9)
    padded = torch.nn.functional.pad(level, (3, 3))
    first = model.network[0]
    # Of every frame, the 7 x 257 numbers around it, times one matrix.
    windows = torch.stack([padded[:, :, n : n + 7].flatten(1) for n in range(9)], dim=-1)
    expected = torch.einsum("hi,bin->bhn", first.weight.flatten(1), windows) + first.bias[:, None]
    torch.testing.assert_close(first(level), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("context_frames", [0, 1, 5])
def test_a_frame_hears_its_context_and_nothing_beyond(context_frames):
    model = tiny(context_frames=context_frames)
    magnitude = torch.rand(1, 257, 21) + 0.1
    with torch.no_grad():
        before = model.output_of(magnitude)
        magnitude[:, :, 10] *= 5
        moved = (model.output_of(magnitude) != before).any(dim=2)[0].any(dim=0)
    assert moved.nonzero().flatten().tolist() == list(range(10 - context_frames, 11 + context_frames))


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("samples", [1, HOP, 40 * HOP + 17])
def test_estimates_add_up_to_the_mixture(output, samples):
    batch = clip(samples, batch=2)
    mixture = batch["sources"].sum(dim=1)
    with torch.no_grad():
        estimates = tiny(output=output)(mixture)
    assert estimates.shape == (2, 2, samples) and estimates.dtype == torch.float32
    torch.testing.assert_close(estimates.sum(dim=1), mixture, atol=1e-6, rtol=0)


@pytest.mark.parametrize("output", OUTPUTS)
def test_what_it_makes_is_as_the_settings_say(output):
    made = tiny(output=output).output_of(torch.rand(2, 257, 9))
    assert made.shape == (2, 2, 257, 9) and made.min() >= 0
    assert torch.allclose(made.sum(dim=1), torch.ones(2, 257, 9)) == (output == "masks")


@pytest.mark.parametrize("output", OUTPUTS)
def test_silence_gives_silence_and_a_finite_loss(output):
    model = tiny(output=output)
    silence = {"sources": torch.zeros(1, 2, 10 * HOP)}
    model.prepare(lambda step: silence)
    assert not model(torch.zeros(1, 10 * HOP)).any()
    loss = model.loss(silence)
    loss.backward()
    assert torch.isfinite(loss) and all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_preparing_centres_every_bin_and_gives_it_one_spread():
    model = tiny()
    noise = torch.randn(2, 2, 60 * HOP, generator=torch.Generator().manual_seed(0))
    # Half a second of louder sound, so that bins spread.
    noise[:, :, : 30 * HOP] *= 10
    given = [{"sources": noise}] * 8
    model.prepare(given.__getitem__)
    magnitude = model._even_magnitude(noise.sum(dim=1))
    level = (20 * torch.log10(magnitude) - model.mean_db[:, None]) / model.spread_db[:, None]
    torch.testing.assert_close(level.mean(dim=(0, 2)), torch.zeros(257), atol=1e-3, rtol=0)
    torch.testing.assert_close(level.square().mean(dim=(0, 2)), torch.ones(257), atol=1e-3, rtol=0)
    torch.testing.assert_close(model.typical, magnitude.square().mean(dim=(0, 2)).sqrt())


def test_a_bin_that_never_changes_is_not_blown_up():
    model = tiny()
    tone = 0.1 * torch.sin(2 * np.pi * 1000 * torch.arange(60 * HOP) / RATE_HZ)
    model.prepare(lambda step: {"sources": torch.stack([tone, tone])[None]})
    assert model.spread_db.min() >= 0.0999 * model.spread_db.max() > 0


def test_what_was_prepared_is_kept_with_the_weights():
    model, other = tiny(), tiny()
    model.prepare(lambda step: clip())
    other.load_state_dict(model.state_dict())
    mixture = clip()["sources"].sum(dim=1)
    assert torch.equal(model(mixture), other(mixture))
    assert not torch.equal(model(mixture), tiny()(mixture))


def test_estimates_follow_the_volume_of_the_mixture():
    model = tiny()
    mixture = clip()["sources"].sum(dim=1)
    with torch.no_grad():
        torch.testing.assert_close(model(30 * mixture) / 30, model(mixture), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_loss_is_the_mean_square_at_the_common_level(output):
    model = tiny(output=output)
    batch = clip(batch=2)
    batch["sources"][1] *= 0.3
    level = 0.1 / batch["sources"].sum(dim=1).square().mean(dim=-1).sqrt()
    magnitudes = frontend.stft(batch["sources"] * level[:, None, None], 512, HOP).abs()
    mixture = frontend.stft(batch["sources"].sum(dim=1) * level[:, None], 512, HOP).abs()
    made = model.output_of(mixture)
    expected = ((made * mixture.unsqueeze(1) if output == "masks" else made) - magnitudes).square().mean()
    torch.testing.assert_close(model.loss(batch), expected, atol=0, rtol=1e-4)


@pytest.mark.parametrize("output", OUTPUTS)
def test_half_precision_inside_changes_little(output):
    model, batch = tiny(output=output), clip()
    mixture = batch["sources"].sum(dim=1)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.loss(batch)
        estimates = model(mixture)
    loss.backward()
    torch.testing.assert_close(loss, model.loss(batch), rtol=0.05, atol=0)
    torch.testing.assert_close(estimates.sum(dim=1), mixture, atol=1e-6, rtol=0)


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_loss_falls_by_a_fifth_in_twenty_steps(output):
    model, batch = tiny(output=output), clip()
    model.prepare(lambda step: batch)
    losses = train(model, batch, 20, 3e-3)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("output", OUTPUTS)
def test_it_learns_one_clip_by_heart(output):
    model, batch = tiny(output=output), clip()
    model.prepare(lambda step: batch)
    before = mean_sdr_db(model, batch)
    train(model, batch, 80, 3e-3)
    assert mean_sdr_db(model, batch) > max(8, before + 5)


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("context-window", stored)
    assert isinstance(model, ContextWindow) and model.settings == tiny().settings
    assert not model.needs_score and model.sources == ("a", "b")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"output": "mask"}, "did you mean 'masks'"),
        ({"context_frames": -1}, "context_frames must be"),
        ({"sources": ()}, "names, each once"),
        ({"hop_samples": 300}, "hop_samples must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ContextWindowSettings(**{**TINY, **changes})
