"""Auditory scene analysis, stage by stage: each is held to its formula, to a known answer, to what must not matter."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, compare, signals
from mss_lab.casa import correlogram as correlograms
from mss_lab.casa import filterbank, grouping, pitch, scene
from mss_lab.casa.correlogram import Correlogram, correlogram, hair_cell, summary
from mss_lab.metrics.energy import sdr

RATE_HZ = 16_000
CENTRES_HZ = filterbank.centres_hz()


def heard(waveform, rate_hz=RATE_HZ, centres_hz=CENTRES_HZ):
    return correlogram(hair_cell(filterbank.analyse(waveform, rate_hz, centres_hz), rate_hz), rate_hz)


def vowel(f0_hz, formants_hz, duration_s=1.0):
    """A steady vowel: harmonics of all phases under three resonances."""
    times_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    total = np.zeros(len(times_s))
    for harmonic in range(1, int(5_000 / f0_hz) + 1):
        frequency_hz = harmonic * f0_hz
        gain = 0.02 + sum(1 / (1 + ((frequency_hz - formant_hz) / 80) ** 2) for formant_hz in formants_hz)
        total += gain * np.sin(2 * np.pi * frequency_hz * times_s + harmonic**2)
    return 0.3 * (total / np.abs(total).max())[np.newaxis]


AH, EE = (700, 1_100, 2_450), (300, 2_250, 3_000)


@pytest.fixture(scope="module")
def vowels():
    return {"ah": vowel(110, AH), "ee": vowel(185, EE)}


# The filterbank.


def test_the_bandwidth_at_1_khz_is_132_64_hz():
    """A checked answer of the reference."""
    assert filterbank.erb_hz(1_000) == pytest.approx(132.64, abs=0.005)
    assert_allclose(filterbank.erb_hz([0, 1_000]), [24.7, 132.639], rtol=1e-6)


def test_numbers_grow_by_one_for_each_bandwidth():
    frequencies_hz = np.linspace(50, 8_000, 60)
    step = filterbank.erb_number(frequencies_hz + filterbank.erb_hz(frequencies_hz) / 200)
    step -= filterbank.erb_number(frequencies_hz - filterbank.erb_hz(frequencies_hz) / 200)
    assert_allclose(100 * step, 1, rtol=5e-3)


def test_centres_are_evenly_spaced_for_the_ear():
    assert len(CENTRES_HZ) == 64
    assert_allclose(CENTRES_HZ[[0, -1]], [80, 5_000])
    steps = np.diff(filterbank.erb_number(CENTRES_HZ))
    assert_allclose(steps, steps[0])
    assert_allclose(filterbank.centres_hz(1, 300, 400), [300])


@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_impulse_responses_are_gammatones(rate_hz):
    centres_hz = np.array([80.0, 1_000.0, 3_000.0])
    responses, _ = filterbank.gammatones(centres_hz, rate_hz)
    t = np.arange(responses.shape[1]) / rate_hz
    for response, centre_hz in zip(responses, centres_hz, strict=True):
        bandwidth_hz = 24.7 * (4.37 * centre_hz / 1000 + 1)
        formula = t**3 * np.exp(-2 * np.pi * 1.019 * bandwidth_hz * t) * np.cos(2 * np.pi * centre_hz * t)
        assert_allclose(response / np.abs(response).max(), formula / np.abs(formula).max(), atol=1e-9)
        # What is cut off is too little to be heard.
        assert np.abs(response[-rate_hz // 1000 :]).max() < 2e-4 * np.abs(response).max()
        assert abs(np.sum(response * np.exp(-2j * np.pi * centre_hz * t))) == pytest.approx(1)


@pytest.mark.parametrize("centre_hz", [200.0, 1_000.0, 4_000.0])
def test_the_equivalent_bandwidth_is_the_ears(centre_hz):
    response = filterbank.gammatones(np.array([centre_hz]), 44_100)[0][0]
    power = np.abs(np.fft.rfft(response, 1 << 17)) ** 2
    assert power.sum() * 44_100 / (1 << 17) == pytest.approx(filterbank.erb_hz(centre_hz), rel=0.02)


@pytest.mark.parametrize("samples", [1, 9, 700])
@pytest.mark.parametrize("level", [1e-6, 1.0, 1e3])
def test_bands_are_convolutions_advanced_by_their_delay(rng, frozen, samples, level):
    waveform = frozen(level * rng.standard_normal((2, samples)))
    responses, delays = filterbank.gammatones(CENTRES_HZ[::9], RATE_HZ)
    bands = filterbank.analyse(waveform, RATE_HZ, CENTRES_HZ[::9])
    assert bands.dtype == np.float32
    for channel in range(2):
        for band, (response, delay) in enumerate(zip(responses, delays, strict=True)):
            expected = np.convolve(waveform[channel], response)[delay : delay + samples]
            assert_allclose(bands[channel, band], expected, atol=2e-6 * level)


def test_a_click_stands_at_one_time_in_all_bands():
    bands = filterbank.analyse(signals.clicks([0.2], 0.5, RATE_HZ), RATE_HZ, CENTRES_HZ)[0]
    # The envelope: what the band and its quarter turn have in common, from the spectrum's positive half.
    spectrum = np.fft.fft(bands)
    spectrum[:, bands.shape[1] // 2 :] = 0
    peaks = np.abs(np.fft.ifft(spectrum)).argmax(axis=1)
    assert_allclose(peaks / RATE_HZ, 0.2, atol=5e-4)


@pytest.mark.parametrize("rate_hz, highest_hz", [(8_000, 3_200), (16_000, 5_000), (44_100, 5_000)])
@pytest.mark.parametrize("level", [1e-6, 1.0, 1e3])
def test_a_mask_of_ones_gives_back_what_lies_in_the_range(rng, frozen, rate_hz, highest_hz, level):
    """A checked answer of the reference: above 15 to 20 dB; with the ripple divided out, above 35."""
    waveform = frozen(level * rng.standard_normal((2, rate_hz // 2)))
    centres_hz = filterbank.centres_hz(64, 80, highest_hz)
    back = filterbank.resynthesise(waveform, np.ones((1, 64, 51)), rate_hz, centres_hz)
    assert back.shape == (1, 2, rate_hz // 2)
    assert back.dtype == np.float32
    frequencies_hz = np.fft.rfftfreq(rate_hz // 2, 1 / rate_hz)
    inside = (frequencies_hz > 80) & (frequencies_hz < highest_hz)
    before, after = (np.fft.rfft(sound)[..., inside] for sound in (waveform, back[0]))
    assert sdr(np.abs(before), np.abs(before) + np.abs(before - after)) > 35


def test_without_dividing_the_ripple_is_small_already():
    response = np.zeros(8_001)
    for one in filterbank.gammatones(CENTRES_HZ, RATE_HZ)[0]:
        response += np.abs(np.fft.rfft(one, 16_000)) ** 2
    ripple = response[200:4_000] / np.median(response[200:4_000])
    assert 0.8 < ripple.min() < ripple.max() < 1.25


def test_resynthesis_is_linear_in_the_mask(rng):
    waveform = rng.standard_normal((1, 4_000))
    mask = rng.random((64, 26))
    parts = filterbank.resynthesise(waveform, np.stack([mask, 1 - mask]), RATE_HZ, CENTRES_HZ)
    whole = filterbank.resynthesise(waveform, np.ones((1, 64, 26)), RATE_HZ, CENTRES_HZ)
    assert_allclose(parts.sum(axis=0), whole[0], atol=1e-5)


def test_a_mask_keeps_the_band_and_the_time_that_it_names():
    low, high = (signals.tone(CENTRES_HZ[band], 1.0, RATE_HZ) for band in (15, 50))
    mask = np.zeros((2, 64, 101))
    mask[0, :32] = 1
    mask[1, :, 50:] = 1
    by_band, by_time = filterbank.resynthesise(low + high, mask, RATE_HZ, CENTRES_HZ)
    assert sdr(low, by_band) > 20
    # A frame is as long as 10 ms and fades over as much; narrow bands ring for longer.
    assert np.abs(by_time[0, : round(0.4 * RATE_HZ)]).max() < 1e-3
    late = slice(round(0.6 * RATE_HZ), round(0.95 * RATE_HZ))
    assert sdr((low + high)[:, late], by_time[:, late]) > 20


def test_frames_lie_where_hop_s_says():
    waveform = signals.tone(1_000.0, 1.0, RATE_HZ)
    mask = np.zeros((1, 64, 11))
    mask[0, :, 5] = 1
    out = filterbank.resynthesise(waveform, mask, RATE_HZ, CENTRES_HZ, hop_s=0.1)[0, 0]
    energy = out**2
    assert np.sum(energy * np.arange(RATE_HZ)) / energy.sum() / RATE_HZ == pytest.approx(0.5, abs=2e-3)


@pytest.mark.parametrize("bad", [[0.0, 100.0], [100.0, 8_000.0], []])
def test_centres_that_no_filter_can_have_are_refused(bad):
    with pytest.raises(ValueError, match="centres_hz must be frequencies above 0 and below half the sample rate, 8000"):
        filterbank.analyse(np.zeros((1, 100)), RATE_HZ, np.array(bad))


def test_other_bad_input_to_the_filterbank_is_refused():
    with pytest.raises(ValueError, match="highest_hz must be a number above 500"):
        filterbank.centres_hz(8, 500, 400)
    with pytest.raises(ValueError, match="bands must be a whole number at least 1"):
        filterbank.centres_hz(0)
    with pytest.raises(checks.ShapeError, match=r"mask must be \(streams, 64 bands, at least one frame\)"):
        filterbank.resynthesise(np.zeros((1, 100)), np.ones((1, 63, 5)), RATE_HZ, CENTRES_HZ)
    with pytest.raises(checks.ShapeError, match="waveform must be"):
        filterbank.analyse(np.zeros(100), RATE_HZ, CENTRES_HZ)


# The hair cell and the correlogram.


def test_the_hair_cell_compresses_and_has_nothing_to_say_below_zero(rng):
    bands = rng.standard_normal((1, 3, 2_000))
    quiet, loud = (hair_cell(gain * bands, RATE_HZ) for gain in (1e-3, 1.0))
    assert_allclose(loud, 10**0.9 * quiet, rtol=1e-4, atol=1e-4)
    assert not hair_cell(-np.abs(bands), RATE_HZ).any()
    assert_allclose(hair_cell(bands, RATE_HZ, exponent=1.0, cutoff_hz=8_000.0), np.maximum(bands, 0), rtol=1e-6)


def test_the_hair_cell_follows_slow_oscillations_and_of_fast_ones_the_envelope():
    slow = signals.tone(200.0, 0.5, RATE_HZ)
    fast = signals.tone(4_000.0, 0.5, RATE_HZ) * (1 + signals.tone(100.0, 0.5, RATE_HZ))
    fired = hair_cell(np.stack([slow, fast], axis=1), RATE_HZ)[0]
    spectra = np.abs(np.fft.rfft(fired * np.hanning(fired.shape[1]))) / fired.shape[1]
    of_slow, of_fast = spectra
    assert of_slow[100] > 0.05
    assert of_fast[50] > 0.005
    assert of_fast[2_000] < 3e-4


@pytest.mark.parametrize("rate_hz", [10_000, 16_000, 20_000, 44_100])
def test_the_correlogram_is_the_normalised_autocorrelation_of_windows(rng, frozen, rate_hz):
    nerve = frozen(rng.random((2, 3, rate_hz // 5)).astype(np.float32))
    found = correlogram(nerve, rate_hz)
    step = rate_hz // 10_000
    rate = rate_hz / step
    window = np.hanning(round(0.025 * rate))
    assert found.values.shape == (3, 21, round(0.0125 * rate) + 1)
    assert_allclose(found.lags_s, np.arange(found.values.shape[2]) / rate)
    padded = np.pad(nerve[..., ::step].astype(float), ((0, 0), (0, 0), (len(window) // 2, len(window))))
    for band, frame in ((0, 0), (1, 7), (2, 20)):
        start = round(frame * 0.01 * rate)
        total, overlap = 0, 0
        for channel in range(2):
            cut = padded[channel, band, start : start + len(window)]
            cut = window * (cut - np.sum(window * cut) / window.sum())
            total = total + np.array([np.dot(cut[: len(cut) - lag], cut[lag:]) for lag in range(len(found.lags_s))])
        overlap = np.array([np.dot(window[: len(window) - lag], window[lag:]) for lag in range(len(found.lags_s))])
        assert_allclose(found.values[band, frame], total / total[0] * overlap[0] / overlap, atol=2e-4)
        assert found.energy[band, frame] == pytest.approx(total[0] / overlap[0], rel=1e-3)


@pytest.mark.parametrize("level", [1e-6, 1.0, 1e3])
@pytest.mark.parametrize("frequency_hz", [100.0, 440.0, 700.0])
def test_the_summary_peaks_at_the_period_of_a_tone(level, frequency_hz):
    """A checked answer of the reference: 2.27 ms for 440 Hz."""
    found = heard(level * signals.tone(frequency_hz, 0.5, RATE_HZ))
    together = summary(found)
    assert_allclose(together[10:40, 0], 1, rtol=1e-5)
    periods_s = pitch.first_peaks(together, found.lags_s)[10:40]
    assert_allclose(periods_s, 1 / frequency_hz, rtol=0.005)
    if frequency_hz == 440:
        assert_allclose(1_000 * periods_s, 2.27, atol=0.005)


def test_a_nerve_that_fires_evenly_or_not_at_all_is_not_regular():
    for value in (0.0, 0.3):
        found = correlogram(np.full((1, 4, 8_000), value, np.float32), RATE_HZ)
        assert not found.values[:, 5:-5].any()
        assert not found.energy[:, 5:-5].any()
        assert_allclose(found.fired[:, 5:-5], value, rtol=1e-5)
    assert not summary(correlogram(np.zeros((1, 4, 800)), RATE_HZ)).any()


def test_channels_that_cancel_are_heard():
    mono = signals.harmonic_tone(150.0, 0.4, RATE_HZ)
    alone, opposite = (pitch.pitches(heard(np.concatenate(pair)), 1)[0] for pair in ((mono, mono), (mono, -mono)))
    assert_allclose(opposite[:, 10:30], alone[:, 10:30], rtol=0.01)


def test_bad_input_to_the_correlogram_is_refused():
    with pytest.raises(checks.ShapeError, match="bands must be"):
        hair_cell(np.zeros((4, 100)), RATE_HZ)
    with pytest.raises(ValueError, match="exponent must be a number above 0 and at most 1"):
        hair_cell(np.zeros((1, 4, 100)), RATE_HZ, exponent=1.5)
    with pytest.raises(ValueError, match=r"window_s must be a number above 0\.0125"):
        correlogram(np.zeros((1, 4, 100)), RATE_HZ, window_s=0.01)
    with pytest.raises(checks.ShapeError, match="nerve must be"):
        correlogram(np.zeros((4, 100)), RATE_HZ)


# Pitch.


@pytest.mark.parametrize("frequency_hz", [82.0, 126.0, 220.0, 600.0])
def test_the_first_high_peak_is_taken_and_no_multiple_of_the_period(frequency_hz):
    found = heard(signals.harmonic_tone(frequency_hz, 0.4, RATE_HZ))
    assert_allclose(1 / pitch.first_peaks(summary(found), found.lags_s)[10:30], frequency_hz, rtol=0.005)


def test_a_fundamental_that_is_not_there_is_heard():
    missing = sum(signals.tone(200.0 * h, 0.4, RATE_HZ, phase_rad=h) for h in range(4, 11))
    found = heard(missing)
    assert_allclose(1 / pitch.first_peaks(summary(found), found.lags_s)[10:30], 200, rtol=0.01)


def test_peaks_of_a_made_summary():
    lags_s = np.arange(100) * 1e-4
    rows = np.zeros((5, 100))
    rows[0, [30, 60]] = 0.95, 1.0  # near enough to the highest: the first
    rows[1, [30, 60]] = 0.80, 1.0  # not near enough
    rows[2, [5, 40]] = 0.9, 0.6  # the first lies below the shortest period
    rows[3, 50] = 0.2  # too low
    rows[4, 49:52] = 0.5, 1.0, 0.75  # the tip of the parabola lies between the lags
    periods_s = pitch.first_peaks(rows, lags_s)
    assert_allclose(periods_s[[0, 1, 2]], [0.003, 0.006, 0.004])
    assert np.isnan(periods_s[3])
    assert periods_s[4] == pytest.approx(0.005 + 1e-4 / 6)
    assert np.isnan(pitch.first_peaks(np.zeros((2, 100)), lags_s)).all()
    assert np.isnan(pitch.first_peaks(np.ones((2, 1)), lags_s[:1])).all()


def test_agreement_is_the_correlation_at_the_period_over_the_highest():
    values = np.zeros((2, 2, 50), np.float32)
    values[..., 0] = 1
    values[0, 0, 20], values[0, 0, 40], values[0, 0, 5] = 0.6, 0.8, 0.9
    values[1, :, 30] = -0.5
    found = Correlogram(values, np.ones((2, 2), np.float32), np.ones((2, 2), np.float32), np.arange(50) * 1e-4, 0.01)
    assert_allclose(pitch.agreement(found, np.array([0.002, np.nan])), [[0.75, 0], [0, 0]], rtol=1e-5)
    assert_allclose(pitch.agreement(found, np.array([0.004, 0.004]))[0, 0], 1, rtol=1e-4)
    assert_allclose(pitch.agreement(found, np.array([0.00205, 0.1]))[0, 0], 0.375, rtol=1e-3)
    with pytest.raises(checks.ShapeError, match="periods_s must have one period for each of 2 frames, got 3"):
        pitch.agreement(found, np.zeros(3))


def test_two_pitches_are_found_in_two_vowels():
    mixture = vowel(220, AH) + vowel(300, EE)
    periods_s, fits = pitch.pitches(heard(mixture), 2, near_peak=0.7)
    found_hz = np.sort(1 / periods_s[:, 10:90], axis=0)
    assert np.mean(np.abs(found_hz[0] / 220 - 1) < 0.01) > 0.9
    # Once both are known, units of the one no longer pull at the other.
    assert np.mean(np.abs(found_hz[1] / 300 - 1) < 0.01) > 0.7
    assert 0 <= fits.min() <= fits.max() <= 1


def test_silence_has_no_pitch_and_noise_little():
    periods_s, fits = pitch.pitches(heard(np.zeros((1, 4_000))), 3)
    assert periods_s.shape == (3, 26)
    assert np.isnan(periods_s).all()
    assert not fits.any()
    noise = signals.noise(1.0, RATE_HZ, rng=np.random.default_rng(0))
    assert np.isnan(pitch.pitches(heard(noise), 1)[0]).mean() > 0.3


def test_units_that_are_too_quiet_are_not_listened_to():
    loud = signals.tone(200.0, 0.4, RATE_HZ)
    for amplitude, audible in ((1e-5, False), (1e-2, True)):
        high = signals.harmonic_tone(1_000.0, 0.4, RATE_HZ, slope=0.0, amplitude=amplitude)
        _, fits = pitch.pitches(heard(loud + high), 2)
        assert fits[:, CENTRES_HZ > 2_500, 10:30].any() == audible
        assert fits[0, np.abs(CENTRES_HZ - 200).argmin(), 10:30].min() > 0.85


def test_bad_input_to_pitches_is_refused():
    found = heard(np.zeros((1, 800)))
    for options, wanted in (({"count": 0}, "count"), ({"agrees": 1.5}, "agrees"), ({"near_peak": 0.0}, "near_peak")):
        with pytest.raises(ValueError, match=f"{wanted} must be a"):
            pitch.pitches(found, **options)
    with pytest.raises(checks.ShapeError, match="lags_s must have one lag for each of the 10"):
        pitch.first_peaks(np.zeros((3, 10)), np.zeros(9))


# Segments.


def test_segments_hang_together_by_ties():
    upwards = np.zeros((4, 4))
    upwards[0, 0:2] = 0.99  # bands 0 and 1, frames 0 and 1
    upwards[3, 1:4] = 0.99  # bands 3 and 4, frames 1 to 3
    upwards[0, 3] = 0.96  # once more, with a frame between that is tied to no neighbouring band
    upwards[1, 1] = 0.94  # too little
    onwards = np.zeros((5, 3))
    onwards[0, :] = 0.99
    onwards[4, 1] = 0.96  # frame 1 to 2, but not on to 3
    onwards[2, :] = 1.0  # a band that is tied to no neighbour makes no segment
    expected = np.array([[1, 1, 0, 4], [1, 1, 0, 4], [0, 0, 0, 0], [0, 2, 2, 3], [0, 2, 2, 3]])
    found = grouping.segments(upwards, onwards)
    pairs = set(zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == 5
    assert (0, 0) in pairs
    assert sorted(np.unique(found)) == [0, 1, 2, 3, 4]


def test_two_tones_make_two_segments():
    found = heard(signals.tone(300.0, 0.5, RATE_HZ) + signals.tone(700.0, 0.5, RATE_HZ))
    numbers = grouping.segments(*grouping.ties(found))
    low, high = (numbers[np.abs(CENTRES_HZ - hz).argmin(), 10:40] for hz in (300, 700))
    assert len(set(low)) == len(set(high)) == 1
    assert 0 != low[0] != high[0] != 0


def test_ties_are_correlation_coefficients(rng):
    values = rng.standard_normal((3, 4, 20)).astype(np.float32)
    ones = np.ones((3, 4), np.float32)
    fired = ones.copy()
    fired[2, 3] = 0
    upwards, onwards = grouping.ties(Correlogram(values, fired, ones, np.arange(20) * 1e-4, 0.01))
    assert upwards[1, 2] == pytest.approx(np.corrcoef(values[1, 2], values[2, 2])[0, 1], abs=1e-5)
    assert onwards[1, 2] == pytest.approx(np.corrcoef(values[1, 2], values[1, 3])[0, 1], abs=1e-5)
    assert upwards[1, 3] == onwards[2, 2] == 0


def test_nothing_makes_no_segment():
    assert not grouping.segments(np.zeros((0, 5)), np.ones((1, 4))).any()
    assert grouping.segments(np.zeros((3, 1)), np.zeros((4, 0))).shape == (4, 1)
    silent = heard(np.zeros((1, 1_600)))
    assert not grouping.segments(*grouping.ties(silent)).any()
    with pytest.raises(checks.ShapeError, match="take both from one call of ties"):
        grouping.segments(np.zeros((3, 5)), np.zeros((3, 4)))


# Contours and streams.


def periods_of(*lines):
    """Periods (count, frames) of lines of MIDI pitches; nan where there is none."""
    return 1 / (440 * 2 ** ((np.array(lines, float) - 69) / 12))


def test_a_glide_is_one_contour_and_a_leap_makes_two():
    glide = np.linspace(60, 66, 20)
    assert len(grouping.contours(periods_of(glide), 0.01)) == 1
    found = grouping.contours(periods_of([*glide, *(glide + 12)]), 0.01)
    assert [contour.frames.tolist() for contour in found] == [list(range(20)), list(range(20, 40))]
    assert_allclose(found[1].semitones, glide + 12)
    assert len(grouping.contours(periods_of([*glide, *(glide + 12)]), 0.01, jump_semitones=7.0)) == 1


def test_contours_change_rows_when_pitches_do():
    low, high = np.full(30, 50.0), np.full(30, 62.0)
    swapped = np.arange(30) % 3 == 0
    periods_s = periods_of(np.where(swapped, low, high), np.where(swapped, high, low))
    for contour in grouping.contours(periods_s, 0.01):
        assert len(contour.frames) == 30
        assert len(set(np.round(contour.semitones))) == 1
        assert set(contour.rows) == {0, 1}


def test_short_gaps_are_bridged_and_long_ones_are_not():
    line = np.full(40, 60.0)
    line[10:13] = np.nan
    assert len(grouping.contours(periods_of(line), 0.01)) == 1
    line[10:14] = np.nan
    assert len(grouping.contours(periods_of(line), 0.01)) == 2


def test_short_contours_are_left_out():
    line = np.full(40, np.nan)
    line[5:10] = 60
    assert grouping.contours(periods_of(line), 0.01) == []
    line[5:11] = 60
    assert len(grouping.contours(periods_of(line), 0.01)) == 1
    assert grouping.contours(np.full((2, 0), np.nan), 0.01) == []


def test_the_nearest_pair_is_joined_first():
    # Two pitches a semitone apart: what is nearer goes on, the other begins anew.
    lines = periods_of([60.0] * 20, [np.nan] * 10 + [60.9] * 10)
    found = grouping.contours(lines, 0.01)
    assert [len(contour.frames) for contour in found] == [20, 10]
    assert_allclose(found[1].semitones, 60.9)


def stage(lines, bands_of):
    """Contours, fits and loudness where each row of pitches sounds in some bands of six."""
    periods_s = periods_of(*lines)
    fits = np.zeros((len(lines), 6, periods_s.shape[1]))
    for row, bands in enumerate(bands_of):
        fits[row, bands] = np.isfinite(periods_s[row])
    return grouping.contours(periods_s, 0.01), fits, np.ones(fits.shape[1:])


def test_streams_follow_pitch():
    # Bass and treble take turns, each in one row of pitches; small steps stay, leaps change the stream.
    line = np.repeat([40.0, 70.0, 42.0, 72.0, 41.0, 69.0], 10)
    rows = grouping.streams(*stage([line], [slice(0, 3)]), 2)
    low = np.where(line < 50, 0, -1)
    assert_array_equal(rows, [low, np.where(line < 50, -1, 0)])


def test_streams_follow_timbre_where_pitch_does_not_tell():
    # One pitch, by turns, with short rests; the rows sound in different bands.
    first = [60.0] * 10 + [np.nan] * 20
    lines = [first * 3, ([np.nan] * 15 + [60.0] * 10 + [np.nan] * 5) * 3]
    rows = grouping.streams(*stage(lines, [slice(0, 3), slice(3, 6)]), 2)
    assert_array_equal(rows[0], np.where(np.isfinite(lines[0]), 0, -1))
    assert_array_equal(rows[1], np.where(np.isfinite(lines[1]), 1, -1))


def test_streams_do_not_sound_twice_at_once():
    found, fits, fired = stage([[50.0] * 20, [62.0] * 20, [74.0] * 20], [slice(0, 2), slice(2, 4), slice(4, 6)])
    two, three = (grouping.streams(found, fits, fired, count) for count in (2, 3))
    assert_array_equal(two, [[0] * 20, [1] * 20])
    assert_array_equal(three, [[0] * 20, [1] * 20, [2] * 20])
    assert (grouping.streams(found, fits, fired, 5)[3:] == -1).all()


# Simultaneous grouping.


def joined(numbers, fits, rows, **options):
    fired = options.pop("fired", np.ones(np.shape(numbers)))
    return grouping.simultaneous(np.array(rows), np.array(fits, float), np.array(numbers), fired, 0.01, **options)


def test_units_go_to_the_pitch_that_they_fit_best():
    fits = np.zeros((2, 3, 4))
    fits[0, 0], fits[1, 0] = 0.9, 0.95
    fits[0, 1] = 0.86
    fits[1, 2] = 0.84
    mask = joined(np.zeros((3, 4), int), fits, [[1, 1, 0, -1], [0, 0, 1, -1]])
    # In the first two frames stream 0 has the second pitch; in the last, no stream has any.
    assert_array_equal(mask[0], [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    assert_array_equal(mask[1], [[0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])


def test_a_segment_takes_undecided_units_along():
    numbers = np.array([[1, 1, 1, 1, 1, 1], [0, 2, 2, 2, 2, 0], [0, 0, 0, 0, 0, 0]])
    fits = np.zeros((1, 3, 6))
    fits[0, 0, :4] = 1  # more than half
    fits[0, 1, 1:3] = 1  # half is not enough
    rows = np.zeros((1, 6), int)
    mask = joined(numbers, fits, rows, together_s=0.0)
    assert_array_equal(mask[0], [[1, 1, 1, 1, 1, 1], [0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    # By what they fire, not by how many they are.
    fired = np.ones((3, 6))
    fired[1, :3] = 2
    assert_array_equal(joined(numbers, fits, rows, together_s=0.0, fired=fired)[0, 1], [0, 1, 1, 1, 1, 0])


@pytest.mark.parametrize("late, together", [(0, True), (2, True), (3, False)])
def test_what_begins_together_belongs_together(late, together):
    numbers = np.zeros((2, 40), int)
    numbers[0, 5:30] = 1
    numbers[1, 5 + late : 15] = 2
    fits = np.zeros((1, 2, 40))
    fits[0, 0, 5:30] = 1
    mask = joined(numbers, fits, np.zeros((1, 40), int))
    assert_array_equal(mask[0, 1], (numbers[1] == 2) & together)
    # The same from behind: what ends together.
    mask = joined(numbers[:, ::-1], fits[..., ::-1], np.zeros((1, 40), int))
    assert_array_equal(mask[0, 1], ((numbers[1] == 2) & together)[::-1])


def test_a_beginning_that_two_streams_share_says_nothing():
    numbers = np.array([[1] * 30, [2] * 10 + [0] * 20, [3] * 30])
    fits = np.zeros((2, 3, 30))
    fits[0, 0] = fits[1, 2] = 1
    assert not joined(numbers, fits, [[0] * 30, [1] * 30])[:, 1].any()
    numbers[2, :8] = 0
    assert_array_equal(joined(numbers, fits, [[0] * 30, [1] * 30])[0, 1], numbers[1] == 2)


def test_bad_input_to_grouping_is_refused():
    with pytest.raises(checks.ShapeError, match="numbers and fired must have the same shape"):
        joined(np.zeros((2, 3), int), np.zeros((1, 2, 3)), [[0, 0, 0]], fired=np.ones((2, 4)))
    with pytest.raises(ValueError, match="jump_semitones must be a number at least 0"):
        grouping.contours(periods_of([60.0]), 0.01, jump_semitones=-1.0)
    with pytest.raises(ValueError, match="count must be a whole number at least 1"):
        grouping.streams([], np.zeros((1, 2, 3)), np.zeros((2, 3)), 0)


# The whole.


def test_two_steady_vowels_are_separated(vowels):
    """A checked answer of the reference: two steady vowels of different pitch are separable."""
    mixture = signals.mix(vowels).astype(np.float32)
    estimates = scene.separate(mixture, RATE_HZ)
    assert list(estimates) == ["stream_1", "stream_2", "rest"]
    streams = {name: estimates[name] for name in ("stream_1", "stream_2")}
    for name, estimate in compare.match(streams, vowels).items():
        assert sdr(vowels[name], estimate) > sdr(vowels[name], mixture) + 3
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


@pytest.mark.parametrize("level", [1e-6, 1e3])
def test_the_level_changes_nothing(vowels, level):
    mixture = signals.mix(vowels).astype(np.float32)
    plain = scene.separate(mixture, RATE_HZ)
    for name, estimate in scene.separate((level * mixture).astype(np.float32), RATE_HZ).items():
        assert sdr(plain[name], (estimate / level).astype(np.float32)) > 25


@pytest.mark.slow(0.4)
@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000, 96_000])
def test_adds_up_at_every_rate(rate_hz):
    mono = signals.harmonic_tone(150.0, 1.23, rate_hz) + signals.harmonic_tone(270.0, 1.23, rate_hz)
    mixture = np.concatenate([mono, 0.5 * mono]).astype(np.float32)
    estimates = scene.separate(mixture, rate_hz)
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)
    assert sum(float(np.sum(estimates[name] ** 2)) for name in ("stream_1", "stream_2")) > 0.3 * np.sum(mixture**2)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_frames_and_ties_fit_each_other_at_every_length(rate_hz, more, rng):
    # 123 hops of 10 ms, and a sample less or more, which taken to another rate may be rounded up to whole hops.
    samples = int(np.ceil(1.23 * rate_hz)) + more
    heard = scene.listen(rng.standard_normal((1, samples)), rate_hz, bands=8)
    frames = 1 + int(samples / rate_hz / heard.hop_s + 1e-9)
    assert heard.fired.shape == (8, frames)
    assert heard.upwards.shape == (7, frames)
    assert heard.onwards.shape == (8, frames - 1)
    assert heard.periods_s.shape[1] == heard.fits.shape[2] == frames


@pytest.mark.slow(0.9)
def test_channels_share_a_mask():
    low = signals.pan(vowel(110, AH), 0.0).astype(np.float32)
    same = np.concatenate([vowel(185, EE)] * 2).astype(np.float32)
    for name, estimate in scene.separate(low, RATE_HZ).items():
        # A hard-left source leaves the right channel silent, whatever happens to it.
        assert not estimate[1].any(), name
    for estimate in scene.separate(same, RATE_HZ).values():
        assert_array_equal(estimate[0], estimate[1])
    opposite = scene.separate(same * np.array([[1], [-1]], np.float32), RATE_HZ)
    assert sum(np.sum(opposite[name] ** 2) for name in ("stream_1", "stream_2")) > 0.3 * np.sum(same**2)
    for estimate in opposite.values():
        assert_allclose(estimate[0], -estimate[1], atol=1e-6)


@pytest.mark.parametrize("samples", [1, 2, 50, 401])
@pytest.mark.parametrize("rate_hz", [1_000, 8_000, 44_100, 96_000])
def test_a_few_samples_are_enough(rng, frozen, samples, rate_hz):
    mixture = frozen(rng.uniform(-1, 1, (2, samples)).astype(np.float32))
    estimates = scene.separate(mixture, rate_hz, count=3)
    assert list(estimates) == ["stream_1", "stream_2", "stream_3", "rest"]
    for estimate in estimates.values():
        assert estimate.shape == mixture.shape
        assert np.isfinite(estimate).all()
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


def test_a_constant_is_no_sound_and_breaks_nothing():
    mixture = np.ones((2, 20_000), np.float32)
    estimates = scene.separate(mixture, 44_100)
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


def test_more_streams_than_there_are_stay_nearly_silent():
    mixture = signals.harmonic_tone(150.0, 1.0, RATE_HZ, harmonics=5).astype(np.float32)
    estimates = scene.separate(mixture, RATE_HZ, count=5)
    assert np.sum(estimates["stream_1"] ** 2) > 0.7 * np.sum(mixture**2)
    for number in (3, 4, 5):
        assert np.sum(estimates[f"stream_{number}"] ** 2) < 0.02 * np.sum(mixture**2)


def test_noise_stays_with_the_rest():
    tone = vowel(150, AH)
    hiss = signals.noise(1.0, RATE_HZ, rng=np.random.default_rng(1), amplitude=0.4)
    estimates = scene.separate((tone + hiss).astype(np.float32), RATE_HZ, count=1)
    assert sdr(tone, estimates["stream_1"]) > sdr(tone, tone + hiss) + 3


@pytest.mark.slow(0.9)
def test_pieces_are_heard_as_one(monkeypatch, rng):
    rate_hz = 8_000
    times_s = np.arange(5 * rate_hz) / rate_hz
    phase = 2 * np.pi * np.cumsum(150 + 30 * np.sin(2 * np.pi * 0.4 * times_s)) / rate_hz
    mixture = sum(np.sin(h * phase) / h for h in range(1, 9))[np.newaxis] + 0.01 * rng.standard_normal((1, 5 * rate_hz))
    whole = scene.listen(mixture, rate_hz)
    monkeypatch.setattr(scene, "LISTEN_S", 2)
    pieces = scene.listen(mixture, rate_hz)
    assert whole.fired.shape == (64, 501)
    assert whole.onwards.shape == (64, 500)
    assert_allclose(pieces.fired, whole.fired, rtol=1e-2)
    assert_allclose(pieces.onwards, whole.onwards, atol=0.02)
    assert_allclose(pieces.upwards, whole.upwards, atol=0.02)
    assert np.nanmedian(np.abs(pieces.periods_s[0] / whole.periods_s[0] - 1)) < 1e-4


@pytest.mark.slow(1.1)
def test_streams_keep_their_names_from_piece_to_piece(monkeypatch):
    rate_hz = 8_000
    low, high = (signals.harmonic_tone(hz, 7.0, rate_hz, harmonics=5) for hz in (130.0, 410.0))
    mixture = (low + high).astype(np.float32)
    monkeypatch.setattr(scene, "LISTEN_S", 2)
    monkeypatch.setattr(scene, "SOUND_S", 2.5)
    estimates = scene.separate(mixture, rate_hz)
    sources = {"low": low, "high": high}
    streams = {name: estimates[name] for name in ("stream_1", "stream_2")}
    for name, estimate in compare.match(streams, sources).items():
        for start in range(0, 7):
            own = slice(start * rate_hz, (start + 1) * rate_hz)
            assert sdr(sources[name][:, own], estimate[:, own]) > sdr(sources[name][:, own], mixture[:, own]) + 2.5


@pytest.mark.slow(1.1)
def test_sound_is_made_of_the_mask_of_its_own_time(monkeypatch):
    rate_hz = 8_000
    # What is heard changes all the time: a low tone and a high one by turns, over one that stays.
    by_turns = np.concatenate([signals.harmonic_tone(hz, 0.5, rate_hz) for hz in (130.0, 430.0) * 5], axis=1)
    mixture = (by_turns + signals.noise(5.0, rate_hz, rng=np.random.default_rng(2), amplitude=0.05)).astype(np.float32)
    whole = scene.separate(mixture, rate_hz)
    monkeypatch.setattr(scene, "SOUND_S", 2.0)
    for name, estimate in scene.separate(mixture, rate_hz).items():
        assert sdr(whole[name], estimate) > 20, name


@pytest.mark.slow(3)
def test_memory_does_not_grow_with_the_length():
    rate_hz, tone = 8_000, signals.harmonic_tone(150.0, 1.0, 8_000)

    def working(seconds):
        mixture = np.tile(tone, seconds).astype(np.float32)
        tracemalloc.start()
        scene.separate(mixture, rate_hz, bands=16)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # The estimates, their sum and the mixture itself are as long as the recording.
        return peak - 6 * mixture.nbytes

    assert working(60) < 1.3 * working(20)


def test_the_score_is_not_looked_at(vowels):
    mixture = signals.mix(vowels).astype(np.float32)
    with_score = scene.separate(mixture[:, :4_000], RATE_HZ, object())
    for name, estimate in scene.separate(mixture[:, :4_000], RATE_HZ).items():
        assert_array_equal(with_score[name], estimate)


@pytest.mark.parametrize(
    "options, wanted",
    [
        ({"count": 0}, "count must be a whole number at least 1"),
        ({"bands": 0}, "bands must be a whole number at least 1"),
        ({"highest_hz": 9_000.0}, "highest_hz must be a number above 0 and at most 8000"),
        ({"lowest_hz": 6_000.0}, "highest_hz must be a number above 6000"),
        ({"agrees": -0.1}, "agrees must be a number at least 0"),
        ({"near_peak": 0.0}, "near_peak must be a number at least"),
        ({"tied": 2.0}, "tied must be a number at least 0 and at most 1"),
        ({"together_s": -1.0}, "together_s must be a number at least 0"),
        ({"jump_semitones": -1.0}, "jump_semitones must be a number at least 0"),
    ],
)
def test_options_out_of_range_are_refused(options, wanted):
    with pytest.raises(ValueError, match=wanted):
        scene.separate(np.ones((1, 1_000), np.float32), RATE_HZ, **options)
    assert correlograms.EXPONENT == 0.3
