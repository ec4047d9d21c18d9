"""Signals have the answers that they are made to have."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, signals

RATE = 16_000


def spectrum(waveform):
    """Amplitude of each frequency; one second gives bins of 1 Hz."""
    return 2 * np.abs(np.fft.rfft(waveform[0])) / waveform.shape[1]


def instantaneous_hz(waveform, keep_hz):
    """Frequency over time from the phase of the analytic signal, after a filter that keeps a band."""
    bins = np.fft.fft(waveform[0])
    frequencies_hz = np.fft.fftfreq(waveform.shape[1], 1 / RATE)
    bins[(frequencies_hz < keep_hz[0]) | (frequencies_hz > keep_hz[1])] = 0
    return np.diff(np.unwrap(np.angle(np.fft.ifft(bins)))) * RATE / (2 * np.pi)


def test_a_tone_is_one_line_of_its_amplitude():
    lines = spectrum(signals.tone(440, 1, RATE, amplitude=0.3))
    assert_allclose(lines[440], 0.3)
    lines[440] = 0
    assert lines.max() < 1e-12


def test_a_tone_starts_at_its_phase():
    assert signals.tone(440, 1, RATE)[0, 0] == 0.5
    assert_allclose(signals.tone(440, 1, RATE, phase_rad=np.pi)[0, 0], -0.5)
    assert_allclose(signals.tone(0, 1, RATE, amplitude=0.2), 0.2)


def test_harmonics_fall_as_asked_and_stop_below_half_the_rate():
    lines = spectrum(signals.harmonic_tone(1000, 1, RATE, harmonics=10, slope=2.0, amplitude=0.5))
    partials = lines[1000:8000:1000]
    assert_allclose(partials / partials[0], 1 / np.arange(1, 8) ** 2.0, rtol=1e-9)
    lines[1000:8000:1000] = 0
    assert lines.max() < 1e-12


def test_a_chirp_moves_in_a_straight_line():
    frequency_hz = instantaneous_hz(signals.chirp(500, 3000, 2, RATE), (0, RATE / 2))
    times_s = (np.arange(len(frequency_hz)) + 0.5) / RATE
    middle = slice(RATE // 4, -RATE // 4)
    assert_allclose(frequency_hz[middle], (500 + 1250 * times_s)[middle], rtol=0.01)


def test_vibrato_swings_as_far_and_as_often_as_asked():
    waveform = signals.vibrato_tone(500, 2, RATE, rate_hz=5, depth_cents=50, harmonics=5)
    frequency_hz = instantaneous_hz(waveform, (350, 650))
    cents = 1200 * np.log2(frequency_hz[RATE // 2 : -RATE // 2] / 500)
    assert_allclose([cents.min(), cents.max()], [-50, 50], atol=2)
    swings = np.abs(np.fft.rfft(cents))
    assert swings.argmax() == round(5 * len(cents) / RATE)


def test_vibrato_leaves_out_what_would_pass_half_the_rate():
    lines = spectrum(signals.vibrato_tone(3000, 1, RATE, depth_cents=10, harmonics=20))
    heard = np.flatnonzero(lines > 0.01)
    assert heard.min() > 2900 and heard.max() < 6200


def test_clicks_stand_where_they_were_put():
    waveform = signals.clicks([0, 0.5, 1.0], 1, RATE, amplitude=0.7)
    assert np.flatnonzero(waveform[0]).tolist() == [0, RATE // 2, RATE - 1]
    assert_array_equal(np.unique(waveform), [0, 0.7])


def test_noise_is_seeded_white_and_independent(rng):
    waveform = signals.noise(4, RATE, rng=rng, channels=2, amplitude=0.5)
    assert waveform.shape == (2, 4 * RATE)
    again = signals.noise(4, RATE, rng=np.random.default_rng(1), channels=2)
    assert_array_equal(again, signals.noise(4, RATE, rng=np.random.default_rng(1), channels=2))
    assert not np.array_equal(again, signals.noise(4, RATE, rng=np.random.default_rng(2), channels=2))
    assert abs(np.corrcoef(waveform)[0, 1]) < 0.02
    bands = (np.abs(np.fft.rfft(waveform[0])) ** 2)[1:].reshape(8, -1).mean(axis=1)
    assert bands.max() / bands.min() < 1.1


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: signals.harmonic_tone(220, 1, RATE, **k),
        lambda **k: signals.vibrato_tone(220, 1, RATE, **k),
        lambda **k: signals.noise(1, RATE, rng=np.random.default_rng(0), **k),
        lambda **k: signals.clicks([0.1], 1, RATE, **k),
    ],
)
def test_the_largest_sample_has_the_amplitude(make):
    for amplitude in (0.0, 0.25, 1.0):
        assert_allclose(np.abs(make(amplitude=amplitude)).max(), amplitude)


def every_generator(duration_s, rate):
    yield signals.tone(440, duration_s, rate)
    yield signals.harmonic_tone(440, duration_s, rate)
    yield signals.chirp(100, 400, duration_s, rate)
    yield signals.vibrato_tone(300, duration_s, rate)
    yield signals.clicks([0], duration_s, rate)
    yield signals.noise(duration_s, rate, rng=np.random.default_rng(0))


@pytest.mark.parametrize("duration_s, samples", [(1.0, 16_000), (0.1001, 1602), (1e-9, 1)])
def test_all_have_the_length_asked_for_and_at_least_one_sample(duration_s, samples):
    for waveform in every_generator(duration_s, RATE):
        assert waveform.shape == (1, samples) and waveform.dtype == np.float64
        assert np.isfinite(waveform).all()


def test_fades_start_and_end_near_zero_and_leave_the_middle(frozen):
    waveform = frozen(np.ones((2, RATE)))
    faded = signals.fade(waveform, 0.1, RATE)
    assert_array_equal(faded[:, 1600:-1600], 1)
    assert (np.diff(faded[0, :1600]) > 0).all() and faded[0, 0] < 1e-5
    assert_allclose(faded, faded[:, ::-1])


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_fade_longer_than_the_recording_stays_inside_it(samples):
    faded = signals.fade(np.ones((1, samples), np.float32), 1, RATE)
    assert faded.shape == (1, samples) and faded.dtype == np.float32
    assert (faded > 0).all() and (faded <= 1).all()


def test_no_fade_changes_nothing(rng):
    waveform = rng.standard_normal((1, 50))
    assert_array_equal(signals.fade(waveform, 0, RATE), waveform)


@pytest.mark.parametrize("angle_rad", [0, 0.3, np.pi / 4, 1.2, np.pi / 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_panning_keeps_the_energy_and_can_be_read_back(rng, frozen, angle_rad, dtype):
    mono = frozen(rng.standard_normal((1, 500)).astype(dtype))
    stereo = signals.pan(mono, angle_rad)
    assert stereo.shape == (2, 500) and stereo.dtype == dtype
    tolerance = 1e-12 if dtype == np.float64 else 1e-6
    assert_allclose(np.linalg.norm(stereo), np.linalg.norm(mono), rtol=tolerance)
    assert_allclose(np.arctan2(*np.linalg.norm(stereo, axis=1)[::-1]), angle_rad, atol=tolerance)


def test_left_is_the_first_channel():
    stereo = signals.pan(np.ones((1, 5)), 0)
    assert_array_equal(stereo[0], 1)
    assert_allclose(stereo[1], 0, atol=1e-16)


def test_a_mixture_is_the_sum(rng, frozen):
    sources = frozen({name: rng.standard_normal((2, 50)).astype(np.float32) for name in "abc"})
    mixture = signals.mix(sources)
    assert mixture.dtype == np.float32
    assert_allclose(mixture, sources["a"] + sources["b"] + sources["c"], atol=1e-6)
    alone = signals.mix({"a": sources["a"]})
    assert_array_equal(alone, sources["a"])
    assert alone is not sources["a"]


@pytest.mark.parametrize(
    "call, error, parts",
    [
        (lambda: signals.tone(8000, 1, RATE), ValueError, ("frequency_hz", "below 8000 (Hz)", "got 8000")),
        (lambda: signals.tone(-1, 1, RATE), ValueError, ("frequency_hz", "at least 0", "got -1")),
        (lambda: signals.tone(440, 0, RATE), ValueError, ("duration_s", "above 0 (seconds)", "got 0")),
        (lambda: signals.tone(440, 1, 0), ValueError, ("sample_rate_hz", "at least 1000", "got 0")),
        (lambda: signals.tone(440, 1, "16000"), TypeError, ("sample_rate_hz", "'16000' of type str")),
        (lambda: signals.tone(440, 1, RATE, amplitude=np.nan), ValueError, ("amplitude", "nan")),
        (lambda: signals.tone(440, 1, RATE, phase_rad=np.inf), ValueError, ("phase_rad", "inf")),
        (lambda: signals.harmonic_tone(440, 1, RATE, harmonics=0), ValueError, ("harmonics", "at least 1", "got 0")),
        (lambda: signals.harmonic_tone(9000, 1, RATE), ValueError, ("frequency_hz", "below 8000", "got 9000")),
        (lambda: signals.chirp(100, 8000, 1, RATE), ValueError, ("end_hz", "below 8000", "got 8000")),
        (lambda: signals.vibrato_tone(440, 1, RATE, rate_hz=-1), ValueError, ("rate_hz", "at least 0", "got -1")),
        (lambda: signals.clicks([1.1], 1, RATE), ValueError, ("times_s", "at most 1 (seconds)", "got 1.1")),
        (lambda: signals.clicks([-0.1], 1, RATE), ValueError, ("times_s", "at least 0", "got -0.1")),
        (lambda: signals.noise(1, RATE, rng=0), TypeError, ("rng", "seeded generator", "default_rng(0)")),
        (lambda: signals.noise(1, RATE, rng=np.random.default_rng(0), channels=0), ValueError, ("channels", "got 0")),
        (lambda: signals.fade(np.ones((1, 9)), -1, RATE), ValueError, ("fade_s", "at least 0", "got -1")),
        (lambda: signals.pan(np.ones((2, 9)), 0), checks.ShapeError, ("mono (1, samples)", "(2, 9)", "waveform.mean")),
        (lambda: signals.pan(np.ones((1, 9)), 2), ValueError, ("angle_rad", "at most 1.5708 (radians)", "got 2")),
        (lambda: signals.pan(np.ones((1, 9)), -0.1), ValueError, ("angle_rad", "at least 0", "got -0.1")),
        (lambda: signals.mix({}), ValueError, ("at least one source",)),
    ],
)
def test_refusals(call, error, parts):
    with pytest.raises(error) as refusal:
        call()
    for part in parts:
        assert part in str(refusal.value)
