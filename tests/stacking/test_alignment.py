"""Alignment: lags and gains that are known, aligned twice, and the edges."""

import numpy as np
import pytest

from mss_lab import signals
from mss_lab.stacking import alignment
from tests.measures import refusal


def sound(rng, channels=2, samples=1000):
    """Noise between silences, so that nothing is lost at an end."""
    waveform = np.zeros((channels, samples))
    waveform[:, 200:700] = rng.standard_normal((channels, 500))
    return waveform


@pytest.mark.parametrize("lag", [-150, -1, 0, 1, 17, 200])
@pytest.mark.parametrize("gain", [1.0, 0.25, -2.0])
def test_a_known_delay_and_gain_are_undone(rng, frozen, lag, gain):
    reference = sound(rng)
    reference, late = frozen(reference, gain * np.roll(reference, lag, axis=1))
    aligned = alignment.align(reference, late)
    assert aligned.lag_samples == lag and aligned.gain == pytest.approx(1 / gain)
    assert np.allclose(aligned.waveform, reference, atol=1e-12)
    again = alignment.align(reference, aligned.waveform)
    assert again.lag_samples == 0 and again.gain == pytest.approx(1)


@pytest.mark.parametrize("samples", [750, 1000, 1300])
def test_any_length_becomes_that_of_the_reference(rng, samples):
    reference = sound(rng)
    late = alignment.of_length(np.roll(reference, 30, axis=1), samples)
    aligned = alignment.align(reference, late)
    assert aligned.waveform.shape == reference.shape and aligned.lag_samples == 30
    assert np.allclose(aligned.waveform, reference)


def test_the_peak_is_the_loop_s(rng):
    x, y = rng.standard_normal((1, 40)), rng.standard_normal((1, 50))
    padded = np.pad(y[0], 100)
    sums = {lag: abs(np.dot(x[0], padded[100 + lag : 140 + lag])) for lag in range(-30, 31)}
    assert alignment.lag_samples(x, y, most_samples=30) == max(sums, key=sums.get)


def test_of_equal_peaks_the_nearest_counts():
    # A tone fits itself after each period; the window of comparison hides which.
    tone = signals.tone(100, 0.5, 8000)
    assert alignment.lag_samples(tone, tone) == 0
    pulses = np.zeros((2, 1, 40))
    pulses[0, 0, 20] = pulses[1, 0, 15] = pulses[1, 0, 23] = 1
    assert alignment.lag_samples(*pulses) == 3 and alignment.lag_samples(*pulses[..., ::-1]) == -3


def test_the_search_stays_inside_its_bound(rng):
    reference = sound(rng)
    assert abs(alignment.lag_samples(reference, np.roll(reference, 100, axis=1), most_samples=20)) <= 20


def test_silence_and_one_sample_stay(rng):
    silence = np.zeros((1, 10))
    aligned = alignment.align(np.ones((1, 10)), silence)
    assert (aligned.lag_samples, aligned.gain) == (0, 1) and not aligned.waveform.any()
    assert alignment.align(np.ones((1, 1)), np.full((1, 1), 0.5)).gain == 2
    assert alignment.align(sound(rng), 3 * sound(rng), match_gain=False).gain == 1


def test_moving_back_and_forth_is_the_identity_inside(rng):
    waveform = sound(rng)
    assert np.array_equal(alignment.shifted(alignment.shifted(waveform, 90), -90), waveform)
    assert not alignment.shifted(waveform, 5000).any() and not alignment.shifted(waveform, -1000).any()


def test_bad_input_is_refused(rng):
    assert "as many channels" in refusal(lambda: alignment.align(sound(rng), sound(rng, channels=1)))
    assert "whole number" in refusal(lambda: alignment.shifted(sound(rng), 0.5))
    assert "most_samples" in refusal(lambda: alignment.lag_samples(sound(rng), sound(rng), most_samples=-1))
