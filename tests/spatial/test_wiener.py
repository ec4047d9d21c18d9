"""The multichannel Wiener filter: against plain linear algebra, where sources are known, and where nothing is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import masks
from mss_lab.spatial import wiener


def problem(rng, sources=3, channels=2, bins=5, frames=7):
    draws = rng.standard_normal((2, sources, bins, channels, channels))
    factors = draws[0] + 1j * draws[1]
    covariances = factors @ factors.conj().swapaxes(-1, -2)
    parts = rng.standard_normal((2, channels, bins, frames))
    return parts[0] + 1j * parts[1], rng.random((sources, bins, frames)), covariances


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("sources", [1, 2, 5])
def test_it_is_the_filter_that_linear_algebra_gives(rng, channels, sources, frozen):
    x, v, R = frozen(*problem(rng, sources, channels))
    y = wiener.filtered(x, v, R)
    for f in range(x.shape[1]):
        for n in range(x.shape[2]):
            total = np.einsum("j,jcd->cd", v[:, f, n], R[:, f])
            for j in range(sources):
                wanted = v[j, f, n] * R[j, f] @ np.linalg.solve(total, x[:, f, n])
                assert_allclose(y[j, :, f, n], wanted, atol=2e-6 * np.abs(x).max())
    assert_allclose(y.sum(axis=0), x, rtol=1e-13)


def test_one_channel_is_the_wiener_filter_of_powers(rng):
    x, v, _ = problem(rng, channels=1)
    y = wiener.filtered(x, v, np.ones((3, 5, 1, 1)))
    assert_allclose(y, masks.apply(masks.wiener(v[:, np.newaxis], exponent=1), x), atol=1e-7)


def test_two_directions_are_told_apart_whatever_their_powers(rng):
    angles = np.array([0.3, 1.2])
    gains = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    parts = rng.standard_normal((2, 2, 1, 6, 8))
    images = gains[:, :, np.newaxis, np.newaxis] * (parts[0] + 1j * parts[1])
    R = np.broadcast_to(gains[:, np.newaxis, :, np.newaxis] * gains[:, np.newaxis, np.newaxis], (2, 6, 2, 2))
    assert_allclose(wiener.filtered(images.sum(axis=0), rng.uniform(0.1, 1, (2, 6, 8)), R), images, atol=1e-5)


@pytest.mark.parametrize("precision", [np.complex64, np.complex128])
def test_sources_in_one_direction_share_by_power_and_add_up(rng, precision):
    x, v, _ = problem(rng)
    x = np.stack([x[0], x[0]]).astype(precision)
    y = wiener.filtered(x, v, np.ones((3, 5, 2, 2)))
    assert y.dtype == precision
    assert_allclose(y, (v / v.sum(axis=0))[:, np.newaxis] * x, atol=1e-6)
    assert_allclose(y.sum(axis=0), x, atol=1e-6)


def test_where_no_source_has_power_all_share_equally(rng):
    x, v, R = problem(rng)
    v[:, 2] = 0
    R[:, 3] = 0
    y = wiener.filtered(x, v, R)
    assert_allclose(y[:, :, 2:4], np.broadcast_to(x[:, 2:4] / 3, (3, 2, 2, 7)), rtol=1e-12)
    assert not wiener.filtered(0 * x, v, R).any()


@pytest.mark.parametrize("level", [1e-30, 1e-6, 1e6, 1e30])
def test_the_scale_of_the_powers_changes_nothing(rng, level):
    x, v, R = problem(rng)
    assert_allclose(wiener.filtered(x, level * v, R), wiener.filtered(x, v, R), rtol=1e-9)
    assert_allclose(wiener.filtered(x, v, level * R), wiener.filtered(x, v, R), rtol=1e-9)


def test_blocks_change_nothing(rng, monkeypatch):
    x, v, R = problem(rng, bins=11)
    whole = wiener.filtered(x, v, R)
    monkeypatch.setattr(wiener, "BLOCK_BINS", 15)
    assert_array_equal(wiener.filtered(x, v, R), whole)


def test_covariances_are_scaled_to_their_trace(rng):
    R = problem(rng)[2]
    R[1] = 0
    found = wiener.normalised(R)
    assert_allclose(np.trace(found, axis1=-2, axis2=-1), 2)
    assert_array_equal(found[1], np.broadcast_to(np.eye(2), (5, 2, 2)))
    assert_allclose(found[0] * np.trace(R[0], axis1=-2, axis2=-1)[:, np.newaxis, np.newaxis] / 2, R[0])


def test_what_does_not_fit_is_refused(rng):
    x, v, R = problem(rng)
    for arguments, words in (
        ((x[0], v, R), "mixture_stft must be"),
        ((x, v[:, 1:], R), "do not fit mixture_stft"),
        ((x, v, R[..., :1]), "do not fit mixture_stft"),
        ((x, v[:0], R[:0]), "holds no source"),
        ((x, -v, R), "magnitudes of 0 or more"),
        ((np.full(x.shape, np.nan + 0j), v, R), "must be finite"),
        ((x, v, np.full(R.shape, np.inf)), "must be finite"),
    ):
        with pytest.raises(ValueError, match=words):
            wiener.filtered(*arguments)
