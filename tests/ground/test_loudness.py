"""Loudness is that of the recommendation: its weighting, its gates, its level, and what follows from them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import loudness, signals

RATE_HZ = 16_000


def test_the_weighting_is_the_table_of_the_standard():
    shelf, high_pass = loudness._weighting(48_000)
    assert_allclose(shelf[:3], [1.53512485958697, -2.69169618940638, 1.19839281085285], atol=1e-10)
    assert_allclose(shelf[4:], [-1.69065929318241, 0.73248077421585], atol=1e-10)
    assert_allclose(high_pass[4:], [-1.99004745483398, 0.99007225036621], atol=1e-10)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_a_full_scale_sine_has_the_loudness_that_the_recommendation_says(rate_hz):
    # BS.1770-4: 997 Hz at 0 dBFS in one front channel reads -3.01 LUFS. The bilinear transform bends it a little.
    assert loudness.loudness_lufs(signals.tone(997, 3, rate_hz, amplitude=1.0), rate_hz) == pytest.approx(
        -3.01, abs=0.06
    )


def test_loudness_follows_level_and_adds_over_channels():
    mono = signals.tone(440, 2, RATE_HZ, amplitude=0.1)
    measured = loudness.loudness_lufs(mono, RATE_HZ)
    assert loudness.loudness_lufs(2 * mono, RATE_HZ) == pytest.approx(measured + 20 * np.log10(2), abs=1e-6)
    assert loudness.loudness_lufs(np.vstack([mono, -mono]), RATE_HZ) == pytest.approx(
        measured + 10 * np.log10(2), abs=1e-6
    )


def test_pauses_are_gated_out_and_bass_counts_less():
    tone = signals.tone(440, 4, RATE_HZ)
    with_pause = np.hstack([tone, np.zeros_like(tone), tone])
    assert loudness.loudness_lufs(with_pause, RATE_HZ) == pytest.approx(loudness.loudness_lufs(tone, RATE_HZ), abs=0.2)
    bass = signals.tone(30, 4, RATE_HZ)
    assert loudness.loudness_lufs(bass, RATE_HZ) < loudness.loudness_lufs(tone, RATE_HZ) - 4


def test_the_two_gates_lie_where_the_recommendation_puts_them():
    tone = signals.tone(997, 4, RATE_HZ, amplitude=0.1)
    whole = loudness.loudness_lufs(tone, RATE_HZ)
    # 8 LU down counts and pulls the figure down; 14 LU down is a pause; below -70 LUFS nothing is heard at all.
    counted = loudness.loudness_lufs(np.hstack([tone, tone * 10 ** (-8 / 20)]), RATE_HZ)
    gated = loudness.loudness_lufs(np.hstack([tone, tone * 10 ** (-14 / 20)]), RATE_HZ)
    assert counted == pytest.approx(whole + 10 * np.log10((1 + 10**-0.8) / 2), abs=0.2)
    assert gated == pytest.approx(whole, abs=0.25)
    assert loudness.loudness_lufs(tone * 10 ** ((-71 - whole) / 20), RATE_HZ) == -np.inf


def test_silence_has_no_loudness_and_one_sample_has_an_answer():
    assert loudness.loudness_lufs(np.zeros((2, 100)), RATE_HZ) == -np.inf
    assert np.isfinite(loudness.loudness_lufs(np.ones((1, 1)), RATE_HZ))


def test_matching_gains_bring_every_mixture_to_the_first(rng):
    first = signals.noise(2, RATE_HZ, rng=rng, channels=2)
    other = signals.tone(440, 2, RATE_HZ, amplitude=0.05).repeat(2, axis=0)
    gains_db = loudness.matching_gains_db({"first": first, "other": other}, RATE_HZ)
    assert gains_db["first"] == 0
    matched = other * 10 ** (gains_db["other"] / 20)
    assert loudness.loudness_lufs(matched, RATE_HZ) == pytest.approx(loudness.loudness_lufs(first, RATE_HZ), abs=0.01)


def test_a_nearly_silent_version_is_not_blown_up(rng):
    first = signals.noise(1, RATE_HZ, rng=rng)
    gains_db = loudness.matching_gains_db({"first": first, "faint": first / 100, "none": 0 * first}, RATE_HZ)
    assert gains_db == {"first": 0.0, "faint": 20.0, "none": 0.0}
    assert loudness.matching_gains_db({"none": 0 * first, "first": first}, RATE_HZ) == {"none": 0.0, "first": 0.0}


def test_at_loudness_reaches_it(rng):
    noise = 0.01 * rng.standard_normal((1, RATE_HZ))
    noise.setflags(write=False)
    assert loudness.loudness_lufs(loudness.at_loudness(noise, RATE_HZ, -23.0), RATE_HZ) == pytest.approx(-23, abs=1e-9)


@pytest.mark.parametrize("samples", [1, 7, 100_000])
def test_silence_stays_silent(samples):
    silence = np.zeros((1, samples))
    assert_array_equal(loudness.at_loudness(silence, RATE_HZ, -20.0), silence)
