"""Sources from assigned components: they add up to the mixture, and a component alone holds nothing of the others."""

import numpy as np
import pytest

from mss_lab import masks, signals, transforms
from mss_lab.checks import ShapeError
from mss_lab.nmf import assigned, beta

RATE_HZ = 16_000
SETTINGS = transforms.settings_for(RATE_HZ)
TONES_HZ = (500, 1500, 4000)


def tones():
    return [signals.tone(hz, 1, RATE_HZ, amplitude=0.2).astype(np.float32) for hz in TONES_HZ]


def factors_of(waveforms):
    """Each waveform's mean spectrum as a template, and a constant activation."""
    magnitudes = [np.abs(transforms.stft(waveform, **SETTINGS))[0] for waveform in waveforms]
    templates = np.stack([magnitude.mean(axis=1) for magnitude in magnitudes], axis=1)
    return templates, np.ones((len(waveforms), magnitudes[0].shape[1]))


@pytest.fixture(scope="module")
def shares():
    return assigned.Shares(sum(tones()), *factors_of(tones()), **SETTINGS)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("owners", [[0, 1, 2, 0], [-1, 1, -1, 0], [-1] * 4, [1] * 4])
def test_the_sources_add_up_to_the_mixture(channels, owners):
    mixture = np.random.default_rng(0).uniform(-1, 1, (channels, 9_000))
    magnitude = np.abs(transforms.stft(mixture, **SETTINGS))
    factors = beta.factorise(magnitude, 4, iterations=5, rng=np.random.default_rng(1))
    estimates = assigned.Shares(mixture, factors.templates, factors.activations, **SETTINGS).sources(owners, "abc")
    assert list(estimates) == ["a", "b", "c"] + ["unassigned"] * (-1 in owners)
    np.testing.assert_allclose(sum(estimates.values()), mixture, atol=1e-9)
    assert {name: bool(estimates[name].any()) for name in "abc"} == {n: j in owners for j, n in enumerate("abc")}


def test_a_component_is_its_share_of_the_model():
    mixture = np.random.default_rng(0).uniform(-1, 1, (1, 9_000))
    stft = transforms.stft(mixture, **SETTINGS)
    templates, activations = (
        np.random.default_rng(seed).random(shape) for seed, shape in ((1, (stft.shape[1], 3)), (2, (3, stft.shape[2])))
    )
    model = np.einsum("fk,kn->kfn", templates, activations)[:, np.newaxis]
    shares = assigned.Shares(mixture, templates, activations, **SETTINGS)
    for k, estimate in enumerate(masks.apply(masks.ratio(model), stft)):
        alone = shares.component(k)
        np.testing.assert_allclose(alone, transforms.istft(estimate, 9_000, **SETTINGS), atol=1e-9)
    np.testing.assert_allclose(
        shares.sources([0, 1, 0], ["a", "b"])["a"], shares.component(0) + shares.component(2), atol=1e-9
    )


def test_a_component_alone_is_heard_60_db_above_the_others(shares):
    middle = slice(RATE_HZ // 4, 3 * RATE_HZ // 4)
    for k, tone in enumerate(tones()):
        error = (shares.component(k) - tone)[:, middle]
        assert 10 * np.log10(np.sum(tone[:, middle] ** 2) / np.sum(error**2)) > 60


def test_what_is_computed_once_is_kept_and_cannot_be_changed(shares):
    once = shares.sources([0, 0, 1], ["a", "b"])
    assert shares.sources([1, 1, 0], ["a", "b"])["b"] is once["a"]
    with pytest.raises(ValueError, match="read-only"):
        once["a"][0, 0] = 1
    for number in range(3):
        for owners in ([number, 0, 1], [0, number, 1], [1, 0, number]):
            shares.sources(owners, "abc")
    assert len(shares._kept) <= assigned.MOST_KEPT


def test_a_silent_mixture_and_silent_components_are_shared_without_nan():
    silent = np.zeros((2, 4000), np.float32)
    bins, frames = transforms.stft(silent, **SETTINGS).shape[1:]
    shares = assigned.Shares(silent, np.zeros((bins, 2)), np.zeros((2, frames)), **SETTINGS)
    assert not any(estimate.any() for estimate in shares.sources([0, 1], "ab").values())
    noise = np.random.default_rng(0).uniform(-1, 1, (1, 4000))
    # Where all components are silent, each has an equal share, so that nothing of the mixture is lost.
    shares = assigned.Shares(noise, np.zeros((bins, 2)), np.zeros((2, frames)), **SETTINGS)
    np.testing.assert_allclose(shares.component(0), noise / 2, atol=1e-12)
    one_silent = assigned.Shares(noise, np.ones((bins, 2)), np.array([[1.0], [0.0]]).repeat(frames, 1), **SETTINGS)
    assert np.abs(one_silent.component(1)).max() < 1e-9
    np.testing.assert_allclose(one_silent.component(0), noise, atol=1e-9)


def test_one_component_is_the_mixture():
    noise = np.random.default_rng(0).uniform(-1, 1, (1, 400))
    bins, frames = transforms.stft(noise, **SETTINGS).shape[1:]
    shares = assigned.Shares(noise, np.ones((bins, 1)), np.ones((1, frames)), **SETTINGS)
    np.testing.assert_allclose(shares.component(0), noise, atol=1e-9)


def test_equal_channels_stay_equal():
    mono = sum(tones())
    shares = assigned.Shares(np.concatenate([mono, mono]), *factors_of(tones()), **SETTINGS)
    left, right = shares.component(1)
    np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("owners", "error", "words"),
    [
        ([0, 1], ShapeError, "3 components, got 2"),
        ([0, 1, 2], ValueError, "from 0 to 1, or -1.*got 0 to 2"),
        ([0, 1, -2], ValueError, "from 0 to 1"),
        ([0, 1, 0.5], TypeError, "whole numbers"),
        ([True, False, True], TypeError, "whole numbers"),
        ("abc", TypeError, "array of numbers"),
        ([[0, 1, 0]], ShapeError, "one axis"),
    ],
)
def test_what_is_no_assignment_is_refused(shares, owners, error, words):
    with pytest.raises(error, match=words):
        shares.sources(owners, ["a", "b"])


@pytest.mark.parametrize("number", [-1, 3, 0.5, "0", None])
def test_a_component_that_does_not_exist_is_refused(shares, number):
    with pytest.raises((TypeError, ValueError), match="number must be"):
        shares.component(number)


@pytest.mark.parametrize("shape", [((10, 3), (3, 9)), ((757, 3), (3, 2)), ((757, 3), (2, 43)), ((757,), (3, 43))])
def test_factors_of_another_transform_are_refused(shape):
    with pytest.raises(ShapeError, match=r"templates|activations"):
        assigned.Shares(sum(tones()), np.ones(shape[0]), np.ones(shape[1]), **SETTINGS)
    with pytest.raises(ValueError, match="finite"):
        assigned.Shares(np.full((1, 100), np.nan), np.ones((757, 1)), np.ones((1, 1)), **SETTINGS)
