"""Oracles: bounds that frame a table. They add up, they know the truth, and they never beat it by accident."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, oracles, signals, transforms
from mss_lab.metrics import energy

RATE_HZ = 16_000


def two_notes(duration_s=0.5):
    return {
        "low": signals.harmonic_tone(196.0, duration_s, RATE_HZ).astype(np.float32),
        "high": signals.harmonic_tone(330.0, duration_s, RATE_HZ, amplitude=0.2).astype(np.float32),
    }


@pytest.mark.parametrize("kind", oracles.KINDS)
@pytest.mark.parametrize("channels, samples", [(1, 6001), (2, 6001), (1, 1), (2, 700)])
def test_estimates_add_up_to_the_mixture(rng, frozen, kind, channels, samples):
    sources = frozen({name: 0.2 * rng.standard_normal((channels, samples)).astype(np.float32) for name in "abc"})
    estimates = oracles.oracle(sources, RATE_HZ, kind)
    assert list(estimates) == list("abc")
    for estimate in estimates.values():
        assert estimate.dtype == np.float32
        assert estimate.shape == (channels, samples)
    assert_allclose(sum(estimates.values()), sum(sources.values()), atol=1e-6)


@pytest.mark.parametrize("kind, exponent", [("ratio", 1), ("wiener", 2)])
@pytest.mark.parametrize("sample_rate_hz, window_samples", [(16_000, 1512), (44_100, 4096), (8_000, 512)])
def test_an_oracle_is_its_formula(rng, kind, exponent, sample_rate_hz, window_samples):
    sources = {name: rng.standard_normal((1, 9000)) for name in "ab"}
    window_s = 0.064 if sample_rate_hz == 8_000 else 4096 / 44_100
    settings = {"window_samples": window_samples, "hop_samples": window_samples // 4}
    a, b = (transforms.stft(waveform, **settings) for waveform in sources.values())
    share = abs(a) ** exponent / (abs(a) ** exponent + abs(b) ** exponent)
    expected = transforms.istft(share * (a + b), 9000, **settings)
    estimate = oracles.oracle(sources, sample_rate_hz, kind, window_s=window_s)["a"]
    assert_allclose(estimate, expected, atol=1e-5)


@pytest.mark.parametrize("kind", oracles.KINDS)
def test_an_oracle_separates_what_the_transform_can_tell_apart(kind):
    sources = two_notes()
    estimates, mixture = oracles.oracle(sources, RATE_HZ, kind), oracles.do_nothing(sources)
    for name, source in sources.items():
        assert energy.sdr(source, estimates[name]) > energy.sdr(source, mixture[name]) + 10


def test_the_wiener_oracle_lies_above_the_ratio_oracle_on_music():
    sources = two_notes()
    mean = {
        kind: np.mean(
            [energy.sdr(source, oracles.oracle(sources, RATE_HZ, kind)[name]) for name, source in sources.items()]
        )
        for kind in ("ratio", "wiener")
    }
    assert mean["wiener"] > mean["ratio"]


@pytest.mark.parametrize("kind", oracles.KINDS)
@pytest.mark.parametrize("level", [1e-30, 1e30])
def test_the_level_changes_nothing(kind, level):
    sources = two_notes(0.2)
    plain = oracles.oracle(sources, RATE_HZ, kind)
    scaled = oracles.oracle(
        {name: (source * level).astype(np.float32) for name, source in sources.items()}, RATE_HZ, kind
    )
    for name in sources:
        assert energy.sdr(plain[name], scaled[name].astype(np.float64) / level) > 100


@pytest.mark.parametrize("kind", oracles.KINDS)
def test_a_source_alone_is_its_own_estimate(rng, kind):
    source = rng.standard_normal((2, 5000)).astype(np.float32)
    assert_allclose(oracles.oracle({"only": source}, RATE_HZ, kind)["only"], source, atol=4e-6)


@pytest.mark.parametrize("kind", oracles.KINDS)
def test_silence_stays_silent(kind):
    estimates = oracles.oracle({"a": np.zeros((1, 3000)), "b": np.zeros((1, 3000))}, RATE_HZ, kind)
    assert not any(estimate.any() for estimate in estimates.values())


@pytest.mark.parametrize("kind", oracles.KINDS)
def test_a_silent_source_gets_nothing_from_one_that_sounds(rng, kind):
    source = rng.standard_normal((1, 5000))
    estimates = oracles.oracle({"a": source, "silent": np.zeros_like(source)}, RATE_HZ, kind)
    assert np.abs(estimates["silent"]).max() < 1e-6


def test_channels_that_cancel_are_no_silence(rng):
    left = rng.standard_normal((1, 5000))
    wide = np.concatenate([left, -left])
    estimates = oracles.oracle({"wide": wide, "silent": np.zeros_like(wide)}, RATE_HZ)
    assert_allclose(estimates["wide"], wide, atol=4e-6)


def test_doing_nothing_gives_everybody_a_mixture_of_their_own(rng, frozen):
    sources = frozen({name: rng.standard_normal((2, 50)) for name in "ab"})
    estimates = oracles.do_nothing(sources)
    for estimate in estimates.values():
        assert estimate.dtype == np.float32
        assert_array_equal(estimate, (sources["a"] + sources["b"]).astype(np.float32))
    estimates["a"][:] = 0
    assert estimates["b"].any()


def test_a_kind_that_is_misspelt_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of .*did you mean 'wiener'"):
        oracles.oracle(two_notes(0.1), RATE_HZ, "weiner")


def test_unequal_sources_are_refused(rng):
    with pytest.raises(checks.ShapeError, match="cut or pad them"):
        oracles.oracle({"a": np.ones((1, 50)), "b": np.ones((1, 51))}, RATE_HZ)


def test_a_sample_rate_in_khz_is_refused():
    with pytest.raises(ValueError, match="sample_rate_hz must be"):
        oracles.oracle(two_notes(0.1), 44)
