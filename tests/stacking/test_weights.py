"""Weights of members: the laws of a convex fit, SciPy on the stacked signals, and known weights."""

import numpy as np
import pytest
import scipy.optimize

from mss_lab.stacking import weights
from tests.measures import refusal

CONSTRAINTS = pytest.mark.parametrize("constraint", weights.CONSTRAINTS)


def problem(rng, members=3, channels=2, samples=400, noise=0.5):
    source = rng.standard_normal((channels, samples))
    levels = noise * rng.uniform(0.3, 1.5, (members, 1, 1))
    shared = rng.standard_normal((channels, samples))
    estimates = source + levels * (rng.standard_normal((members, channels, samples)) + 0.5 * shared)
    return source, rng.uniform(0.3, 1.2, (members, 1, 1)) * estimates


def errors(source, estimates):
    return np.sum((source - estimates) ** 2, axis=(-1, -2))


@CONSTRAINTS
@pytest.mark.parametrize("members", [1, 2, 5])
def test_never_worse_than_the_best_member_on_its_own_data(rng, frozen, members, constraint):
    source, estimates = frozen(*problem(rng, members))
    fitted = weights.fit(weights.products(source, estimates), constraint=constraint)
    assert (fitted >= 0).all()
    assert constraint == "non-negative" or fitted.sum() == pytest.approx(1, abs=1e-12)
    best = errors(source, estimates).min()
    assert errors(source, weights.combine(estimates, fitted)) <= best * (1 + 1e-8)


@pytest.mark.parametrize("members", [1, 2, 6])
def test_scipy_on_the_stacked_signals_finds_the_same(rng, members):
    source, estimates = problem(rng, members)
    expected, _ = scipy.optimize.nnls(estimates.reshape(members, -1).T, source.ravel())
    assert np.allclose(weights.fit(weights.products(source, estimates)), expected, atol=1e-7)


def test_averages_are_those_of_a_general_solver(rng):
    source, estimates = problem(rng, 4)
    fitted = weights.fit(weights.products(source, estimates), constraint="average")
    solution = scipy.optimize.minimize(
        lambda w: errors(source, np.tensordot(w, estimates, axes=1)) / errors(source, 0 * source),
        np.full(4, 0.25), bounds=[(0, None)] * 4, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14},
    )  # fmt: skip
    assert np.allclose(fitted, solution.x, atol=1e-4)


def test_known_weights_are_recovered(rng):
    estimates = rng.standard_normal((3, 2, 500))
    source = np.tensordot(weights.REPORT_WEIGHTS, estimates, axes=1)
    for constraint in weights.CONSTRAINTS:
        fitted = weights.fit(weights.products(source, estimates), constraint=constraint)
        assert np.allclose(fitted, weights.REPORT_WEIGHTS, atol=1e-6)


def test_a_negative_weight_becomes_zero(rng):
    estimates = rng.standard_normal((2, 1, 2000))
    fitted = weights.fit(weights.products(estimates[0] - 0.5 * estimates[1], estimates))
    assert fitted[1] == 0 and fitted[0] == pytest.approx(1, abs=0.1)


@CONSTRAINTS
def test_identical_members_are_the_identity(rng, constraint):
    source = rng.standard_normal((1, 300))
    estimate = source + 0.1 * rng.standard_normal((1, 300))
    copies = np.stack([estimate] * 3)
    fitted = weights.fit(weights.products(source, copies), constraint=constraint)
    assert np.allclose(fitted, fitted[0], atol=1e-4)
    if constraint == "average":
        assert np.allclose(weights.combine(copies, fitted), estimate, atol=1e-9)
    assert np.allclose(weights.combine(copies, np.array(weights.REPORT_WEIGHTS)), estimate, atol=1e-12)


def test_the_reports_weights_add_up_to_one():
    assert sum(weights.REPORT_WEIGHTS) == pytest.approx(1)


def test_products_of_recordings_add_up_to_those_of_both_together(rng):
    first, second = problem(rng, samples=100), problem(rng, samples=300)
    streamed = weights.products(*first) + weights.products(*second)
    joined = weights.products(*(np.concatenate(pair, axis=-1) for pair in zip(first, second, strict=True)))
    for name in ("members", "source", "energy"):
        assert np.allclose(getattr(streamed, name), getattr(joined, name))
    assert "number of channels" in refusal(lambda: streamed + weights.products(*problem(rng, members=2)))


def test_the_error_is_that_of_the_combination(rng):
    source, estimates = problem(rng)
    some = rng.random(3)
    expected = errors(source, weights.combine(estimates, some))
    assert weights.products(source, estimates).error(some) == pytest.approx(expected)


@CONSTRAINTS
def test_levels_of_the_data_change_no_weight(rng, constraint):
    source, estimates = problem(rng)
    expected = weights.fit(weights.products(source, estimates), constraint=constraint)
    for level in (1e-6, 1e6):
        scaled = weights.products(level * source, level * estimates)
        assert np.allclose(weights.fit(scaled, constraint=constraint), expected, atol=1e-9)


@CONSTRAINTS
def test_silence_and_one_sample_pass(constraint):
    silence = weights.products(np.zeros((1, 5)), np.zeros((3, 1, 5)))
    assert np.allclose(weights.fit(silence, constraint=constraint), 1 / 3)
    one = weights.products(np.ones((1, 1)), np.array([[[0.5]], [[2.0]]]))
    fitted = weights.fit(one, constraint=constraint)
    assert one.error(fitted) < 1e-8


def test_a_silent_source_silences_its_members(rng):
    fitted = weights.fit(weights.products(np.zeros((1, 50)), rng.standard_normal((2, 1, 50))))
    assert np.allclose(fitted, 0)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: weights.products(np.ones((1, 4)), np.ones((2, 1, 5))), ValueError, "same shape"),
        (lambda: weights.products(np.ones((1, 4)), np.ones((0, 1, 4))), ValueError, "at least one member"),
        (lambda: weights.products(np.ones((1, 4)), np.full((2, 1, 4), np.nan)), ValueError, "finite"),
        (lambda: weights.fit(np.eye(2)), TypeError, "must be Products"),
        (
            lambda: weights.fit(weights.products(np.ones((1, 4)), np.ones((2, 1, 4))), constraint="any"),
            ValueError,
            "any",
        ),
        (lambda: weights.combine(np.ones((2, 1, 4)), np.ones(3)), ValueError, "each of 2 members"),
        (lambda: weights.combine(np.ones((2, 1, 4)), np.ones((5, 2))), ValueError, "regions.combine"),
    ],
)
def test_bad_input_is_refused(call, error, words):
    assert words in refusal(call, error)
