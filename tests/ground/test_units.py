"""Units: known values, round trips, and refusals."""

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose

from mss_lab import units


def test_pitches_equal_librosas():
    midi = np.linspace(0, 127, 255)
    assert_allclose(units.midi_to_hz(midi), librosa.midi_to_hz(midi), rtol=1e-12)
    assert_allclose(units.hz_to_midi(librosa.midi_to_hz(midi)), midi, atol=1e-10)


def test_known_pitches():
    assert units.midi_to_hz(69) == 440.0
    assert units.midi_to_hz(57, tuning_hz=442.0) == 221.0
    assert units.hz_to_midi(880.0) == 81.0
    assert units.hz_to_midi(442.0, tuning_hz=442.0) == 69.0
    assert units.hz_to_midi(0.0) == -np.inf
    assert units.cents_to_ratio(1200) == 2.0
    assert_allclose(units.cents_to_ratio(100) ** 12, 2.0)
    assert units.ratio_to_cents(0.5) == -1200.0
    assert units.ratio_to_cents(0.0) == -np.inf


@pytest.mark.parametrize(
    "midi, name",
    [(60, "C4"), (69, "A4"), (0, "C-1"), (127, "G9"), (61, "C#4"), (60.7, "C#4"), (60.3, "C4"), (59.5, "C4")],
)
def test_names_of_pitches(midi, name):
    assert units.midi_to_name(midi) == name


def test_quarter_tones_all_go_up():
    assert [units.nearest_pitch(midi) for midi in (60.5, 61.5, 62.49, 127.0)] == [61, 62, 62, 127]


def test_levels_in_decibels():
    assert units.amplitude_to_db(10.0) == 20.0
    assert units.power_to_db(10.0) == 10.0
    assert units.amplitude_to_db(0.0) == -np.inf
    assert units.power_to_db(0.0) == -np.inf
    assert_allclose(units.amplitude_to_db([0.0, 1e-9, 1.0], floor_db=-80), [-80, -80, 0])
    assert_allclose(units.power_to_db([0.0, 1e-9, 1.0], floor_db=-80), [-80, -80, 0])
    assert_allclose(units.db_to_amplitude([0, -20, 6]), [1, 0.1, 1.9953], rtol=1e-4)
    assert_allclose(units.db_to_amplitude(units.amplitude_to_db([0.5, 0.0])), [0.5, 0])


def test_times_samples_and_frames():
    assert units.seconds_to_samples(0.5, 44100) == 22050
    assert units.seconds_to_samples(1 / 3, 44100) == 14700
    assert units.seconds_to_samples([0.0, 1.6e-5], 44100).tolist() == [0, 1]
    assert units.samples_to_seconds(22050, 44100) == 0.5
    assert units.frames_to_seconds(100, 441, 44100) == 1.0
    assert units.seconds_to_frames(1.0, 441, 44100) == 100.0
    assert units.seconds_to_frames(0.015, 441, 44100) == 1.5


def test_bins_and_frequencies():
    assert units.bins_to_hz(1, 4096, 44100) == 44100 / 4096
    assert units.bins_to_hz(500, 1000, 44100) == 22050.0
    assert units.hz_to_bins(22050, 4096, 44100) == 2048.0
    assert_allclose(units.hz_to_bins(units.bins_to_hz(np.arange(2049), 4096, 44100), 4096, 44100), np.arange(2049))


def test_a_number_gives_a_number_and_an_array_an_array(rng, frozen):
    values = frozen(rng.uniform(1, 100, 5))
    for function in (units.midi_to_hz, units.hz_to_midi, units.cents_to_ratio, units.ratio_to_cents,
                     units.amplitude_to_db, units.db_to_amplitude, units.power_to_db):  # fmt: skip
        whole = function(values)
        assert whole.shape == (5,)
        assert np.isscalar(function(values[0])) and function(values[0]) == whole[0]


@pytest.mark.parametrize(
    "call, parts",
    [
        (lambda: units.samples_to_seconds(5, 0), ("sample_rate_hz", "above 0", "got 0")),
        (lambda: units.seconds_to_samples(5, -1), ("sample_rate_hz", "above 0", "got -1")),
        (lambda: units.seconds_to_samples(np.nan, 44100), ("time_s", "finite", "1 NaN")),
        (lambda: units.seconds_to_frames(5, 0, 44100), ("hop_samples", "above 0", "got 0")),
        (lambda: units.frames_to_seconds(5, 1, 0), ("sample_rate_hz", "above 0", "got 0")),
        (lambda: units.bins_to_hz(5, 0, 44100), ("window_samples", "above 0", "got 0")),
        (lambda: units.hz_to_bins(5, 4096, 0), ("sample_rate_hz", "above 0", "got 0")),
        (lambda: units.midi_to_hz(60, tuning_hz=0), ("tuning_hz", "above 0", "got 0")),
        (lambda: units.hz_to_midi(-1.0), ("frequency_hz", "0 or more", "got -1", "np.abs")),
        (lambda: units.ratio_to_cents([1, -2]), ("ratio", "0 or more", "got -2", "np.abs")),
        (lambda: units.amplitude_to_db(-0.5), ("amplitude", "0 or more", "got -0.5", "np.abs")),
        (lambda: units.power_to_db(-0.5), ("power", "0 or more", "got -0.5", "np.abs")),
        (lambda: units.midi_to_name(np.nan), ("midi", "a number", "nan")),
    ],
)
def test_values_without_meaning_are_refused(call, parts):
    with pytest.raises(ValueError) as refusal:
        call()
    for part in parts:
        assert part in str(refusal.value)


def test_complex_amplitudes_are_refused():
    with pytest.raises(TypeError, match=r"amplitude must be real, got complex values; take np\.abs first"):
        units.amplitude_to_db(1 + 1j)
