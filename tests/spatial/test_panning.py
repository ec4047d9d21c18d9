"""Where bins come from: angles, histogram, peaks and windows against sources that were put at known angles."""

import itertools
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, signals, transforms
from mss_lab.datasets import pieces
from mss_lab.metrics import energy
from mss_lab.spatial import panning
from mss_lab.spatial.panning import PanWarning

RATE = 16_000
SETTINGS = transforms.settings_for(RATE)
SIDES = (0.0, 0.2, 0.5, np.pi / 4, 1.0, 1.4, np.pi / 2)


def noise(rng, duration_s=1.0):
    return signals.noise(duration_s, RATE, rng=rng)


def tones(duration_s=1.0):
    """Three harmonic tones whose partials keep apart, at 0.25, the centre and 1.3."""
    pans = {"low": 0.25, "mid": np.pi / 4, "high": 1.3}
    pitches = {"low": 220.0, "mid": 311.0, "high": 397.0}
    sources = {
        name: signals.pan(signals.harmonic_tone(pitches[name], duration_s, RATE, harmonics=4, amplitude=0.3), pan)
        for name, pan in pans.items()
    }
    return pans, sources, signals.mix(sources)


# Angles.


@pytest.mark.parametrize("pan", SIDES)
def test_a_source_alone_comes_from_where_it_was_put(rng, pan):
    stft = transforms.stft(signals.pan(noise(rng), pan), **SETTINGS)
    angles = panning.angles_rad(stft)
    assert_allclose(angles[np.abs(stft).sum(axis=0) > 1e-9], pan, atol=1e-6)
    assert angles.shape == stft.shape[1:]


@pytest.mark.parametrize("pan", SIDES)
def test_panning_keeps_the_energy_checked_in_methods(rng, pan):
    # cos^2 + sin^2 = 1, to 1e-12.
    mono = noise(rng)
    assert_allclose(np.sum(signals.pan(mono, pan) ** 2), np.sum(mono**2), rtol=1e-12)


def test_silent_bins_are_in_the_centre_and_types_are_kept(frozen):
    stft = np.zeros((2, 3, 4), np.complex64)
    stft[1, 0] = 1j
    angles = panning.angles_rad(frozen(stft))
    assert angles.dtype == np.float32
    assert_allclose(angles[0], np.pi / 2)
    assert_allclose(angles[1:], np.pi / 4)
    assert panning.angles_rad(stft.astype(np.complex128)).dtype == np.float64


@pytest.mark.parametrize(
    ("stft", "error", "words"),
    [
        (np.zeros((1, 3, 4), complex), checks.ShapeError, "must have 2 channels"),
        (np.zeros((3, 4), complex), checks.ShapeError, r"must be \(channels, freq, frames\)"),
        (np.zeros((2, 3, 4)), TypeError, "must be complex"),
    ],
)
def test_what_is_no_stereo_transform_is_refused(stft, error, words):
    for function in (panning.angles_rad, panning.histogram, lambda x: panning.window_mask(x, (0, 1))):
        with pytest.raises(error, match=words):
            function(stft)


# Histogram.


def test_the_histogram_is_one_sum_for_each_bin(rng):
    stft = (rng.standard_normal((2, 9, 7)) + 1j * rng.standard_normal((2, 9, 7))).astype(np.complex64)
    centres, energy_found = panning.histogram(stft, bins=16, smooth_rad=0)
    counted = np.zeros(16)
    for f in range(9):
        for n in range(7):
            left, right = (abs(complex(x)) for x in stft[:, f, n])
            counted[int(np.arctan2(right, left) / (np.pi / 2) * 16)] += left**2 + right**2
    assert_allclose(energy_found, counted, rtol=1e-6)
    assert_allclose(centres, (np.arange(16) + 0.5) * np.pi / 32)


@pytest.mark.parametrize("smooth_rad", [0, 0.01, 0.1])
@pytest.mark.parametrize("pan", SIDES)
def test_no_energy_is_lost_by_smoothing_also_not_at_the_sides(rng, smooth_rad, pan):
    stft = transforms.stft(signals.pan(noise(rng), pan), **SETTINGS)
    centres, energy_found = panning.histogram(stft, smooth_rad=smooth_rad)
    assert len(centres) == 256
    assert_allclose(energy_found.sum(), np.sum(np.abs(stft) ** 2), rtol=1e-9)
    assert (energy_found >= 0).all()


def test_angles_that_are_known_are_not_looked_for_again(rng):
    stft = transforms.stft(signals.pan(noise(rng), 0.5), **SETTINGS)
    angles = panning.angles_rad(stft)
    assert_array_equal(panning.histogram(stft)[1], panning.histogram(stft, angles=angles)[1])
    assert panning.histogram(stft, smooth_rad=0, angles=np.zeros_like(angles))[1][1:].sum() == 0
    for function in (panning.histogram, lambda x, angles: panning.window_mask(x, (0, 1), angles=angles)):
        with pytest.raises(checks.ShapeError, match="angles must be"):
            function(stft, angles=angles[1:])


def test_a_long_recording_has_the_histogram_of_its_parts(rng, monkeypatch):
    mixture = tones(2.0)[2]
    whole = panning.histogram(transforms.stft(mixture, **SETTINGS))[1]
    assert_allclose(panning.histogram_of(mixture, RATE)[1], whole, rtol=1e-9)
    monkeypatch.setattr(panning, "BLOCK_S", 0.5)
    in_parts = panning.histogram_of(mixture, RATE)[1]
    assert not np.array_equal(in_parts, whole)
    assert_allclose(panning.peaks(panning.centres_of(256), in_parts, 3), [0.25, np.pi / 4, 1.3], atol=0.01)
    one_by_one = np.concatenate([signals.pan(noise(rng), pan) for pan in (0.3, 1.2, 0.8)], axis=1)
    assert_allclose(list(panning.named(None, None, one_by_one, RATE).values()), [0.3, 0.8, 1.2], atol=0.01)


def test_very_quiet_music_has_the_same_histogram(rng):
    stft = transforms.stft(tones()[2], **SETTINGS).astype(np.complex64)
    loud, quiet = (panning.histogram(level * stft)[1] for level in (np.float32(1), np.float32(1e-25)))
    assert_allclose(quiet / quiet.sum(), loud / loud.sum(), atol=1e-6)


# Peaks.


@pytest.mark.parametrize("pan", SIDES)
def test_the_peak_of_one_source_is_its_angle(rng, pan):
    found = panning.peaks(*panning.histogram(transforms.stft(signals.pan(noise(rng), pan), **SETTINGS)))
    # Half a bin of 256.
    assert_allclose(found, [pan], atol=np.pi / 1024 + 1e-9)


@pytest.mark.parametrize("pan", [0.0, np.pi / 2])
def test_a_source_on_one_side_lies_at_the_very_end(rng, pan):
    found = panning.peaks(*panning.histogram(transforms.stft(signals.pan(noise(rng), pan), **SETTINGS)))
    assert_allclose(found, [pan], atol=1e-9)


def test_a_parabola_finds_the_top_between_two_bins():
    centres = panning.centres_of(100)
    for top in (0.5003, 0.5055, 0.511):
        found = panning.peaks(centres, np.maximum(0, 1 - ((centres - top) / 0.1) ** 2))
        assert_allclose(found, [top], atol=1e-6)


@pytest.mark.slow(0.8)
def test_the_band_has_the_four_peaks_that_it_was_panned_to():
    piece = pieces.load("band")
    found = panning.named(None, None, piece.mixture, piece.sample_rate_hz)
    assert tuple(found) == ("pan_20", "pan_45", "pan_52", "pan_75")
    assert_allclose(list(found.values()), sorted(piece.pans_rad.values()), atol=0.005)
    assert tuple(panning.named(None, 2, piece.mixture, piece.sample_rate_hz)) == ("pan_20", "pan_52")


def test_peaks_keep_their_distance_and_the_highest_are_taken():
    centres = panning.centres_of(100)
    energy_found = np.zeros(100)
    energy_found[[10, 12, 50, 80]] = [3.0, 4.0, 1.0, 0.1]
    assert_allclose(panning.peaks(centres, energy_found), centres[[12, 50]])
    assert_allclose(panning.peaks(centres, energy_found, min_distance_rad=0.01), centres[[10, 12, 50]])
    assert_allclose(panning.peaks(centres, energy_found, least_prominence=0.01), centres[[12, 50, 80]])
    assert_allclose(panning.peaks(centres, energy_found, 1), centres[[12]])
    assert_allclose(panning.peaks(centres, energy_found, 9), centres[[12, 50, 80]])


def test_silence_has_no_peak_and_bad_histograms_are_refused():
    centres = panning.centres_of(8)
    assert panning.peaks(centres, np.zeros(8)).shape == (0,)
    for arguments, words in (
        ((centres, -np.ones(8)), "0 or more"),
        ((centres[1:], np.ones(8)), "must have the same shape"),
        ((centres, np.ones(8), 0), "count must be a whole number at least 1"),
        ((centres, np.ones(8), 1, -1.0), "min_distance_rad must be"),
        ((centres, np.ones(8), None, 0.1, 2.0), "least_prominence must be"),
        ((centres, [np.nan] * 8), "must be finite"),
    ):
        with pytest.raises(ValueError, match=words):
            panning.peaks(*arguments)


# Names.


def test_names_are_degrees_and_all_different():
    assert panning.labels([0.0, 0.349, 0.35, 0.351, np.pi / 2]) == ("pan_0", "pan_20", "pan_20_2", "pan_20_3", "pan_90")
    assert panning.labels([0.349, 0.0349]) == ("pan_20", "pan_2")
    assert panning.labels([0.0349, 0.349]) == ("pan_2", "pan_20")


def test_directions_that_are_given_are_used_as_they_are(frozen):
    mixture = frozen(tones()[2])
    given = {"b": 1.2, "a": 0, "c": np.pi / 2, "d": 1.2}
    found = panning.named(given, None, mixture, RATE)
    assert list(found.items()) == list(given.items())
    assert found is not given
    assert panning.named(given, 4, mixture, RATE) == given


def test_peaks_are_found_named_and_counted():
    pans, _, mixture = tones()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = panning.named(None, 3, mixture, RATE)
    assert_allclose(list(found.values()), sorted(pans.values()), atol=0.01)
    assert tuple(found) == ("pan_14", "pan_45", "pan_74") == tuple(panning.named(None, None, mixture, RATE))


def test_more_sources_than_peaks_are_warned_of():
    mono = signals.pan(signals.tone(440.0, 0.5, RATE), np.pi / 4)
    with pytest.warns(PanWarning, match=r"5 sources were requested, but the panning histogram has only 1 peak"):
        assert tuple(panning.named(None, 5, mono, RATE)) == ("pan_45",)
    with pytest.warns(PanWarning, match="no peak"):
        assert panning.named(None, 2, 0 * mono, RATE) == {"pan_45": np.pi / 4}
    assert panning.named(None, None, 0 * mono, RATE) == {"pan_45": np.pi / 4}


@pytest.mark.parametrize(
    ("pans", "count", "error", "words"),
    [
        ([0.1, 0.2], None, TypeError, "must map source names to angles"),
        ({}, None, ValueError, "at least one source"),
        ({1: 0.2}, None, TypeError, r"names \(text\) as keys"),
        ({"bass": 45}, None, ValueError, r"pans_rad\['bass'\] must be .*np\.radians"),
        ({"bass": -0.1}, None, ValueError, "at least 0"),
        ({"bass": None}, None, TypeError, "must be a number"),
        ({"bass": 0.1}, 2, ValueError, "count must be the number of angles in pans_rad, 1, got 2"),
        (None, 0, ValueError, "count must be a whole number at least 1"),
        (None, 2.5, ValueError, "count must be a whole number"),
    ],
)
def test_directions_that_are_none_are_refused(pans, count, error, words):
    with pytest.raises(error, match=words):
        panning.named(pans, count, np.zeros((2, 100), np.float32), RATE)


# Windows.


def test_windows_side_by_side_part_the_mixture(rng, frozen):
    mixture = frozen(rng.uniform(-1, 1, (2, 5_000)))
    stft = frozen(transforms.stft(mixture, **SETTINGS))
    edges = np.sort([0, 0.2, float(panning.angles_rad(stft)[3, 3]), np.pi / 2])
    windows = list(itertools.pairwise(edges))
    assert_array_equal(np.sum([panning.window_mask(stft, window) for window in windows], axis=0), 1)
    parts = [panning.keep(mixture, stft, window, **SETTINGS)[0] for window in windows]
    assert_allclose(sum(parts), mixture, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_kept_and_the_rest_are_the_mixture(dtype, frozen):
    _, sources, mixture = tones()
    mixture = frozen(mixture.astype(dtype))
    stft = transforms.stft(mixture, **SETTINGS)
    inside, rest = panning.keep(mixture, stft, (0.1, 0.4), angles=panning.angles_rad(stft), **SETTINGS)
    assert inside.dtype == rest.dtype == dtype
    assert_allclose(inside + rest, mixture, atol=1e-6)
    # Measured: 24.2 and 27.2 dB; what is missing is heard where the tones begin and end.
    assert energy.sdr(sources["low"], inside) > 20
    assert energy.sdr(sources["mid"] + sources["high"], rest) > 20


def test_the_whole_window_keeps_all_and_the_empty_one_nothing():
    mixture = tones()[2].astype(np.float32)
    mixture[0] = 0
    stft = transforms.stft(mixture, **SETTINGS)
    assert_allclose(panning.keep(mixture, stft, (0, np.pi / 2), **SETTINGS)[1], 0, atol=1e-6)
    # All of it lies on the right: at the end that belongs to the window.
    assert_allclose(panning.keep(mixture, stft, (1.5, np.pi / 2), **SETTINGS)[1], 0, atol=1e-6)
    assert_allclose(panning.keep(mixture, stft, (0.3, 0.3), **SETTINGS)[0], 0)


@pytest.mark.parametrize(
    ("window", "error", "words"),
    [
        ((0.5, 0.4), ValueError, r"upper angle must be a number at least 0\.5"),
        ((-0.1, 0.4), ValueError, "lower angle must be a number at least 0"),
        ((0, 90), ValueError, "upper angle must be"),
        (0.4, TypeError, r"must be two angles \(low, high\)"),
        ((0, 0.1, 0.2), TypeError, r"must be two angles \(low, high\)"),
    ],
)
def test_windows_that_are_none_are_refused(window, error, words):
    with pytest.raises(error, match=words):
        panning.window_mask(np.zeros((2, 3, 4), complex), window)


@pytest.mark.parametrize("samples", [1, 2, 700])
def test_one_sample_is_enough(rng, samples):
    mixture = rng.uniform(-1, 1, (2, samples)).astype(np.float32)
    stft = transforms.stft(mixture, **SETTINGS)
    inside, rest = panning.keep(mixture, stft, (0, 0.5), **SETTINGS)
    assert_allclose(inside + rest, mixture, atol=1e-6)
    assert all(0 <= angle <= np.pi / 2 for angle in panning.named(None, None, mixture, RATE).values())
