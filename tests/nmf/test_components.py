"""Components become sources: spectrograms add up, known templates find their source, like timbres come together."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, masks, signals, transforms
from mss_lab.metrics import energy
from mss_lab.nmf import beta as nmf
from mss_lab.nmf import components, plca

RATE = 8000
SETTINGS = {"window_samples": 1024, "hop_samples": 256}


def duet():
    """A soft flute-like and a bright reed-like player, who take turns and meet; and each of them practising alone."""
    pitches = {"flute": (523.25, 587.33, 659.26), "reed": (196.0, 220.0, 246.94)}
    slopes = {"flute": 2.5, "reed": 0.4}
    orders = {"piece": {"flute": (0, 2, 1, 0), "reed": (1, 0, 2, 2)}, "alone": {"flute": (0, 1, 2), "reed": (0, 1, 2)}}

    def play(name, order):
        notes = [
            signals.fade(
                signals.harmonic_tone(pitches[name][index], 0.5, RATE, harmonics=14, slope=slopes[name]), 0.03, RATE
            )
            for index in order
        ]
        return np.concatenate(notes, axis=1)

    return tuple({name: play(name, order) for name, order in orders[part].items()} for part in ("piece", "alone"))


def magnitude_of(waveform):
    return np.abs(transforms.stft(waveform, **SETTINGS))


def test_components_add_up_to_the_model(rng):
    W, H = rng.random((5, 3)), rng.random((2, 3, 7))
    stack = components.component_spectrograms(W, H)
    assert stack.shape == (3, 2, 5, 7)
    assert_allclose(stack.sum(axis=0), nmf.model(W, H))
    assert_allclose(stack[1, 0], np.outer(W[:, 1], H[0, 1]))
    assert components.component_spectrograms(W, H[0]).shape == (3, 1, 5, 7)


def test_a_source_is_the_sum_of_what_it_owns(rng):
    W, H = rng.random((5, 4)), rng.random((2, 4, 7))
    stack = components.component_spectrograms(W, H)
    models = components.source_models(W, H, [2, 0, 2, 0], 3)
    assert_allclose(models[0], stack[1] + stack[3])
    assert_allclose(models[2], stack[0] + stack[2])
    assert not models[1].any()


@pytest.mark.parametrize("level", [1e-6, 1.0, 1e6])
def test_templates_that_were_learnt_alone_find_their_source(rng, frozen, level):
    piece, alone = duet()
    mixture = sum(piece.values())
    templates = {name: nmf.factorise(magnitude_of(one), 3, rng=rng).templates for name, one in alone.items()}
    stft = transforms.stft(level * mixture, **SETTINGS)
    frozen(stft, templates)
    models = components.supervised(np.abs(stft), templates, rng=rng)
    estimates = components.separate(stft, models)
    assert list(estimates) == ["flute", "reed"]
    assert_allclose(sum(estimates.values()), stft, atol=1e-12 * level)
    for name, estimate in estimates.items():
        waveform = transforms.istft(estimate, mixture.shape[1], **SETTINGS) / level
        assert energy.sdr(piece[name], waveform) > energy.sdr(piece[name], mixture) + 10


def test_what_no_template_explains_is_the_rest(rng):
    piece, alone = duet()
    mixture = sum(piece.values())
    templates = {"flute": nmf.factorise(magnitude_of(alone["flute"]), 3, rng=rng).templates}
    stft = transforms.stft(mixture, **SETTINGS)
    models = components.semi_supervised(np.abs(stft), templates, 3, iterations=200, rng=rng)
    estimates = components.separate(stft, models)
    assert list(estimates) == ["flute", "rest"]
    for name, source in (("flute", "flute"), ("rest", "reed")):
        waveform = transforms.istft(estimates[name], mixture.shape[1], **SETTINGS)
        assert energy.sdr(piece[source], waveform) > energy.sdr(piece[source], mixture) + 5


def test_known_templates_are_not_learnt_again(rng):
    V, known = rng.random((9, 20)), {"a": rng.random((9, 1)), "b": rng.random((9, 1))}
    for models in (components.supervised(V, known, rng=rng), components.semi_supervised(V, known, 2, rng=rng)):
        for name, template in known.items():
            loudest = models[name][0].sum(axis=0).argmax()
            shape = models[name][0][:, loudest]
            assert_allclose(shape / shape.sum(), template[:, 0] / template.sum(), rtol=1e-9)


def test_like_timbres_come_together(rng):
    bins_hz = transforms.stft_frequencies_hz(1024, RATE)

    def template(pitch_hz, slope):
        numbers = np.arange(1, 40)
        return sum(h**-slope * np.exp(-(((bins_hz - h * pitch_hz) / 8) ** 2)) for h in numbers)

    dark, bright = [template(p, 2.5) for p in (200, 220, 250)], [template(p, 0.1) for p in (205, 230, 260)]
    templates = np.stack([dark[0], bright[0], bright[1], dark[1], bright[2], dark[2]], axis=1)
    # Levels are no timbre.
    templates = templates * [1, 100, 1, 1e-5, 1, 1e5]
    owners = components.cluster(templates, 2, RATE, rng=rng)
    assert_array_equal(owners, [0, 1, 1, 0, 1, 0])
    assert_array_equal(components.cluster(templates, 1, RATE, rng=rng), np.zeros(6))
    assert_array_equal(components.cluster(templates, 6, RATE, rng=rng), np.arange(6))


def test_features_do_not_hear_the_level_and_are_finite_for_silence(rng):
    templates = rng.random((513, 3))
    features = components.template_features(templates, RATE)
    assert features.shape == (3, 13)
    assert_allclose(components.template_features(1e-6 * templates, RATE), features, atol=1e-9)
    templates[:, 1] = 0
    silent = components.template_features(templates, RATE)
    assert np.isfinite(silent).all()
    assert_array_equal(silent[0], features[0])
    assert_array_equal(components.cluster(np.zeros((513, 3)), 2, RATE, rng=rng).shape, (3,))


def test_features_equal_the_loop(rng):
    import librosa

    template = rng.random(257)
    filters = librosa.filters.mel(sr=RATE, n_fft=512, n_mels=20, norm=None)
    logs = [np.log(sum(w * v**2 for w, v in zip(row, template, strict=True))) for row in filters]
    wanted = [
        np.sqrt(2 / 20) * sum(x * np.cos(np.pi * k * (2 * b + 1) / 40) for b, x in enumerate(logs)) for k in (1, 2, 3)
    ]
    found = components.template_features(template[:, np.newaxis], RATE, coefficients=3, bands=20)
    assert_allclose(found[0], wanted, rtol=1e-5, atol=1e-6)


def test_silence_is_shared_and_never_nan(rng):
    models = components.supervised(np.zeros((2, 9, 4)), {"a": rng.random((9, 2)), "b": rng.random((9, 1))}, rng=rng)
    estimates = components.separate(np.zeros((2, 9, 4), complex), models)
    assert not any(one.any() for one in estimates.values())
    models = components.semi_supervised(np.zeros((9, 4)), {"a": np.zeros((9, 2))}, 2, rng=rng)
    assert np.isfinite(list(models.values())).all()


def test_separate_uses_the_mask_of_its_exponent(rng):
    stft = rng.standard_normal((2, 3, 4)) + 1j
    models = {"a": rng.random((1, 3, 4)), "b": rng.random((1, 3, 4))}
    for exponent in (1.0, 2.0):
        mask = masks.wiener(np.stack(list(models.values())), exponent)
        assert_allclose(components.separate(stft, models, exponent=exponent)["b"], mask[1] * stft)
    assert_allclose(components.separate(stft, models)["b"], mask[1] * stft)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda rng: components.supervised(np.ones((3, 4)), {}, rng=rng), ValueError, "templates must map"),
        (
            lambda rng: components.supervised(np.ones((3, 4)), {"a": np.ones((3, 1)), "b": np.ones((4, 1))}, rng=rng),
            checks.ShapeError,
            "one number of frequencies",
        ),
        (
            lambda rng: components.semi_supervised(np.ones((3, 4)), {"rest": np.ones((3, 1))}, 2, rng=rng),
            ValueError,
            "not use the name 'rest'",
        ),
        (
            lambda rng: components.component_spectrograms(np.ones((3, 2)), np.ones((3, 4))),
            checks.ShapeError,
            "one row for each of the 2 templates",
        ),
        (
            lambda rng: components.source_models(np.ones((3, 2)), np.ones((2, 4)), [0, 2], 2),
            ValueError,
            "owners must be from 0 to 1",
        ),
        (
            lambda rng: components.source_models(np.ones((3, 2)), np.ones((2, 4)), [0], 2),
            checks.ShapeError,
            "owners must be one whole number",
        ),
        (lambda rng: components.cluster(np.ones((9, 2)), 3, RATE, rng=rng), ValueError, "factorise with a higher rank"),
        (lambda rng: components.cluster(np.ones((9, 2)), 2, 8, rng=rng), ValueError, "sample_rate_hz"),
        (lambda rng: components.template_features(np.ones((1, 2)), RATE), checks.ShapeError, "at least 2 frequencies"),
        (lambda rng: components.separate(np.ones((1, 2, 2), complex), {}), ValueError, "at least one source"),
    ],
)
def test_bad_input_is_refused_in_words(rng, call, error, words):
    with pytest.raises(error, match=words):
        call(rng)


# The reading as probabilities.


def loop_em(V, p):
    """Expectation and maximisation, with p(z|f, n) written out."""
    joint = p.shares * p.frequencies[:, np.newaxis] * p.frames.T[np.newaxis]
    posterior = joint / joint.sum(axis=2, keepdims=True)
    counts = V[:, :, np.newaxis] * posterior
    totals = counts.sum(axis=(0, 1))
    return totals / totals.sum(), counts.sum(axis=1) / totals, (counts.sum(axis=0) / totals).T


def test_factors_and_probabilities_are_two_ways_to_say_it(rng):
    W, H = rng.random((5, 3)), rng.random((3, 7))
    p = plca.from_factors(W, H)
    for sums in (p.shares.sum(), p.frequencies.sum(axis=0), p.frames.sum(axis=1)):
        assert_allclose(sums, 1)
    templates, activations = plca.to_factors(p, (W @ H).sum())
    assert_allclose(templates @ activations, W @ H)


@pytest.mark.parametrize("level", [1e-6, 1.0, 1e6])
def test_a_step_of_em_is_a_step_of_kl_nmf(rng, frozen, level):
    V, W, H = level * rng.random((5, 7)), rng.random((5, 3)), rng.random((3, 7))
    frozen(V, W, H)
    p = plca.from_factors(W, H)
    step = plca.em_step(V, p)
    for found, wanted in zip((step.shares, step.frequencies, step.frames), loop_em(V, p), strict=True):
        assert_allclose(found, wanted, rtol=1e-10)
    # Half a step moves one factor only: exactly the update of the activations.
    templates, activations = plca.to_factors(p, V.sum())
    update = nmf.factorise(
        V, templates=templates, activations=activations, fixed_templates=True, iterations=1
    ).activations
    assert_allclose(V.sum() * step.shares[:, np.newaxis] * step.frames, update, rtol=1e-10)


def test_the_likelihood_never_falls(rng):
    V = rng.gamma(0.5, size=(12, 20))
    V[3, 4] = 0
    p = plca.from_factors(rng.random((12, 3)), rng.random((3, 20)))
    values = [plca.log_likelihood(V, p)]
    for _ in range(50):
        p = plca.em_step(V, p)
        values.append(plca.log_likelihood(V, p))
    assert np.diff(values).min() > -1e-10 * abs(values[0])
    assert values[-1] > values[0] + 1


def test_zeros_and_dead_components_stay(rng):
    W, H = rng.random((5, 3)), rng.random((3, 7))
    W[2, 0], H[1] = 0, 0
    p = plca.em_step(rng.random((5, 7)), plca.from_factors(W, H))
    assert p.frequencies[2, 0] == 0
    assert p.shares[1] == 0
    assert not p.frames[1].any()
    assert np.isfinite(p.frequencies).all()


def test_silence_has_no_probabilities(rng):
    with pytest.raises(ValueError, match="silence"):
        plca.from_factors(np.zeros((3, 2)), np.ones((2, 4)))
    p = plca.from_factors(rng.random((3, 2)), rng.random((2, 4)))
    with pytest.raises(ValueError, match="silence"):
        plca.em_step(np.zeros((3, 4)), p)
    with pytest.raises(checks.ShapeError, match="magnitude must have shape"):
        plca.em_step(np.ones((4, 4)), p)
    with pytest.raises(checks.ShapeError, match="as many components"):
        plca.from_factors(np.ones((3, 2)), np.ones((3, 4)))
