"""Losses of waveforms: what each of them ignores, and that silence has a finite one."""

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.metrics import energy  # noqa: E402
from mss_lab.neural.waveforms import LOSSES, WaveformNetwork, WaveformSettings, waveform_loss  # noqa: E402
from tests.neural.training import random_tensor  # noqa: E402


def pair():
    sources = random_tensor(2, 3, 500)
    return sources + 0.1 * random_tensor(2, 3, 500, seed=1), sources


def test_each_loss_is_its_definition():
    estimates, sources = pair()
    errors = estimates - sources
    assert waveform_loss(estimates, sources, "absolute").item() == pytest.approx(errors.abs().mean().item())
    assert waveform_loss(estimates, sources, "squared").item() == pytest.approx(errors.square().mean().item())
    ratios_db = [
        energy.si_sdr(source[None].numpy(), estimate[None].numpy())
        for source, estimate in zip(sources.flatten(0, 1), estimates.flatten(0, 1), strict=True)
    ]
    # The metric keeps a constant offset, the loss removes it.
    assert waveform_loss(estimates, sources, "si-sdr").item() == pytest.approx(-sum(ratios_db) / 6, abs=0.1)


def test_si_sdr_ignores_level_and_offset_and_the_others_do_not():
    estimates, sources = pair()
    for loss in LOSSES:
        plain = waveform_loss(estimates, sources, loss).item()
        changed = waveform_loss(3 * estimates + 1, sources, loss).item()
        assert (abs(changed - plain) < 1e-3) == (loss == "si-sdr")


@pytest.mark.parametrize("loss", LOSSES)
def test_silence_has_a_finite_loss_and_gradient(loss):
    estimates = (1e-3 * random_tensor(1, 2, 100)).requires_grad_()
    for level in (0.0, 1.0):
        waveform_loss(level * estimates, torch.zeros(1, 2, 100, dtype=torch.float64), loss).backward()
        assert torch.isfinite(estimates.grad).all()
    silence = torch.zeros(1, 2, 100)
    assert waveform_loss(silence, silence, loss).item() == 0


def test_other_shapes_and_names_are_refused():
    estimates, sources = pair()
    with pytest.raises(ValueError, match="must have one shape"):
        waveform_loss(estimates[..., 1:], sources, "absolute")
    with pytest.raises(ValueError, match="must have one shape"):
        waveform_loss(estimates[0], sources[0], "absolute")
    with pytest.raises(ValueError, match="loss must be one of"):
        waveform_loss(estimates, sources, "l1")


def test_the_base_class_names_what_a_network_lacks():
    model = WaveformNetwork(WaveformSettings(), 4)
    with pytest.raises(NotImplementedError, match="must have padding"):
        model(torch.zeros(1, 10))
    with pytest.raises(NotImplementedError, match="must have waveforms"):
        model.waveforms(torch.zeros(1, 10))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"loss": "mse"}, "loss must be one of"),
        ({"sources": ()}, "names, each once"),
        ({"sources": ["a", "a"]}, "names, each once"),
        ({"sample_rate_hz": 0}, "sample_rate_hz must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        WaveformSettings(**changes)
