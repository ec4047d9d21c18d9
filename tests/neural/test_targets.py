"""The phase-sensitive target: it can be reached, it knows where a mask can do nothing, and no mask comes nearer."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.metrics import energy  # noqa: E402
from mss_lab.neural import frontend, levels, targets  # noqa: E402

GRID = {"window_samples": 512, "hop_samples": 128}


def sources_of(rng, count=3, samples=6000, dtype=np.float64):
    """Coloured noises that overlap everywhere: bins in which the sources partly cancel are common."""
    noise = rng.normal(size=(count, samples))
    gains = np.exp(rng.normal(size=(count, samples // 2 + 1)))
    return torch.from_numpy(np.fft.irfft(np.fft.rfft(noise) * gains, samples).astype(dtype))


def stfts_of(sources):
    source_stfts = frontend.stft(sources, **GRID)
    return source_stfts, source_stfts.sum(dim=0)


def test_the_target_equals_its_definition(rng):
    source_stfts, mixture = stfts_of(sources_of(rng))
    s, x = source_stfts.numpy(), mixture.numpy()
    expected = np.clip(np.abs(s) * np.cos(np.angle(s) - np.angle(x)), 0, np.abs(x))
    np.testing.assert_allclose(targets.phase_sensitive_target(source_stfts, mixture), expected, atol=1e-10)
    # Both limits are met by some bins, or nothing would have been tested of them.
    assert (expected == 0).any() and (expected == np.abs(x)).any()


def test_the_target_can_be_reached_by_a_mask(rng):
    source_stfts, mixture = stfts_of(sources_of(rng))
    mask = targets.phase_sensitive_mask(source_stfts, mixture)
    assert mask.min() >= 0 and mask.max() <= 1
    assert targets.phase_sensitive_loss(mask, source_stfts, mixture) < 1e-12
    assert targets.phase_sensitive_loss(mask * 0.9, source_stfts, mixture) > 1e-3


def test_opposite_phase_asks_for_nothing_and_the_same_phase_for_everything():
    mixture = torch.tensor([[1 + 1j, 2j]], dtype=torch.complex64)
    opposite, twice = -0.5 * mixture, 2 * mixture
    target = targets.phase_sensitive_target(torch.stack([opposite, twice, 1j * mixture]), mixture)
    torch.testing.assert_close(target, torch.stack([0 * mixture, mixture, 0 * mixture]).abs())


def test_sources_that_cancel_ask_for_nothing():
    tone = torch.ones(2, 4, dtype=torch.complex64)
    source_stfts = torch.stack([tone, -tone])
    mixture = source_stfts.sum(dim=0)
    assert not targets.phase_sensitive_target(source_stfts, mixture).any()
    assert not targets.phase_sensitive_mask(source_stfts, mixture).any()


def test_the_loss_is_the_mean_distance_and_silence_costs_nothing():
    mixture = torch.full((1, 2, 3), 2.0, dtype=torch.complex64)
    loss = targets.phase_sensitive_loss(torch.full((1, 1, 2, 3), 0.25), mixture.unsqueeze(1) / 2, mixture)
    assert loss == pytest.approx(0.5)
    silence = torch.zeros_like(mixture)
    loss = targets.phase_sensitive_loss(torch.ones(1, 1, 2, 3), silence.unsqueeze(1), silence)
    assert loss == 0


def test_gradients_are_finite_in_silence_and_at_the_faintest_bins():
    mixture = torch.tensor([[0, 1e-42, 1e-30, 1]], dtype=torch.complex64)
    mask = torch.full((1, 1, 4), 0.5, requires_grad=True)
    targets.phase_sensitive_loss(mask, mixture[None], mixture).backward()
    assert torch.isfinite(mask.grad).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_oracle_that_knows_phase_is_at_least_as_good_as_the_ratio_mask(seed):
    sources = sources_of(np.random.default_rng(seed))
    source_stfts, mixture = stfts_of(sources)
    ratio = source_stfts.abs() / source_stfts.abs().sum(dim=0)
    phase = targets.phase_sensitive_mask(source_stfts, mixture)

    def scores(mask):
        estimates = frontend.istft(mask * mixture, **GRID, length=sources.shape[-1])
        return [energy.si_sdr(s[None].numpy(), e[None].numpy()) for s, e in zip(sources, estimates, strict=True)]

    for with_phase, without in zip(scores(phase), scores(ratio), strict=True):
        assert with_phase >= without


def test_no_mask_in_reach_is_nearer_to_the_source(rng):
    source_stfts, mixture = stfts_of(sources_of(rng))
    best = targets.phase_sensitive_mask(source_stfts, mixture)
    distance = (best * mixture - source_stfts).abs()
    for other in (best * 0.99, (best + 0.01).clamp(max=1), torch.from_numpy(rng.random(best.shape))):
        assert ((other * mixture - source_stfts).abs() >= distance - 1e-9).all()


def test_every_mixture_is_brought_to_one_level_but_silence():
    mixture = torch.randn(3, 4000, generator=torch.Generator().manual_seed(0))
    loud = mixture * torch.tensor([[1.0], [1e-3], [100.0]])
    brought = loud * levels.level_gain(loud)
    torch.testing.assert_close(brought.square().mean(dim=-1).sqrt(), torch.full((3,), levels.LEVEL))
    silent = levels.level_gain(torch.zeros(1, 5))
    assert torch.isfinite(silent).all() and silent.shape == (1, 1)
    assert not (torch.zeros(1, 5) * silent).any()
