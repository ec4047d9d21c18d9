"""NMF: its divergence and updates equal the plain formulas, never rise, and recover what was put in."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, updates
from mss_lab.nmf import beta as nmf

BETAS = (-1.0, 0.0, 0.5, 1.0, 1.3, 1.5, 2.0, 3.0)


def music(rng, freq=40, frames=60, notes=4, level=1.0, dtype=np.float64):
    """A spectrogram that a few spectra describe well, not exactly."""
    spectra, gains = rng.gamma(0.4, size=(freq, notes)), rng.gamma(0.4, size=(notes, frames))
    return (level * (spectra @ gains + 0.05 * rng.random((freq, frames)))).astype(dtype)


def separable(rng, freq=30, frames=50):
    """A rank-3 matrix of which each component has bins and frames of its own."""
    W, H = rng.uniform(0.2, 1, (freq, 3)), rng.uniform(0.2, 1, (3, frames))
    for k in range(3):
        own = slice(5 * k, 5 * k + 5)
        W[own] = H[:, own] = 0
        W[own, k], H[k, own] = rng.uniform(0.5, 1, 5), rng.uniform(0.5, 1, 5)
    return W, H


def loop_divergence(V, Y, beta):
    """Bin by bin, in plain Python, from the definition by cases."""
    total = 0.0
    for v, y in zip(np.ravel(V).tolist(), np.ravel(Y).tolist(), strict=True):
        if v == y:
            continue
        if beta == 1:
            total += (v * math.log(v / y) if v else 0) - v + y
        elif beta == 0:
            total += v / y - math.log(v / y) - 1
        else:
            total += (v**beta + (beta - 1) * y**beta - beta * v * y ** (beta - 1)) / (beta * (beta - 1))
    return total


def loop_update(V, W, H, beta):
    """One iteration, sums written out: the activations, then with a new model the templates."""
    power = 1 / (2 - beta) if beta < 1 else 1 / (beta - 1) if beta > 2 else 1
    bins, frames, parts = range(V.shape[0]), range(V.shape[1]), range(W.shape[1])

    def model(f, n):
        return sum(W[f, k] * H[k, n] for k in parts)

    Y = {(f, n): model(f, n) for f in bins for n in frames}
    old = H.copy()
    H = H.copy()
    for k in parts:
        for n in frames:
            up = sum(W[f, k] * V[f, n] * Y[f, n] ** (beta - 2) for f in bins)
            down = sum(W[f, k] * Y[f, n] ** (beta - 1) for f in bins)
            H[k, n] = old[k, n] * (up / down) ** power
    Y = {(f, n): model(f, n) for f in bins for n in frames}
    new = W.copy()
    for f in bins:
        for k in parts:
            up = sum(V[f, n] * Y[f, n] ** (beta - 2) * H[k, n] for n in frames)
            down = sum(Y[f, n] ** (beta - 1) * H[k, n] for n in frames)
            new[f, k] = W[f, k] * (up / down) ** power
    return new, H


# The divergence.


@pytest.mark.parametrize("beta", [*BETAS, -2.5, 0.01, 0.99, 1.01])
def test_the_divergence_equals_the_loop(rng, beta):
    V, Y = rng.random((2, 5, 7)) + 0.01
    assert_allclose(nmf.divergence(V, Y, beta), loop_divergence(V, Y, beta), rtol=1e-9)


@pytest.mark.parametrize("beta", BETAS)
def test_the_divergence_is_0_for_equals_only_and_scales_by_its_power(rng, beta):
    V, Y = rng.random((2, 2, 5, 7)) + 0.01
    assert nmf.divergence(V, V, beta) == 0
    assert nmf.divergence(V, Y, beta) > 0.1
    for level in (1e-6, 1.0, 1e6):
        assert_allclose(nmf.divergence(level * V, level * Y, beta), level**beta * nmf.divergence(V, Y, beta), rtol=1e-9)


@pytest.mark.parametrize(
    "beta, silent_music, silent_model, both_silent",
    [
        (-1.0, math.inf, math.inf, 0.0),
        (0.0, math.inf, math.inf, 0.0),
        (0.5, 4.0, math.inf, 0.0),
        (1.0, 2.0 * 2, math.inf, 0.0),
        (1.5, 4**1.5 / 1.5, 4**1.5 / 0.75, 0.0),
        (2.0, 8.0, 8.0, 0.0),
        (3.0, 64 / 3, 64 / 6, 0.0),
    ],
)
def test_silent_bins_count_as_the_limit_says(beta, silent_music, silent_model, both_silent):
    zero, four = np.zeros((1, 1)), np.full((1, 1), 4.0)
    assert_allclose(nmf.divergence(zero, four, beta), silent_music)
    assert_allclose(nmf.divergence(four, zero, beta), silent_model)
    assert nmf.divergence(zero, zero, beta) == both_silent


def test_the_divergence_changes_smoothly_with_beta(rng):
    V, Y = rng.random((2, 5, 7)) + 0.1
    for beta in (0, 1, 2):
        assert_allclose(nmf.divergence(V, Y, beta + 1e-6), nmf.divergence(V, Y, beta), rtol=1e-4)


# The updates.


@pytest.mark.parametrize("beta", BETAS)
def test_an_iteration_equals_the_loop(rng, beta):
    V = music(rng, 6, 9, 2) + 0.1
    W, H = rng.random((6, 3)) + 0.1, rng.random((3, 9)) + 0.1
    wanted = np.matmul(*loop_update(V, W, H, beta))
    found = nmf.factorise(V, templates=W, activations=H, beta=beta, iterations=1)
    assert_allclose(found.model, wanted, rtol=1e-10)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 2.0])
def test_blocks_change_nothing(rng, monkeypatch, beta):
    V = music(rng, 11, 23)
    arguments = {"rank": 3, "beta": beta, "iterations": 4, "measure_every": 1}
    whole = nmf.factorise(V, rng=np.random.default_rng(1), **arguments)
    for bins in (1, 40, 11 * 22):
        monkeypatch.setattr(updates, "BLOCK_BINS", bins)
        blocks = nmf.factorise(V, rng=np.random.default_rng(1), **arguments)
        assert_allclose(blocks.model, whole.model, rtol=1e-10)
        assert_allclose(blocks.divergences, whole.divergences, rtol=1e-10)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [1e-6, 1.0, 1e6])
def test_the_divergence_never_rises(rng, beta, dtype, level):
    V = music(rng, level=level, dtype=dtype)
    found = nmf.factorise(V, 4, beta=beta, iterations=60, measure_every=1, rng=rng)
    assert found.templates.dtype == found.activations.dtype == dtype
    assert len(found.divergences) == 61
    assert np.isfinite(found.divergences).all()
    # What rounding alone may do, from a model that is hardly moving any more.
    slack = found.divergences[0] * (1e-6 if dtype == np.float32 else 1e-13)
    assert np.diff(found.divergences).max() <= slack
    assert found.divergences[-1] < 0.5 * found.divergences[0]


@pytest.mark.parametrize("beta", BETAS)
def test_measured_divergences_are_those_of_the_model(rng, beta):
    V = music(rng, level=100.0)
    found = nmf.factorise(V, 3, beta=beta, iterations=7, measure_every=3, rng=rng)
    assert_array_equal(found.measured_at, [0, 3, 6, 7])
    assert found.iterations == 7
    assert_allclose(found.divergences[-1], nmf.divergence(V, found.model, beta), rtol=1e-8)


@pytest.mark.parametrize("beta", BETAS)
def test_every_iteration_agrees_with_scikit_learn(rng, beta):
    V, W, H = music(rng, 20, 30), rng.random((20, 4)) + 0.1, rng.random((4, 30)) + 0.1
    for iterations in (1, 2, 3, 10, 40):
        own, other = (
            nmf.factorise(V, templates=W, activations=H, beta=beta, iterations=iterations, engine=engine)
            for engine in nmf.ENGINES
        )
        assert_allclose(own.model, other.model, rtol=1e-6)
        assert_allclose(own.templates, other.templates, rtol=1e-6, atol=1e-12)
        assert other.iterations == iterations
        assert_allclose(own.divergences[-1], other.divergences[-1], rtol=1e-6)


def test_scikit_learn_itself_is_what_the_engine_runs(rng):
    from sklearn.decomposition import NMF

    V, W, H = music(rng, 20, 30), rng.random((20, 4)) + 0.1, rng.random((4, 30)) + 0.1
    solver = NMF(4, solver="mu", beta_loss=1, init="custom", tol=0, max_iter=15)
    gains = solver.fit_transform(V.T, W=H.T.copy(), H=W.T.copy())
    found = nmf.factorise(V, templates=W, activations=H, iterations=15, engine="scikit-learn")
    assert_allclose(found.model, (gains @ solver.components_).T, rtol=1e-9)


# Not for beta 0: to it, empty bins are infinitely far from any model, and it spends its iterations on them.
@pytest.mark.parametrize("beta", [1.0, 1.3, 2.0])
def test_a_separable_matrix_is_recovered(beta):
    rng = np.random.default_rng(4)
    W, H = separable(rng)
    V = W @ H
    found = nmf.factorise(V, 3, beta=beta, iterations=3000, rng=rng)
    assert found.divergences[-1] < 1e-6 * found.divergences[0]
    if beta == 1:
        # The components themselves, in some order.
        likeness = (W / np.linalg.norm(W, axis=0)).T @ (found.templates / np.linalg.norm(found.templates, axis=0))
        assert_allclose(likeness.max(axis=1), 1, atol=1e-2)
        assert sorted(likeness.argmax(axis=1)) == [0, 1, 2]


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_stay_zeros_and_nothing_is_written_into(rng, frozen, beta, dtype):
    V = music(rng, dtype=dtype)
    V[:, 3] = 0
    W, H = rng.random((40, 5)).astype(dtype), rng.random((5, 60)).astype(dtype)
    W[rng.random(W.shape) < 0.5] = 0
    H[rng.random(H.shape) < 0.5] = 0
    W[:, 1] = 0
    H[2] = 0
    W[7] = 0
    frozen(V, W, H)
    found = nmf.factorise(V, templates=W, activations=H, beta=beta, iterations=30, measure_every=1)
    assert not found.templates[W == 0].any()
    assert not found.activations[H == 0].any()
    assert np.isfinite(found.templates).all()
    assert np.isfinite(found.activations).all()
    assert np.isfinite(found.divergences).all()
    assert_allclose(found.templates.sum(axis=0), [1, 0, 1, 1, 1], rtol=1e-5)
    assert found.activations.any()


def test_columns_add_up_to_1_and_the_model_does_not_change_by_it(rng):
    W, H = rng.random((5, 3)), rng.random((2, 3, 7))
    W[:, 1] = 0
    templates, activations = nmf.normalise(W, H)
    assert_allclose(templates.sum(axis=0), [1, 0, 1])
    assert_allclose(nmf.model(templates, activations), nmf.model(W, H))
    assert not activations[:, 1].any()


def test_fixed_templates_come_back_as_they_were(rng):
    V, W = music(rng), rng.random((40, 5))
    found = nmf.factorise(V, templates=W, fixed_templates=True, measure_every=1, rng=rng)
    assert_array_equal(found.templates, W)
    assert np.diff(found.divergences).max() <= 1e-12 * found.divergences[0]
    fixed = np.array([True, False, True, False, False])
    found = nmf.factorise(V, templates=W, fixed_templates=fixed, measure_every=1, rng=rng)
    assert_array_equal(found.templates[:, fixed], W[:, fixed])
    assert_allclose(found.templates[:, ~fixed].sum(axis=0), 1)
    assert not np.isclose(found.templates[:, ~fixed], W[:, ~fixed] / W[:, ~fixed].sum(axis=0)).all()
    assert np.diff(found.divergences).max() <= 1e-12 * found.divergences[0]


def test_fixed_templates_reach_the_optimum_that_scikit_learn_reaches(rng):
    V, W = music(rng), rng.random((40, 3))
    own, other = (
        nmf.factorise(V, templates=W, fixed_templates=True, iterations=2000, rng=rng, engine=engine)
        for engine in nmf.ENGINES
    )
    assert_allclose(own.divergences[-1], other.divergences[-1], rtol=1e-6)


def test_channels_share_templates_and_have_their_own_activations(rng):
    V = np.stack([music(rng), music(rng)])
    W, H = rng.random((40, 4)) + 0.1, rng.random((2, 4, 60)) + 0.1
    both = nmf.factorise(V, templates=W, activations=H, iterations=20)
    joined = nmf.factorise(np.hstack(list(V)), templates=W, activations=np.hstack(list(H)), iterations=20)
    assert both.activations.shape == H.shape
    assert both.model.shape == V.shape
    assert_allclose(both.templates, joined.templates)
    assert_allclose(np.hstack(list(both.activations)), joined.activations)


def test_left_equal_to_right_is_mono_twice(rng):
    V, W, H = music(rng), rng.random((40, 4)) + 0.1, rng.random((4, 60)) + 0.1
    mono = nmf.factorise(V[np.newaxis], templates=W, activations=H[np.newaxis], iterations=20)
    stereo = nmf.factorise(np.stack([V, V]), templates=W, activations=np.stack([H, H]), iterations=20)
    assert_allclose(stereo.templates, mono.templates, rtol=1e-9)
    assert_allclose(stereo.activations, np.concatenate([mono.activations] * 2), rtol=1e-9)


def test_starts_are_seeded(rng):
    V = music(rng)
    one, same, other = (nmf.factorise(V, 4, iterations=5, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert_array_equal(one.templates, same.templates)
    assert np.abs(one.templates - other.templates).max() > 1e-3


@pytest.mark.parametrize("given", ["nothing", "templates", "activations"])
def test_what_is_drawn_has_the_level_of_the_music(rng, given):
    V = music(rng, level=1e4)
    arrays = {"templates": {"templates": rng.random((40, 4))}, "activations": {"activations": rng.random((4, 60))}}
    found = nmf.factorise(V, 4, iterations=0, rng=rng, **arrays.get(given, {}))
    assert_allclose(found.model.mean(), V.mean(), rtol=0.9 if given == "nothing" else 1e-9)


def test_the_level_changes_activations_alone(rng):
    V = music(rng)
    found = {
        level: nmf.factorise(level * V, 4, beta=0.5, iterations=20, rng=np.random.default_rng(0))
        for level in (1.0, 2.0**-30)
    }
    assert_array_equal(found[1.0].templates, found[2.0**-30].templates)
    assert_allclose(found[2.0**-30].activations * 2.0**30, found[1.0].activations, rtol=1e-12)


def test_float32_stays_near_float64(rng):
    V = music(rng)
    exact, single = (nmf.factorise(V.astype(t), 4, rng=np.random.default_rng(0)) for t in (np.float64, np.float32))
    assert_allclose(single.model, exact.model, atol=1e-3 * V.max())
    assert_allclose(single.divergences, exact.divergences, rtol=1e-3)


@pytest.mark.parametrize("engine", nmf.ENGINES)
def test_it_stops_early_where_little_is_left_to_gain(rng, engine):
    V = music(rng)
    short, long = (
        nmf.factorise(V, 4, iterations=5000, tolerance=t, rng=np.random.default_rng(0), engine=engine)
        for t in (1e-2, 1e-4)
    )
    assert 10 <= short.iterations < long.iterations < 5000
    assert long.divergences[-1] < short.divergences[-1]


def test_the_callback_sees_every_iteration(rng):
    V, seen = music(rng, level=50.0), []

    def look(iteration, templates, activations):
        seen.append((iteration, nmf.divergence(V, templates @ activations)))
        templates[:] = activations[:] = 0

    found = nmf.factorise(V, 3, iterations=6, measure_every=1, callback=look, rng=rng)
    assert [iteration for iteration, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert_allclose([value for _, value in seen], found.divergences[1:])


# Edges.


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("engine", nmf.ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 7), (2, 5, 7)])
def test_silence_has_activations_of_zero(rng, beta, engine, dtype, shape):
    found = nmf.factorise(np.zeros(shape, dtype), 3, beta=beta, engine=engine, tolerance=1e-4, rng=rng)
    assert not found.activations.any()
    assert not found.model.any()
    assert np.isfinite(found.templates).all()
    assert found.divergences[-1] == 0


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("engine", nmf.ENGINES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 1, 9), (1, 9, 1)])
@pytest.mark.parametrize("rank", [1, 3])
def test_one_bin_or_one_frame_is_described_exactly(rng, beta, engine, shape, rank):
    V = rng.random(shape) + 0.1
    found = nmf.factorise(V, rank, beta=beta, engine=engine, iterations=300, rng=rng)
    assert_allclose(found.model, V, rtol=1e-3)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [1e-30, 1e-6, 1.0, 1e6, 1e30])
def test_empty_bins_frames_and_faint_ones_are_never_nan(rng, beta, dtype, level):
    V = music(rng, dtype=np.float64)
    V[4], V[:, 9], V[0, 0], V[1, 1] = 0, 0, 0, 1e-9
    V = (V * level).astype(dtype)
    found = nmf.factorise(V, 4, beta=beta, iterations=50, rng=rng)
    assert np.isfinite(found.templates).all()
    assert np.isfinite(found.activations).all()
    # An empty bin is the softest of all, by far; with betas below 0 the small exponent takes longer to get there.
    assert beta < 0 or found.model[4].max() < 1e-2 * found.model.max()
    if 1e-7 < level < 1e7:
        assert np.isfinite(found.divergences).all()
        assert found.divergences[-1] < found.divergences[0]


def test_empty_bins_are_raised_to_the_floor_that_is_promised(rng):
    V = music(rng, level=8.0)
    raised = V.copy()
    V[3, 4] = 0
    raised[3, 4] = 1e-10 * V.max()
    one, other = (nmf.factorise(v, 3, beta=0, iterations=5, rng=np.random.default_rng(0)) for v in (V, raised))
    assert_allclose(one.model, other.model, rtol=1e-9)


@pytest.mark.parametrize(
    "change, error, words",
    [
        ({"magnitude": -np.ones((3, 4))}, ValueError, "magnitude must hold magnitudes of 0 or more"),
        ({"magnitude": np.full((3, 4), np.nan)}, ValueError, "magnitude must be finite"),
        ({"magnitude": np.ones((3, 4), complex)}, TypeError, "magnitude must hold real"),
        ({"magnitude": np.ones(4)}, checks.ShapeError, "magnitude must be"),
        ({"magnitude": np.ones((3, 0))}, ValueError, "magnitude must hold at least one bin and one frame"),
        ({"magnitude": np.ones((0, 3, 4))}, ValueError, "magnitude must hold at least one bin and one frame"),
        ({"rank": None}, ValueError, "rank must be set"),
        ({"rank": 0}, ValueError, "rank must be a whole number at least 1"),
        ({"rng": None}, TypeError, "rng must be a seeded generator"),
        ({"beta": np.inf}, ValueError, "beta must be a number"),
        ({"iterations": -1}, ValueError, "iterations must be"),
        ({"tolerance": -1.0}, ValueError, "tolerance must be"),
        ({"measure_every": 0}, ValueError, "measure_every must be"),
        ({"engine": "sklearn"}, ValueError, "did you mean 'scikit-learn'"),
        ({"templates": np.ones((3, 5))}, checks.ShapeError, "templates must have one component for each of the 2"),
        ({"templates": np.ones((4, 2))}, checks.ShapeError, "templates must have as many frequencies"),
        ({"templates": -np.ones((3, 2))}, ValueError, "templates must hold magnitudes"),
        ({"activations": np.ones((2, 5))}, checks.ShapeError, "activations must have as many frames"),
        ({"activations": np.ones((1, 2, 4))}, checks.ShapeError, "activations must have channels as magnitude has"),
        ({"fixed_templates": True}, ValueError, "fixed_templates needs templates"),
        ({"fixed_templates": [True], "templates": np.ones((3, 2))}, checks.ShapeError, "fixed_templates must be"),
        ({"fixed_templates": [1, 0], "templates": np.ones((3, 2))}, checks.ShapeError, "fixed_templates must be"),
        ({"engine": "scikit-learn", "callback": print}, ValueError, "the scikit-learn engine has no callback"),
    ],
)
def test_bad_input_is_refused_in_words(rng, change, error, words):
    arguments = {"magnitude": np.ones((3, 4)), "rank": 2, "rng": rng} | change
    with pytest.raises(error, match=words):
        nmf.factorise(arguments.pop("magnitude"), **arguments)


def test_the_divergence_refuses_what_is_no_pair_of_magnitudes():
    with pytest.raises(checks.ShapeError, match="modelled and magnitude must have the same shape"):
        nmf.divergence(np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="modelled must hold magnitudes"):
        nmf.divergence(np.ones(3), -np.ones(3))
