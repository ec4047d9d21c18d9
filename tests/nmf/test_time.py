"""NMF that knows time: smooth and sparse activations cost what they should, and lasting templates are learnt."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks
from mss_lab.nmf import beta as nmf
from mss_lab.nmf import continuity, convolutive


def music(rng, level=1.0, dtype=np.float64, freq=30, frames=80, notes=4):
    """Notes that are held for some frames, and noise that is not."""
    held = np.repeat(rng.gamma(0.5, size=(notes, frames // 8)), 8, axis=1)
    noisy = rng.gamma(0.4, size=(freq, notes)) @ held * rng.uniform(0.5, 1.5, (freq, frames))
    return (level * noisy).astype(dtype)


def loop_cost(V, W, H, a, s):
    total = nmf.divergence(V, W @ H) / V.mean()
    for row in H:
        square = sum(h * h for h in row) / len(row)
        total += a * sum((row[n] - row[n - 1]) ** 2 for n in range(1, len(row))) / square
        total += s * sum(row) / square**0.5
    return total


# Continuity and sparsity.


def test_the_terms_equal_the_loop_and_do_not_hear_the_level(rng):
    H = rng.random((3, 9))
    squares = np.mean(H**2, axis=1)
    assert_allclose(continuity.roughness(H), sum(sum(np.diff(h) ** 2) / q for h, q in zip(H, squares, strict=True)))
    assert_allclose(continuity.sparseness(H), sum(sum(h) / q**0.5 for h, q in zip(H, squares, strict=True)))
    for term in (continuity.roughness, continuity.sparseness):
        assert_allclose(term(1e-6 * H), term(H))
        assert_allclose(term(np.stack([H, H])), 2 * term(H))
        assert term(np.zeros((3, 9))) == 0
    assert continuity.roughness(np.ones((3, 9))) == 0
    assert continuity.roughness(np.ones((3, 1))) == 0


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (3.0, 2.0)])
@pytest.mark.parametrize("frames", [1, 2, 9])
def test_the_gradient_is_that_of_the_terms(rng, weights, frames):
    H, step = rng.random((2, frames)) + 0.1, 1e-6
    less, more = continuity._gradients(H[:, np.newaxis], *weights)
    assert less.min() >= 0
    assert more.min() >= 0

    def terms(H):
        return weights[0] * continuity.roughness(H) + weights[1] * continuity.sparseness(H)

    for place in np.ndindex(H.shape):
        aside = np.zeros_like(H)
        aside[place] = step
        slope = (terms(H + aside) - terms(H - aside)) / (2 * step)
        assert_allclose((more - less)[:, 0][place], slope, rtol=1e-5, atol=1e-7)


def test_without_weights_it_is_plain_nmf(rng):
    V, W, H = music(rng), rng.random((30, 4)), rng.random((4, 80))
    plain = nmf.factorise(V, templates=W, activations=H, iterations=20)
    found = continuity.factorise(V, continuity=0, templates=W, activations=H, iterations=20)
    assert_allclose(found.templates, plain.templates, rtol=1e-9)
    assert_allclose(found.activations, plain.activations, rtol=1e-9)
    assert_allclose(found.costs[-1] * V.mean(), plain.divergences[-1], rtol=1e-9)


@pytest.mark.parametrize("level", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_stronger_the_weight_the_smoother_the_activations(rng, frozen, level, dtype):
    V = frozen(music(rng, level, dtype))
    found = {
        weight: continuity.factorise(V, 4, continuity=weight, iterations=100, rng=np.random.default_rng(1))
        for weight in (0, 1, 10, 100)
    }
    rough = [continuity.roughness(one.activations) for one in found.values()]
    assert rough == sorted(rough, reverse=True)
    assert rough[-1] < 0.5 * rough[0]
    for one in found.values():
        assert one.activations.dtype == dtype
        assert np.isfinite(one.costs).all()
        # Not promised by theory, so with a tolerance.
        assert np.diff(one.costs).max() <= 1e-3 * one.costs[0]
        assert one.costs[-1] < one.costs[0]
        assert_allclose(one.templates.sum(axis=0), 1, rtol=1e-5)


def test_the_level_does_not_change_the_balance(rng):
    V = music(rng)
    one, other = (
        continuity.factorise(level * V, 4, continuity=5, sparsity=2, rng=np.random.default_rng(1))
        for level in (1.0, 2.0**20)
    )
    assert_allclose(one.templates, other.templates, rtol=1e-9)
    assert_allclose(one.costs, other.costs, rtol=1e-9)


def test_costs_are_those_of_the_result(rng):
    V = music(rng)
    found = continuity.factorise(V, 4, continuity=5, sparsity=2, iterations=30, rng=rng)
    assert len(found.costs) == 31
    assert_allclose(found.costs[-1], loop_cost(V, found.templates, found.activations, 5, 2), rtol=1e-9)


def test_sparsity_makes_activations_sparser(rng):
    V = music(rng)
    spread = [
        continuity.sparseness(
            continuity.factorise(V, 6, continuity=0, sparsity=s, rng=np.random.default_rng(1)).activations
        )
        for s in (0, 3, 30)
    ]
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] < 0.95 * spread[0]


def test_channels_do_not_look_at_each_other(rng):
    V, W = np.stack([music(rng), music(rng)]), rng.random((30, 4))
    H = rng.random((2, 4, 80))
    options = {"templates": W, "fixed_templates": True, "continuity": 20, "iterations": 10}
    both = continuity.factorise(V, activations=H, **options)
    assert both.activations.shape == H.shape
    for one, start in ((0, H[0]), (1, H[1])):
        # By itself a channel has another mean, by which the weight is to be corrected.
        options["continuity"] = 20 * V.mean() / V[one].mean()
        alone = continuity.factorise(V[one], activations=start, **options)
        assert_allclose(both.activations[one], alone.activations, rtol=1e-9)
    assert_array_equal(both.templates, W)


@pytest.mark.parametrize("shape", [(5, 7), (2, 5, 7), (1, 1), (5, 1), (1, 7)])
@pytest.mark.parametrize("loud", [0.0, 1.0])
def test_silence_and_single_frames_are_never_nan(rng, shape, loud):
    found = continuity.factorise(loud * rng.random(shape), 3, continuity=10, sparsity=1, rng=rng)
    assert np.isfinite(found.templates).all()
    assert np.isfinite(found.activations).all()
    assert np.isfinite(found.costs).all()
    assert found.activations.any() == bool(loud)


def test_callbacks_and_refusals(rng):
    seen = []
    continuity.factorise(music(rng), 3, iterations=3, rng=rng, callback=lambda i, W, H: seen.append((i, W.sum())))
    assert_allclose(seen, [(1, 3), (2, 3), (3, 3)])
    for name in ("continuity", "sparsity"):
        with pytest.raises(ValueError, match=f"{name} must be a number at least 0"):
            continuity.factorise(music(rng), 3, rng=rng, **{name: -1})
    with pytest.raises(ValueError, match="needs templates"):
        continuity.factorise(music(rng), 3, rng=rng, fixed_templates=True)


# Lasting templates.


def loop_model(W, H):
    Y = np.zeros((W.shape[1], H.shape[1]))
    for t, f, k in np.ndindex(W.shape):
        for n in range(t, H.shape[1]):
            Y[f, n] += W[t, f, k] * H[k, n - t]
    return Y


def loop_step(V, W, H, averaged=False):
    """One round for beta 1 in plain sums; `averaged` takes the mean of one update for each lag, as in 2004."""
    lags, frames = len(W), H.shape[1]
    quotient = V / loop_model(W, H)
    new = np.empty_like(H)
    for k, n in np.ndindex(H.shape):
        reach = [t for t in range(lags) if n + t < frames]
        ups = [W[t, :, k] @ quotient[:, n + t] for t in reach]
        downs = [W[t, :, k].sum() for t in reach]
        new[k, n] = H[k, n] * (
            np.mean([u / d for u, d in zip(ups, downs, strict=True)]) if averaged else sum(ups) / sum(downs)
        )
    quotient = V / loop_model(W, new)
    learnt = np.empty_like(W)
    for t, f, k in np.ndindex(W.shape):
        begun = new[k, : frames - t]
        learnt[t, f, k] = W[t, f, k] * (quotient[f, t:] @ begun) / begun.sum()
    return learnt, new


def drums(rng, frames=40):
    """Two sounds that decay and change colour, struck at known times."""
    W = np.zeros((5, 12, 2))
    for t in range(5):
        W[t, :6, 0] = rng.uniform(0.2, 1, 6) * 0.7**t
        W[t, 4:, 1] = rng.uniform(0.2, 1, 8) * 0.5**t
    H = np.zeros((2, frames))
    H[0, [2, 9, 21, 30]], H[1, [5, 13, 24, 33]] = [1, 0.7, 0.9, 1], [0.8, 1, 0.6, 1]
    return W, H


def test_the_model_equals_the_loop(rng):
    W, H = rng.random((3, 4, 2)), rng.random((2, 9))
    assert_allclose(convolutive.model(W, H), loop_model(W, H))
    assert_allclose(convolutive.model(W, np.stack([H, 2 * H])), np.stack([loop_model(W, H), 2 * loop_model(W, H)]))
    # Templates that last longer than the recording.
    assert_allclose(convolutive.model(W, H[:, :2]), loop_model(W, H[:, :2]))


def test_a_round_equals_the_loop(rng):
    V, W, H = rng.random((4, 9)) + 0.1, rng.random((3, 4, 2)) + 0.1, rng.random((2, 9)) + 0.1
    found = convolutive.factorise(V, templates=W, activations=H, iterations=1)
    assert_allclose(convolutive.model(found.templates, found.activations), loop_model(*loop_step(V, W, H)), rtol=1e-10)
    assert_allclose(found.templates.sum(axis=(0, 1)), 1)


def test_with_one_lag_it_is_plain_nmf(rng):
    V, W, H = music(rng), rng.random((30, 4)), rng.random((4, 80))
    for beta in (0.5, 1.0, 2.0):
        plain = nmf.factorise(V + 0.01, templates=W, activations=H, beta=beta, iterations=15)
        found = convolutive.factorise(V + 0.01, templates=W[np.newaxis], activations=H, beta=beta, iterations=15)
        assert_allclose(found.templates[0], plain.templates, rtol=1e-8)
        assert_allclose(found.divergences[-1], plain.divergences[-1], rtol=1e-8)


@pytest.mark.parametrize("beta", [-1.0, 0.0, 0.5, 1.0, 1.3, 2.0, 3.0])
@pytest.mark.parametrize("level", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_divergence_never_rises(rng, frozen, beta, level, dtype):
    V = frozen((level * (loop_model(*drums(rng)) + 0.05 * rng.random((12, 40)))).astype(dtype))
    found = convolutive.factorise(V, 2, 5, beta=beta, iterations=40, rng=rng)
    assert found.templates.dtype == found.activations.dtype == dtype
    slack = found.divergences[0] * (1e-6 if dtype == np.float32 else 1e-13)
    assert np.diff(found.divergences).max() <= slack
    # Betas below 0 take small steps.
    assert found.divergences[-1] < (0.99 if beta < 0 else 0.7) * found.divergences[0]
    assert_allclose(
        found.divergences[-1],
        nmf.divergence(V, found.model, beta),
        rtol=1e-2 if dtype == np.float32 else 1e-7,
    )


@pytest.mark.slow(0.5)
def test_pooled_updates_end_lower_than_averaged_ones(rng):
    V = loop_model(*drums(rng)) + 0.05 * rng.random((12, 40))
    W, H = rng.uniform(0.1, 1, (5, 12, 2)), rng.uniform(0.1, 1, (2, 40))
    pooled = convolutive.factorise(V, templates=W, activations=H, iterations=80).divergences[-1]
    for _ in range(80):
        W, H = loop_step(V, W, H, averaged=True)
    assert pooled < 0.95 * nmf.divergence(V, loop_model(W, H))


def test_strokes_are_found_where_they_are(rng):
    W, H = drums(rng)
    found = convolutive.factorise(loop_model(W, H), templates=W, fixed_templates=True, iterations=500, rng=rng)
    assert_array_equal(found.templates, W)
    assert_allclose(found.activations, H, atol=1e-3)


def test_zeros_stay_and_channels_do_not_run_into_each_other(rng, frozen):
    W, H = rng.random((4, 6, 2)), rng.random((2, 2, 15))
    W[2, 3, 1] = 0
    H[:, 0, 4] = 0
    V = rng.random((2, 6, 15))
    frozen(V, W, H)
    found = convolutive.factorise(V, templates=W, activations=H, iterations=20)
    assert found.activations.shape == H.shape
    assert found.templates[2, 3, 1] == 0
    assert not found.activations[:, 0, 4].any()
    both = convolutive.factorise(V, templates=W, activations=H, iterations=20, fixed_templates=True)
    for c in range(2):
        alone = convolutive.factorise(V[c], templates=W, activations=H[c], iterations=20, fixed_templates=True)
        assert_allclose(both.activations[c], alone.activations, rtol=1e-9)


@pytest.mark.parametrize("shape", [(5, 7), (2, 5, 7), (1, 1), (5, 1), (1, 2)])
@pytest.mark.parametrize("loud", [0.0, 1.0])
@pytest.mark.parametrize("beta", [0.0, 1.0, 2.0])
def test_silence_and_few_frames_are_never_nan(rng, shape, loud, beta):
    found = convolutive.factorise(loud * rng.random(shape), 2, 4, beta=beta, rng=rng)
    assert found.templates.shape == (4, shape[-2], 2)
    assert np.isfinite(found.templates).all()
    assert np.isfinite(found.activations).all()
    assert np.isfinite(found.divergences).all()
    assert found.activations.any() == bool(loud)


def test_lasting_templates_are_refused_in_words(rng):
    V = rng.random((5, 7))
    with pytest.raises(ValueError, match="lags must be set"):
        convolutive.factorise(V, 2, rng=rng)
    with pytest.raises(ValueError, match="lags must be a whole number at least 1"):
        convolutive.factorise(V, 2, 0, rng=rng)
    with pytest.raises(checks.ShapeError, match="templates must have 3 lags"):
        convolutive.factorise(V, 2, 3, templates=np.ones((2, 5, 2)), rng=rng)
    with pytest.raises(checks.ShapeError, match="templates must have as many frequencies"):
        convolutive.factorise(V, templates=np.ones((2, 4, 2)), rng=rng)
    with pytest.raises(ValueError, match="needs templates"):
        convolutive.factorise(V, 2, 2, fixed_templates=True, rng=rng)
    with pytest.raises(checks.ShapeError, match="one row for each of the 2 templates"):
        convolutive.model(np.ones((2, 5, 2)), np.ones((3, 4)))


def test_the_callback_sees_every_round(rng):
    seen = []
    convolutive.factorise(
        rng.random((5, 7)), 2, 3, iterations=3, rng=rng, callback=lambda i, W, H: seen.append((i, W.shape, H.shape))
    )
    assert seen == [(i, (3, 5, 2), (2, 7)) for i in (1, 2, 3)]
