"""Losses of X-UMX: all combinations at once are what they are one by one, in value and in gradient."""

import itertools

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from mss_lab.neural import frontend, layers, losses
from tests.benchmarks import combination_loss as published
from tests.neural.training import random_tensor


def with_gradient(loss, tensor):
    tensor = tensor.clone().requires_grad_()
    value = loss(tensor)
    value.backward()
    return value.detach(), tensor.grad


def apart(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


def wsdr_one_by_one(estimates, sources):
    """1 + wSDR of every combination, formed and compared for itself, (combinations,)."""
    found = [
        published.published_wsdr(
            sum(estimates[:, j] for j in chosen), sum(sources[:, j] for j in chosen), sources.sum(1)
        ).mean()
        for chosen in published.every_combination(sources.shape[1])
    ]
    return torch.stack(found)


# Combinations


@pytest.mark.parametrize("sources", [2, 3, 4, 5, 6])
def test_every_choice_of_some_but_not_all_is_there_once(sources):
    found = {tuple(np.flatnonzero(row)) for row in losses.combinations(sources).numpy()}
    choices = itertools.chain.from_iterable(itertools.combinations(range(sources), k) for k in range(1, sources))
    assert found == set(choices)
    assert len(losses.combinations(sources)) == len(found) == 2**sources - 2


def test_counts_of_the_paper():
    assert [len(losses.combinations(sources)) for sources in (3, 4, 15)] == [6, 14, 32_766]


def test_without_combining_there_are_the_sources():
    assert_close(losses.combinations(3, combine=False), torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("combine", [False, True])
def test_one_source_cannot_be_combined(combine):
    with pytest.raises(ValueError, match="2 sources or more, got 1"):
        losses.combinations(1, combine=combine)


# Frequency


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("sources", [2, 3, 4, 5])
def test_the_frequency_loss_is_that_of_all_combinations(sources, dtype, tolerance):
    masks, targets = (random_tensor(3, sources, 7, 5, dtype=dtype, seed=seed).abs() for seed in (1, 2))
    magnitude = random_tensor(3, 7, 5, dtype=dtype, seed=3).abs()

    def one_by_one(masks):
        parts = [
            torch.nn.functional.mse_loss(
                sum(masks[:, j] * magnitude for j in chosen), sum(targets[:, j] for j in chosen)
            )
            for chosen in published.every_combination(sources)
        ]
        return sum(parts) / len(parts)

    expected, expected_gradient = with_gradient(one_by_one, masks)
    value, gradient = with_gradient(lambda masks: losses.frequency_loss(masks, magnitude, targets), masks)
    assert value.dtype == dtype
    assert_close(value, expected, rtol=tolerance, atol=0)
    assert apart(gradient, expected_gradient) < tolerance


def test_without_combining_it_is_the_mean_squared_error():
    masks, targets, magnitude = (
        random_tensor(2, 3, 4, 5).abs(),
        random_tensor(2, 3, 4, 5, seed=1).abs(),
        random_tensor(2, 4, 5).abs(),
    )
    found = losses.frequency_loss(masks, magnitude, targets, combine=False)
    assert_close(found, (masks * magnitude.unsqueeze(1) - targets).square().mean())
    assert found < losses.frequency_loss(masks, magnitude, targets)


def test_right_magnitudes_cost_nothing_and_silence_neither():
    magnitude = random_tensor(2, 4, 5, dtype=torch.float32).abs() + 0.1
    masks = random_tensor(2, 3, 4, 5, dtype=torch.float32, seed=1).abs()
    assert losses.frequency_loss(masks, magnitude, masks * magnitude.unsqueeze(1)) == 0
    assert losses.frequency_loss(masks, 0 * magnitude, 0 * masks) == 0


def test_gradients_of_the_frequency_loss_are_right():
    targets, magnitude = random_tensor(2, 3, 4, 5).abs(), random_tensor(2, 4, 5, seed=1).abs()
    masks = random_tensor(2, 3, 4, 5, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda masks: 3 * losses.frequency_loss(masks, magnitude, targets), (masks,))


# Weighted SDR


@pytest.mark.parametrize("sources", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype, loss_tolerance, gradient_tolerance",
                         [(torch.float64, 1e-10, 1e-8), (torch.float32, 1e-5, 1e-4)])  # fmt: skip
def test_weighted_sdr_is_that_of_all_combinations(sources, dtype, loss_tolerance, gradient_tolerance):
    truth, estimates = random_tensor(3, sources, 700, dtype=dtype), random_tensor(3, sources, 700, dtype=dtype, seed=1)
    expected, expected_gradient = with_gradient(lambda e: wsdr_one_by_one(e, truth).mean(), estimates)
    value, gradient = with_gradient(lambda e: losses.weighted_sdr_loss(e, truth), estimates)
    assert value.dtype == dtype
    assert_close(value, expected, rtol=loss_tolerance, atol=0)
    assert apart(gradient, expected_gradient) < gradient_tolerance


def test_weighted_sdr_is_its_formula():
    truth, estimates = random_tensor(1, 2, 300), random_tensor(1, 2, 300, seed=1)
    s, e, x = truth[0, 0].numpy(), estimates[0, 0].numpy(), truth[0].sum(0).numpy()

    def wsdr(s, e):
        a = np.sum(s**2) / (np.sum(s**2) + np.sum((x - s) ** 2))
        cosine = s @ e / np.linalg.norm(s) / np.linalg.norm(e)
        return -a * cosine - (1 - a) * ((x - s) @ (x - e)) / np.linalg.norm(x - s) / np.linalg.norm(x - e)

    expected = 1 + (wsdr(s, e) + wsdr(x - s, estimates[0, 1].numpy())) / 2
    assert losses.weighted_sdr_loss(estimates, truth).item() == pytest.approx(expected, abs=1e-10)


def near_silent(seed=0):
    """Sources of very different levels, with estimates that are nearly right, nearly nothing, nearly everything."""
    levels = torch.tensor([1.0, 1e-2, 1e-4, 0.0], dtype=torch.float64).reshape(1, 4, 1)
    truth = random_tensor(4, 4, 2000, seed=seed) * levels
    wrong = random_tensor(4, 4, 2000, seed=seed + 1)
    estimates = truth + 1e-3 * levels * wrong
    estimates[1] = truth[1] + 1e-4 * wrong[1]
    estimates[2] *= 1e-4
    # As a network's masks are at first: each lets everything through.
    estimates[3] = truth[3].sum(0) + 1e-3 * wrong[3]
    return truth, estimates


def test_combinations_that_are_nearly_silent_are_told_as_well():
    truth, estimates = near_silent()
    expected, expected_gradient = with_gradient(lambda e: wsdr_one_by_one(e, truth).mean(), estimates)
    value, gradient = with_gradient(lambda e: losses.weighted_sdr_loss(e, truth), estimates)
    assert_close(value, expected, rtol=1e-8, atol=1e-12)
    assert max(map(apart, gradient, expected_gradient)) < 1e-8
    # In float32 the published form is itself only nearly right, so that float64 is the judge of both.
    value, gradient = with_gradient(lambda e: losses.weighted_sdr_loss(e, truth.float()), estimates.float())
    assert_close(value.double(), expected, rtol=1e-3, atol=1e-6)
    assert max(map(apart, gradient.double(), expected_gradient)) < 1e-2


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_perfect_estimates_cost_nothing(dtype, tolerance):
    truth = random_tensor(4, 4, 500, dtype=dtype)
    truth[1, 0] = 0
    truth[2, 1:] = 0
    truth[3] = 0
    for level in (1.0, 1e-3):
        value, gradient = with_gradient(
            lambda e, level=level: losses.weighted_sdr_loss(e, level * truth), level * truth
        )
        assert abs(value) < tolerance
        assert gradient.isfinite().all()


def test_it_lies_between_0_and_2(rng):
    truth = random_tensor(2, 3, 400)
    for estimates in (truth, -truth, -100 * truth, 0 * truth, random_tensor(2, 3, 400, seed=5), truth.flip(1)):
        assert -1e-12 <= losses.weighted_sdr_loss(estimates, truth) <= 2
    assert losses.weighted_sdr_loss(-100 * truth, truth) > 1
    assert losses.weighted_sdr_loss(truth.flip(1), truth) > 0.1


def test_dead_masks_and_silence_give_finite_gradients():
    for truth in (random_tensor(2, 3, 400, dtype=torch.float32), torch.zeros(2, 3, 400)):
        value, gradient = with_gradient(
            lambda e, truth=truth: losses.weighted_sdr_loss(e, truth), torch.zeros(2, 3, 400)
        )
        assert value.isfinite() and gradient.isfinite().all()
    value, gradient = with_gradient(
        lambda e: losses.weighted_sdr_loss(e, torch.zeros(2, 3, 400)), random_tensor(2, 3, 400)
    )
    assert value.isfinite() and gradient.isfinite().all()


def test_gradients_of_weighted_sdr_are_right():
    truth, estimates = random_tensor(2, 3, 6), random_tensor(2, 3, 6, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda e: losses.weighted_sdr_loss(e, truth), (estimates,))


def test_without_combining_the_sources_are_compared_alone():
    truth, estimates = random_tensor(2, 3, 40), random_tensor(2, 3, 40, seed=1)
    singles = wsdr_one_by_one(estimates, truth)[:3]
    assert_close(losses.weighted_sdr_loss(estimates, truth, combine=False), singles.mean())


def test_inner_products_of_long_signals_are_added_stretch_by_stretch():
    truth, estimates = (
        random_tensor(2, 2, 3 * losses.BLOCK_SAMPLES + 17, dtype=torch.float32, seed=seed) for seed in (0, 1)
    )
    both = torch.cat([truth, estimates], 1).double()
    products = losses.gram(estimates, truth)
    assert products.dtype == torch.float64
    assert_close(products, both @ both.mT, rtol=1e-13, atol=1e-9)


# Both, from masks on


def test_fifteen_sources_are_within_reach():
    truth, masks = random_tensor(1, 15, 30), random_tensor(1, 15, 3, 4).abs()
    estimates, targets, magnitude = (
        random_tensor(1, 15, 30, seed=1),
        random_tensor(1, 15, 3, 4, seed=2).abs(),
        random_tensor(1, 3, 4).abs(),
    )
    rows = losses.combinations(15)
    errors = (masks * magnitude.unsqueeze(1) - targets).flatten(2)[0]
    assert_close(losses.frequency_loss(masks, magnitude, targets), (rows @ errors).square().mean())
    expected = published.published_wsdr(rows @ estimates[0], rows @ truth[0], truth.sum(1)).mean()
    assert_close(losses.weighted_sdr_loss(estimates, truth), expected)


def both_domains(masks, data):
    estimates = layers.masked_waveforms(masks, data["transform"], 512, 128, length=data["sources"].shape[-1])
    frequency = losses.frequency_loss(masks, data["transform"].abs(), data["targets"])
    return frequency + 10 * losses.weighted_sdr_loss(estimates, data["sources"])


@pytest.mark.parametrize("dtype, loss_tolerance, gradient_tolerance",
                         [(torch.float64, 1e-8, 1e-8), (torch.float32, 1e-3, 1e-2)])  # fmt: skip
@pytest.mark.parametrize("sources", [2, 3, 4])
def test_both_losses_are_their_published_form(sources, dtype, loss_tolerance, gradient_tolerance):
    waveforms = published.music(3, sources, 0.1, dtype)
    waveforms[1, 0] = 0
    transform = frontend.stft(waveforms.sum(1), 512, 128)
    data = {"sources": waveforms, "transform": transform, "targets": frontend.stft(waveforms, 512, 128).abs()}

    def one_by_one(masks):
        frequency, time_domain = published.published_loss(masks, transform, data["targets"], waveforms, hop=128)
        return frequency + 10 * time_domain

    masks = published.start_masks(data).detach()
    expected, expected_gradient = with_gradient(one_by_one, masks)
    value, gradient = with_gradient(lambda masks: both_domains(masks, data), masks)
    assert_close(value, expected, rtol=loss_tolerance, atol=0)
    assert apart(gradient, expected_gradient) < gradient_tolerance


def test_half_precision_around_it_does_not_reach_the_sums():
    waveforms = published.music(2, 3, 0.1)
    transform = frontend.stft(waveforms.sum(1), 512, 128)
    data = {"sources": waveforms, "transform": transform, "targets": frontend.stft(waveforms, 512, 128).abs()}
    masks = published.start_masks(data).detach()
    expected = both_domains(masks, data)
    with torch.autocast("cpu", torch.bfloat16):
        assert both_domains(masks, data) == expected


# What is refused


def test_what_does_not_fit_is_refused():
    masks, magnitude = torch.ones(2, 3, 4, 5), torch.ones(2, 4, 5)
    with pytest.raises(ValueError, match="must have one shape"):
        losses.frequency_loss(masks, magnitude, masks[:, :2])
    with pytest.raises(ValueError, match="magnitude must have the shape"):
        losses.frequency_loss(masks, magnitude[:1], masks)
    with pytest.raises(ValueError, match="must have one shape"):
        losses.weighted_sdr_loss(torch.ones(2, 3, 4), torch.ones(2, 3, 5))
    with pytest.raises(ValueError, match="not empty"):
        losses.weighted_sdr_loss(torch.ones(2, 3, 0), torch.ones(2, 3, 0))
    for wrong in (lambda: losses.frequency_loss(masks, magnitude, masks.clone().requires_grad_()),
                  lambda: losses.frequency_loss(masks, magnitude.clone().requires_grad_(), masks),
                  lambda: losses.weighted_sdr_loss(magnitude, magnitude.clone().requires_grad_())):  # fmt: skip
        with pytest.raises(ValueError, match="must be data"):
            wrong()


def test_nothing_is_written_into():
    masks, magnitude, targets = random_tensor(2, 3, 4, 5), random_tensor(2, 4, 5), random_tensor(2, 3, 4, 5, seed=1)
    estimates, truth = random_tensor(2, 3, 40), random_tensor(2, 3, 40, seed=1)
    given = [tensor.clone() for tensor in (masks, magnitude, targets, estimates, truth)]
    with_gradient(lambda m: losses.frequency_loss(m, magnitude, targets), masks)
    with_gradient(lambda e: losses.weighted_sdr_loss(e, truth), estimates)
    for before, after in zip(given, (masks, magnitude, targets, estimates, truth), strict=True):
        assert_close(after, before, rtol=0, atol=0)
