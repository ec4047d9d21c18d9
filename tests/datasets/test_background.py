"""What a microphone hears besides its instrument."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mss_lab.datasets import background

RATE_HZ = 16_000


def below(noise, hz):
    """Share of the energy below a frequency."""
    power = np.abs(np.fft.rfft(noise)) ** 2
    return power[np.fft.rfftfreq(len(noise), 1 / RATE_HZ) < hz].sum() / power.sum()


def heard(kind, monkeypatch):
    """Many draws of one kind alone, those that are not silent."""
    for name in ("RUMBLE", "BUMPS", "HUM", "HISS"):
        levels_db = getattr(background, name)[1]
        monkeypatch.setattr(background, name, (1.0 if name == kind else 0.0, levels_db))
    return [background.draw(4 * RATE_HZ, RATE_HZ, rng=np.random.default_rng(seed)) for seed in range(24)]


@pytest.mark.parametrize("kind", ["RUMBLE", "BUMPS", "HUM", "HISS"])
def test_each_kind_has_the_level_that_it_is_said_to_have(kind, monkeypatch):
    levels_db = np.array([10 * np.log10(np.mean(noise**2)) for noise in heard(kind, monkeypatch)])
    low_db, high_db = getattr(background, kind)[1]
    assert low_db - 0.01 < levels_db.min() < levels_db.max() < high_db + 0.01
    assert np.ptp(levels_db) > (high_db - low_db) / 2


@pytest.mark.parametrize(("kind", "hz", "at_least"), [("RUMBLE", 120, 0.95), ("BUMPS", 120, 0.95), ("HUM", 361, 0.99)])
def test_what_is_low_is_low(kind, hz, at_least, monkeypatch):
    assert min(below(noise, hz) for noise in heard(kind, monkeypatch)) > at_least


def test_hiss_is_high(monkeypatch):
    assert max(below(noise, 60) for noise in heard("HISS", monkeypatch)) < 0.6
    assert np.median([below(noise, 1000) for noise in heard("HISS", monkeypatch)]) < 0.8


def test_about_half_of_all_microphones_rumble():
    draws = [background.draw(RATE_HZ, RATE_HZ, rng=np.random.default_rng(seed)) for seed in range(200)]
    assert 0.05 < np.mean([not noise.any() for noise in draws]) < 0.3
    assert 0.35 < np.mean([noise.any() and below(noise, 60) > 0.5 for noise in draws]) < 0.8


def test_every_stem_gets_its_own_in_proportion_to_its_level():
    rng = np.random.default_rng(0)
    stems = rng.normal(0, 0.1, (3, 2 * RATE_HZ)).astype(np.float32)
    stems[2] = 0
    kept = stems.copy()
    noise = background.with_background(stems, RATE_HZ, rng=np.random.default_rng(4)) - stems
    assert_array_equal(stems, kept)
    assert noise[0].any() and noise[1].any() and not noise[2].any()
    assert abs(np.corrcoef(noise[:2])[0, 1]) < 0.2
    louder = background.with_background(10 * stems, RATE_HZ, rng=np.random.default_rng(4)) - 10 * stems
    np.testing.assert_allclose(louder, 10 * noise, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 2, 100])
def test_the_shortest_stems(samples):
    for seed in range(10):
        stems = np.full((2, samples), 0.5)
        found = background.with_background(stems, RATE_HZ, rng=np.random.default_rng(seed))
        assert found.shape == stems.shape and np.all(np.isfinite(found))


def test_what_is_asked_is_checked():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="samples"):
        background.draw(0, RATE_HZ, rng=rng)
    with pytest.raises(TypeError, match="rng"):
        background.draw(10, RATE_HZ, rng=0)
    with pytest.raises(ValueError, match="sources, samples"):
        background.with_background(np.zeros(10), RATE_HZ, rng=rng)
