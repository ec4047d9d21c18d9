"""Convolutional networks on recordings: any length, silence, channels, chunks, and weights of the right network."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from numpy.testing import assert_array_equal  # noqa: E402

from mss_lab.neural import apply, weights  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, built, clip, noise  # noqa: E402

COMMON = {"sources": ("a", "b"), "sample_rate_hz": RATE_HZ}
NETWORKS = {
    "conv-tasnet": {**COMMON, "filters": 16, "channels": 8, "hidden": 8, "blocks": 4, "repeats": 1, "loss": "absolute"},
    "demucs": {**COMMON, "channels": 4, "levels": 3, "recurrent_layers": 1},
    "hdemucs": {**COMMON, "window_samples": 1024, "channels": 4},
    "hybrid-demucs": {**COMMON, "channels": 4, "levels": 3},
    "multichannel-unet": {**COMMON, "window_samples": 510, "hop_samples": HOP, "channels": 2, "levels": 2},
    "multires-unet": {**COMMON, "window_samples": 510, "hop_samples": HOP, "filters": 2, "levels": 2},
    "wave-unet": {**COMMON, "levels": 4, "channels": 4},
}
# Networks in which an estimate depends only on the recording near it: name and changes of settings.
LOCAL = (
    ("conv-tasnet", {"norm": "frame"}),
    ("demucs", {"recurrent_layers": 0}),
    ("hybrid-demucs", {"recurrent_layers": 0}),
    ("multichannel-unet", {}),
    ("multires-unet", {}),
    ("multires-unet", {"outputs": "masks", "coefficients": 200}),
    ("wave-unet", {}),
    ("wave-unet", {"context": True}),
)
LENGTHS = {"chunk_s": 3.0, "overlap_s": 1.5}


def error_db(estimate, expected):
    return 10 * np.log10(max(np.mean((estimate - expected) ** 2.0), 1e-30) / np.mean(expected**2.0))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("samples", [1, 2, 127, 1000, 4096])
def test_every_length_comes_back(name, samples):
    mixture = torch.from_numpy(noise(samples, 2))
    with torch.no_grad():
        estimates = built(name, NETWORKS[name])(mixture)
    assert estimates.shape == (2, 2, samples) and estimates.dtype == torch.float32
    assert torch.isfinite(estimates).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_samples_do_not_depend_on_the_examples_beside_them(name):
    model, mixture = built(name, NETWORKS[name]), torch.from_numpy(noise(3000, 2))
    with torch.no_grad():
        torch.testing.assert_close(model(mixture)[:1], model(mixture[:1]), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_finite_for_sound_and_for_silence(name):
    model = built(name, NETWORKS[name]).train()
    for level in (0.1, 0.0):
        model.zero_grad()
        loss = model.loss({"sources": level * torch.randn(2, 2, 6000)})
        loss.backward()
        assert torch.isfinite(loss) and all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize(
    "name, changes", [*((name, {}) for name in NETWORKS), ("multichannel-unet", {"masks": "softmax"})]
)
def test_half_precision_inside_changes_little(name, changes):
    model, batch = built(name, NETWORKS[name], **changes).train(), clip()
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.loss(batch)
        estimates = model(batch["sources"].sum(dim=1))
    loss.backward()
    torch.testing.assert_close(loss, model.loss(batch), rtol=0.05, atol=0)
    assert estimates.dtype == torch.float32


@pytest.mark.parametrize("name, changes", LOCAL)
def test_chunks_are_the_whole(name, changes):
    model, mixture = built(name, NETWORKS[name], **changes), noise(round(7.3 * RATE_HZ))
    with torch.no_grad():
        whole = model(torch.from_numpy(mixture))[0].numpy()
    estimates = apply.separate(model, mixture, RATE_HZ, **LENGTHS)
    for expected, estimate in zip(whole, estimates.values(), strict=True):
        stretches = np.array_split(np.arange(len(expected)), 73)
        assert max(error_db(estimate[0, some], expected[some]) for some in stretches) < -60


@pytest.mark.parametrize("name", NETWORKS)
def test_silence_gives_silence(name):
    silence = np.zeros((2, 2 * RATE_HZ), np.float32)
    assert not any(
        estimate.any() for estimate in apply.separate(built(name, NETWORKS[name]), silence, RATE_HZ).values()
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_channels_are_separated_one_by_one(name, frozen):
    model, mixture = built(name, NETWORKS[name]), frozen(noise(RATE_HZ, 2))
    stereo = apply.separate(model, mixture, RATE_HZ)
    for channel in range(2):
        mono = apply.separate(model, mixture[channel : channel + 1], RATE_HZ)
        for source, estimate in stereo.items():
            np.testing.assert_allclose(estimate[channel], mono[source][0], atol=1e-6)
    alike = apply.separate(model, np.stack([mixture[0], mixture[0]]), RATE_HZ)
    for estimate in alike.values():
        np.testing.assert_allclose(estimate[0], estimate[1], atol=1e-7)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_separator_uses_stored_weights_at_any_rate_and_level(name, tmp_path):
    model, path = built(name, NETWORKS[name]), tmp_path / "own.safetensors"
    weights.save(model, path, {})
    mixture = noise(RATE_HZ)
    separate = apply.network_separator(name)
    stored, memory = (separate(mixture, RATE_HZ, weights=one) for one in (path, model))
    for source, estimate in stored.items():
        assert_array_equal(estimate, memory[source])
    loud = separate(30 * mixture, RATE_HZ, weights=path)
    for source, estimate in loud.items():
        np.testing.assert_allclose(estimate, 30 * stored[source], atol=1e-4)
    wide = separate(noise(3 * RATE_HZ), 3 * RATE_HZ, weights=path)
    assert all(estimate.shape == (1, 3 * RATE_HZ) for estimate in wide.values())


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_of_another_network_are_refused(name, tmp_path):
    path = tmp_path / "own.safetensors"
    weights.save(built(name, NETWORKS[name]), path, {})
    card = json.loads(path.with_suffix(".json").read_text())
    three = {**NETWORKS[name], "sources": ["a", "b", "c"]}
    for other, settings in (("mask-inference", {"hidden": 4, "layers": 1}), (name, three)):
        path.with_suffix(".json").write_text(json.dumps({**card, "network": other, "settings": settings}))
        with pytest.raises(ValueError, match=f"does not hold the weights of a {other} with its card's settings"):
            weights.load(path)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_without_shipped_weights_says_how_to_have_some(name):
    with pytest.raises(ValueError, match=f"mss-lab train {name}"):
        apply.network_separator(name)(noise(100), RATE_HZ)
