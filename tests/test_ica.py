"""ICA on stereo: two sources of any two places come apart, and what it cannot do, it says or shows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, signals
from mss_lab.metrics import energy
from mss_lab.spatial import ica, panning

RATE = 16_000


def panned(sources, pans):
    return np.stack([signals.pan(source[np.newaxis], pan) for source, pan in zip(sources, pans, strict=True)])


def sdrs(images, estimates):
    """Of each image, the best of all estimates."""
    return np.array([max(energy.sdr(image, estimate) for estimate in estimates) for image in images])


def test_two_laplacian_sources_come_apart(rng, frozen):
    # |W A| is a permutation that is scaled; images reach more than 30 dB and add up to 2e-15.
    pans = np.array([0.4, 1.2])
    images = panned(rng.laplace(size=(2, 20_000)), pans)
    mixture = frozen(images.sum(axis=0))
    W = ica.unmixing(mixture, rng=rng)
    mixing = np.abs(W @ np.stack([np.cos(pans), np.sin(pans)]))
    assert_array_equal(np.sort(mixing.argmax(axis=1)), [0, 1])
    assert (mixing.min(axis=1) < 0.03 * mixing.max(axis=1)).all()
    found = ica.images(mixture, W)
    assert sdrs(images, found).min() > 30
    assert_allclose(found.sum(axis=0), mixture, atol=1e-14)
    # From left to right, each in one direction.
    angles = np.arctan2(np.linalg.norm(found[:, 1], axis=1), np.linalg.norm(found[:, 0], axis=1))
    assert_allclose(angles, pans, atol=0.02)
    assert np.linalg.matrix_rank(found[0], tol=1e-9) == 1


@pytest.mark.parametrize("level", [1e-8, 1.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_level_and_offset_change_nothing(rng, level, offset):
    images = panned(rng.laplace(size=(2, 20_000)), (0.4, 1.2))
    mixture = level * (images.sum(axis=0) + offset)
    found = ica.images(mixture, ica.unmixing(mixture, rng=rng))
    assert_allclose(found.sum(axis=0), mixture, atol=1e-12 * np.abs(mixture).max())
    moving = found - found.mean(axis=2, keepdims=True)
    wanted = level * (images - images.mean(axis=2, keepdims=True))
    assert sdrs(wanted, moving).min() > 30


def test_out_of_phase_sources_come_apart_too(rng):
    # ICA knows no pan law: a source may be on both sides with opposite signs.
    sources = rng.laplace(size=(2, 20_000))
    images = np.einsum("cj,jt->jct", np.array([[1.0, 0.8], [0.5, -0.6]]), sources)
    mixture = images.sum(axis=0)
    assert sdrs(images, ica.images(mixture, ica.unmixing(mixture, rng=rng))).min() > 30


def test_two_instruments_come_apart():
    low = signals.vibrato_tone(196.0, 2.0, RATE)[0]
    high = signals.vibrato_tone(313.0, 2.0, RATE, rate_hz=4.0)[0] * (np.arange(2 * RATE) > RATE // 2)
    images = panned((low, high), (0.3, 1.2)).astype(np.float32)
    mixture = images.sum(axis=0)
    estimates = ica.separate(mixture, RATE)
    assert list(estimates) == ["pan_17", "pan_69"]
    assert sdrs(images, estimates.values()).min() > 20
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


def test_three_sources_are_more_than_it_can_do(rng):
    images = panned(rng.laplace(size=(3, 20_000)), (0.2, 0.8, 1.4))
    mixture = images.sum(axis=0)
    found = ica.images(mixture, ica.unmixing(mixture, rng=rng))
    assert len(found) == 2
    assert sdrs(images, found).min() < 6


def test_sources_in_one_place_come_back_as_one(rng):
    mixture = panned(rng.laplace(size=(2, 5_000)), (0.7, 0.7)).sum(axis=0).astype(np.float32)
    estimates = ica.separate(mixture, RATE)
    assert list(estimates) == ["pan_40"]
    assert_array_equal(estimates["pan_40"], mixture)


def test_gaussian_sources_are_not_told_apart():
    scores = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        images = panned(rng.standard_normal((2, 20_000)), (0.4, 1.2))
        mixture = images.sum(axis=0)
        found = ica.images(mixture, ica.unmixing(mixture, rng=rng, iterations=1_000))
        scores.append(sdrs(images, found).min())
    assert np.median(scores) < 10


def test_what_does_not_converge_warns(rng):
    mixture = panned(rng.laplace(size=(2, 20_000)), (0.4, 1.2)).sum(axis=0)
    with pytest.warns(panning.PanWarning, match="ICA has not converged in 1 iterations"):
        ica.unmixing(mixture, iterations=1, tolerance=1e-12, rng=rng)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_few_samples_are_given_back(rng, samples):
    mixture = rng.uniform(-1, 1, (2, samples)).astype(np.float32)
    assert_allclose(sum(ica.separate(mixture, RATE).values()), mixture, atol=1e-6)


def test_one_channel_silent_or_both():
    tone = signals.harmonic_tone(220.0, 0.2, RATE).astype(np.float32)
    for mixture, name in (
        (np.concatenate([tone, 0 * tone]), "pan_0"),
        (np.concatenate([0 * tone, tone]), "pan_90"),
        (np.concatenate([tone, tone]), "pan_45"),
        (np.concatenate([tone, -tone]), "pan_45"),
    ):
        estimates = ica.separate(mixture, RATE)
        assert list(estimates) == [name]
        assert_array_equal(estimates[name], mixture)
    (silence,) = ica.separate(np.zeros((2, 100), np.float32), RATE).values()
    assert not silence.any()


def test_a_long_recording_is_learnt_from_excerpts(rng, monkeypatch):
    images = panned(rng.laplace(size=(2, 80_000)), (0.4, 1.2))
    monkeypatch.setattr(ica, "LEARN_S", 2.0)
    monkeypatch.setattr(ica, "EXCERPT_S", 0.5)
    assert sdrs(images, ica.separate(images.sum(axis=0), RATE).values()).min() > 25


def test_what_it_cannot_do_is_refused(rng):
    mixture = rng.laplace(size=(2, 100))
    with pytest.raises(checks.ShapeError, match="must have 2 channels"):
        ica.separate(mixture[:1], RATE)
    with pytest.raises(ValueError, match="tolerance must be a number above 0"):
        ica.separate(mixture, RATE, tolerance=0)
    with pytest.raises(ValueError, match="iterations must be"):
        ica.separate(mixture, RATE, iterations=0)
    for unmixing in (np.ones((2, 2)), np.ones((3, 2)), np.zeros((1, 2))):
        with pytest.raises(ValueError, match="one or two independent rows"):
            ica.images(mixture, unmixing)
