"""Weights of the sources in a loss: their laws, and a state that survives a training that is continued."""

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural.source_weights import WEIGHTINGS, SourceWeights, dynamic_weights, energy_weights  # noqa: E402
from tests.neural.training import random_tensor  # noqa: E402


def positive(*shape, seed=0):
    return random_tensor(*shape, seed=seed).abs() + 0.01


@pytest.mark.parametrize("sources", [1, 2, 5])
def test_weights_times_energies_are_equal(sources):
    energies = positive(sources)
    weighted = energy_weights(energies) * energies
    torch.testing.assert_close(weighted, torch.full_like(energies, float(energies.max())))


def test_silent_sources_have_a_finite_weight():
    assert energy_weights(torch.tensor([1.0, 0.0])).tolist() == pytest.approx([1, 1000])
    assert energy_weights(torch.zeros(3)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("energies", [[-1.0, 1.0], [float("nan"), 1.0], [[1.0]], []])
def test_energies_that_cannot_be_are_refused(energies):
    with pytest.raises(ValueError, match="energies must be one number of 0 or more for each source"):
        energy_weights(torch.tensor(energies))


@pytest.mark.parametrize("sources", [1, 2, 5])
@pytest.mark.parametrize("temperature", [0.1, 2.0, 50.0])
def test_dynamic_weights_add_up_to_the_number_of_sources(sources, temperature):
    weights = dynamic_weights(positive(sources), positive(sources, seed=1), temperature)
    assert float(weights.sum()) == pytest.approx(sources) and bool((weights > 0).all())


def test_the_loss_that_decreases_least_weighs_most():
    last, before = torch.tensor([0.9, 0.5, 0.1]), torch.ones(3)
    weights = dynamic_weights(last, before)
    assert weights[0] > weights[1] > weights[2]
    expected = 3 * torch.exp(last / 2) / torch.exp(last / 2).sum()
    torch.testing.assert_close(weights, expected)
    # The unit of the losses has no effect, and a large temperature makes the weights equal.
    torch.testing.assert_close(dynamic_weights(1000 * last, 1000 * before), expected)
    torch.testing.assert_close(dynamic_weights(last, before, 1e6), torch.ones(3), atol=1e-5, rtol=0)


def test_losses_of_zero_give_finite_weights():
    assert dynamic_weights(torch.zeros(2), torch.zeros(2)).tolist() == [1, 1]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_the_first_two_epochs_weigh_all_sources_alike(weighting):
    weights = SourceWeights(2, weighting, epoch_steps=3, temperature=2.0)
    losses = torch.tensor([1.0, 3.0])
    for step in range(9):
        decay = torch.tensor([0.5, 0.9]) ** (step // 3)
        assert weights.weights.tolist() == pytest.approx([1, 1]) or (weighting == "dynamic" and step >= 6), step
        weights(losses * decay)
    expected = dynamic_weights(torch.tensor([0.25, 0.81]), torch.tensor([0.5, 0.9])).tolist()
    assert weights.weights.tolist() == pytest.approx(expected if weighting == "dynamic" else [1, 1])


def test_the_loss_is_the_mean_of_the_weighted_losses():
    weights = SourceWeights(2, "dynamic", epoch_steps=1, temperature=0.5)
    for losses in ([1.0, 1.0], [0.5, 1.0]):
        assert float(weights(torch.tensor(losses))) == pytest.approx(sum(losses) / 2)
    losses = torch.tensor([2.0, 4.0], requires_grad=True)
    used = weights.weights.clone()
    loss = weights(losses)
    loss.backward()
    assert loss.item() == pytest.approx((used * losses).sum().item() / 2) and used[1] > used[0]
    # The weights are numbers: no gradient flows through them.
    torch.testing.assert_close(losses.grad, used / 2)


def test_validation_neither_uses_nor_changes_dynamic_weights():
    weights = SourceWeights(2, "dynamic", epoch_steps=1, temperature=0.5)
    for losses in ([1.0, 1.0], [0.5, 1.0]):
        weights(torch.tensor(losses))
    before = {name: buffer.clone() for name, buffer in weights.state_dict().items()}
    assert float(weights.eval()(torch.tensor([2.0, 4.0]))) == 3
    assert all(torch.equal(buffer, before[name]) for name, buffer in weights.state_dict().items())


def test_a_training_that_continues_has_the_same_weights():
    losses = positive(10, 2).float()
    whole, first, second = (SourceWeights(2, "dynamic", epoch_steps=3, temperature=1.0) for _ in range(3))
    for one in losses:
        whole(one)
    for one in losses[:5]:
        first(one)
    second.load_state_dict(first.state_dict())
    for one in losses[5:]:
        second(one)
    assert torch.equal(whole.weights, second.weights) and whole.weights[0] != whole.weights[1]


def test_energies_are_measured_on_the_training_data():
    sources = torch.stack([torch.ones(2, 100), 0.5 * torch.ones(2, 100)], dim=1)
    weights = SourceWeights(2, "energy", epoch_steps=1, temperature=2.0)
    weights.prepare(lambda step: {"sources": sources})
    assert weights.weights.tolist() == pytest.approx([1, 4])
    unit = SourceWeights(2, "unit", epoch_steps=1, temperature=2.0)
    unit.prepare(lambda step: pytest.fail("no batch is needed"))
    assert unit.weights.tolist() == [1, 1]
