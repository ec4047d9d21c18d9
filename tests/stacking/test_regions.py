"""Weights of regions: what a region is, laws of the fit, and members that are good in different places."""

import numpy as np
import pytest

from mss_lab import signals, transforms
from mss_lab.metrics import energy
from mss_lab.stacking import regions, weights
from tests.measures import refusal

RATE_HZ = 8000
SMALL = regions.Regions(band_edges_hz=(500.0, 1500.0), ratio_edges_db=(-12.0, -3.0), window_s=0.064)


def band(rng, low_hz, high_hz, samples, channels=1):
    spectrum = np.fft.rfft(rng.standard_normal((channels, samples)))
    hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    return np.fft.irfft(np.where((hz >= low_hz) & (hz < high_hz), spectrum, 0), samples)


def problem(rng, samples=6000, channels=1):
    """Two members: one errs at low frequencies, the other at high ones."""
    source = signals.chirp(100, 3500, samples / RATE_HZ, RATE_HZ) + band(rng, 0, 4000, samples, channels) * 0.2
    other = band(rng, 0, 4000, samples, channels)
    errors = np.stack([band(rng, 0, 800, samples, channels), band(rng, 800, 4000, samples, channels)])
    return source, source + 0.5 * errors, source + other


def test_labels_are_the_definition(rng):
    mixture, *estimates = (rng.standard_normal((2, 129, 5)) + 1j * rng.standard_normal((2, 129, 5)) for _ in range(4))
    computed = regions.labels(mixture, np.stack(estimates), RATE_HZ, SMALL)
    ratio_db = 20 * np.log10(np.abs(np.mean(estimates, axis=0)) / np.abs(mixture))
    hz = np.arange(129) * RATE_HZ / 256
    for channel, row, frame in np.ndindex(2, 129, 5):
        level = sum(ratio_db[channel, row, frame] > edge for edge in SMALL.ratio_edges_db)
        expected = sum(hz[row] >= edge for edge in SMALL.band_edges_hz) * 3 + level
        assert computed[channel, row, frame] == expected
    assert SMALL.shape == (3, 3)


def test_silent_bins_belong_to_the_lowest_range(rng):
    silent = np.zeros((1, 129, 2), complex)
    assert set(np.unique(regions.labels(silent, silent[np.newaxis], RATE_HZ, SMALL))) == {0, 3, 6}
    assert set(np.unique(regions.labels(silent, silent[np.newaxis] + 1, RATE_HZ, SMALL))) == {2, 5, 8}


def test_products_of_all_regions_are_those_of_the_transforms(rng):
    source, estimates, mixture = problem(rng, channels=2)
    of_regions = regions.products(source, estimates, mixture, RATE_HZ, SMALL)
    settings = transforms.settings_for(RATE_HZ, SMALL.window_s)
    stfts = [transforms.stft(waveform, **settings).ravel() for waveform in estimates]
    expected = [[np.vdot(one, other).real for other in stfts] for one in stfts]
    assert of_regions.members.shape == (3, 3, 2, 2) and np.allclose(of_regions.total().members, expected)


@pytest.mark.parametrize("constraint", weights.CONSTRAINTS)
def test_more_regions_are_never_worse_on_their_own_data(rng, constraint):
    source, estimates, mixture = problem(rng)
    of_regions = regions.products(source, estimates, mixture, RATE_HZ, SMALL)
    one = weights.fit(of_regions.total(), constraint=constraint)
    many = weights.fit(of_regions, constraint=constraint)
    assert many.shape == (3, 3, 2) and (many >= 0).all()
    error_of_one, error_of_many = of_regions.error(one).sum(), of_regions.error(many).sum()
    assert error_of_many <= error_of_one * (1 + 1e-8)
    members = [of_regions.error(member).sum() for member in np.eye(2)]
    assert error_of_one <= min(members) * (1 + 1e-8)


def test_members_that_err_in_different_bands_are_each_believed_where_they_are_right(rng):
    training, test = problem(rng), problem(rng)
    of_regions = regions.products(*training, RATE_HZ, SMALL)
    fitted = weights.fit(of_regions, constraint="average", prior=0.01)
    # The loudest range of the lowest band and of the highest.
    assert fitted[0, -1, 1] > 0.9 and fitted[-1, -1, 0] > 0.9
    source, estimates, mixture = test
    stacked = weights.combine(estimates, weights.fit(of_regions.total(), constraint="average"))
    by_region = regions.combine(estimates, fitted, mixture, RATE_HZ, SMALL)
    best = max(energy.sdr(source, estimate) for estimate in estimates)
    assert energy.sdr(source, stacked) > best + 0.5
    assert energy.sdr(source, by_region) > energy.sdr(source, stacked) + 3


@pytest.mark.parametrize("channels, samples", [(1, 1), (1, 2000), (2, 2000)])
def test_equal_weights_everywhere_are_one_weight(rng, frozen, channels, samples):
    estimates, mixture = frozen(rng.standard_normal((3, channels, samples)), rng.standard_normal((channels, samples)))
    everywhere = np.broadcast_to(weights.REPORT_WEIGHTS, (3, 3, 3))
    combined = regions.combine(estimates, everywhere, mixture, RATE_HZ, SMALL)
    assert np.allclose(combined, weights.combine(estimates, np.array(weights.REPORT_WEIGHTS)), atol=1e-10)


def test_a_region_without_data_has_the_weights_of_all_and_a_prior_moves_towards_them(rng):
    source, estimates, mixture = problem(rng)
    of_regions = regions.products(source, estimates, mixture, RATE_HZ, SMALL)
    empty = weights.Products(of_regions.members.copy(), of_regions.source.copy(), of_regions.energy.copy())
    for values in (empty.members, empty.source, empty.energy):
        values[1, 1] = 0
    assert np.allclose(weights.fit(empty)[1, 1], weights.fit(empty.total()))
    one = weights.fit(of_regions.total())
    distances = [np.abs(weights.fit(of_regions, prior=prior) - one).max() for prior in (0, 0.5, 0.999)]
    assert distances[0] > distances[1] > distances[2]


def test_silence_passes():
    silence = np.zeros((1, 3000))
    of_regions = regions.products(silence, np.zeros((2, 1, 3000)), silence, RATE_HZ, SMALL)
    fitted = weights.fit(of_regions)
    assert not regions.combine(np.zeros((2, 1, 3000)), fitted, silence, RATE_HZ, SMALL).any()


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: regions.Regions(band_edges_hz=(500.0, 500.0)), "band_edges_hz must rise"),
        (lambda: regions.Regions(band_edges_hz=(-1.0,)), "at least"),
        (lambda: regions.Regions(window_s=0), "window_s"),
        (
            lambda: regions.combine(np.ones((2, 1, 9)), np.ones((3, 3, 3)), np.ones((1, 9)), RATE_HZ, SMALL),
            "same regions",
        ),
        (
            lambda: regions.combine(np.ones((2, 1, 9)), np.ones((3, 3, 2)), np.ones((1, 8)), RATE_HZ, SMALL),
            "same shape",
        ),
        (
            lambda: regions.products(np.ones((1, 9)), np.ones((0, 1, 9)), np.ones((1, 9)), RATE_HZ, SMALL),
            "at least one member",
        ),
    ],
)
def test_bad_input_is_refused(call, words):
    assert words in refusal(call)
