"""Changed instruments: tone colour by an equaliser, and speed; what must stay as it was."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mss_lab.datasets import varied

RATE_HZ = 16_000


def tones(*frequencies_hz, samples=RATE_HZ):
    times_s = np.arange(samples) / RATE_HZ
    return np.sum([0.1 * np.sin(2 * np.pi * hz * times_s) for hz in frequencies_hz], axis=0)[None]


def amplitude(wave, hz):
    """Of a frequency that has whole periods in a second."""
    return 2 * abs(np.fft.rfft(wave[0, :RATE_HZ])[hz]) / RATE_HZ


def test_the_gains_of_the_equaliser_are_drawn_for_each_octave_and_interpolated():
    gains_db = 6.0 * np.random.default_rng(3).standard_normal(8)
    changed = varied.equalised(tones(500, 1000, 2000, 1414), RATE_HZ, 6.0, np.random.default_rng(3))
    # 500, 1000 and 2000 Hz are 3, 4 and 5 octaves above 62.5 Hz; 1414 Hz is half an octave above 1000 Hz.
    ratio_db = [20 * np.log10(amplitude(changed, hz) / amplitude(changed, 500)) for hz in (1000, 2000, 1414)]
    expected = [gains_db[4], gains_db[5], (gains_db[4] + gains_db[5]) / 2] - gains_db[3]
    assert_allclose(ratio_db, expected, atol=0.1)


def test_the_equaliser_keeps_the_level_and_the_position():
    rng = np.random.default_rng(0)
    wave = rng.standard_normal((2, 4000)) * [[0.1], [0.01]]
    changed = varied.equalised(wave, RATE_HZ, 9.0, rng)
    assert changed.dtype == np.float32
    assert_allclose(np.sum(changed**2, axis=1), np.sum(wave**2, axis=1), rtol=1e-3)
    assert np.abs(changed - wave).max() > 0.01
    click = np.zeros(4000)
    click[1234] = 0.5
    # A filter of phase zero is symmetric in time.
    response = varied.equalised(click, RATE_HZ, 9.0, rng)
    assert np.argmax(np.abs(response)) == 1234
    assert_allclose(response[1234 + 1 : 1234 + 900], response[1234 - 1 : 1234 - 900 : -1], atol=1e-5)


@pytest.mark.parametrize("samples", [1, 2, 777])
def test_silence_stays_silence_and_every_length_is_kept(samples):
    rng = np.random.default_rng(0)
    silence = np.zeros((2, samples))
    assert_allclose(varied.equalised(silence, RATE_HZ, 6.0, rng), silence)
    assert varied.equalised(silence + 0.1, RATE_HZ, 6.0, rng).shape == silence.shape
    for speed in varied.SPEEDS:
        changed = varied.at_speed(silence, speed)
        assert changed.shape == (2, -(-samples * speed[1] // speed[0])) and not changed.any()


@pytest.mark.parametrize("speed", varied.SPEEDS)
def test_a_tone_that_is_played_faster_is_higher(speed):
    faster = varied.at_speed(tones(720, samples=2 * RATE_HZ), speed)
    assert amplitude(faster, 720 * speed[0] // speed[1]) == pytest.approx(0.1, rel=0.02)


def test_the_speeds_are_in_pairs_up_to_a_minor_third():
    assert {(slower, faster) for faster, slower in varied.SPEEDS} == set(varied.SPEEDS)
    assert max(faster / slower for faster, slower in varied.SPEEDS) == pytest.approx(2 ** (3 / 12), rel=0.01)


def test_refused_inputs():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="spread_db"):
        varied.equalised(np.zeros(8), RATE_HZ, -1.0, rng)
    with pytest.raises(ValueError, match="sample_rate"):
        varied.equalised(np.zeros(8), 0, 1.0, rng)
    with pytest.raises(ValueError, match="speed"):
        varied.at_speed(np.zeros(8), (0, 1))
    with pytest.raises(ValueError, match="speed must be two whole numbers, got"):
        varied.at_speed(np.zeros(8), (2,))
    with pytest.raises(TypeError, match="rng must be a seeded generator"):
        varied.equalised(np.zeros(8), RATE_HZ, 1.0, 0)
    for empty in (np.zeros((2, 0)), np.zeros(())):
        with pytest.raises(ValueError, match="audio must have samples on its last axis"):
            varied.equalised(empty, RATE_HZ, 1.0, rng)
        with pytest.raises(ValueError, match="audio must have samples on its last axis"):
            varied.at_speed(empty, (6, 5))
