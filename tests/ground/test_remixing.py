"""Remixing and upmixing: the laws of gains and positions, known values, and what is refused."""

import math

import numpy as np
import pytest

from mss_lab import remixing, signals
from tests.measures import refusal


def stems(rng, channels=2, samples=300, dtype=np.float64):
    return {name: rng.uniform(-0.2, 0.2, (channels, samples)).astype(dtype) for name in ("violin", "viola", "cello")}


# Gains


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels, samples", [(1, 1), (2, 300)])
def test_0_db_is_the_mixture_and_a_removed_source_is_silent(rng, channels, samples, dtype):
    sources = stems(rng, channels, samples, dtype)
    mixture = signals.mix(sources)
    result = remixing.remix(sources, {})
    assert result.mixture.dtype == dtype and np.allclose(result.mixture, mixture, atol=1e-7)
    alone = remixing.remix(sources, {"violin": -math.inf, "viola": -math.inf})
    assert np.allclose(alone.mixture, sources["cello"], atol=1e-7)


def test_a_gain_is_a_factor(rng, frozen):
    sources = dict(zip(("violin", "viola", "cello"), frozen(*stems(rng).values()), strict=True))
    result = remixing.remix(sources, {"violin": 6, "cello": -10})
    expected = 10 ** (6 / 20) * sources["violin"] + sources["viola"] + 10 ** (-10 / 20) * sources["cello"]
    assert np.allclose(result.mixture, expected, atol=1e-12)


def test_gains_one_after_the_other_add_in_db(rng):
    sources = stems(rng)
    louder = {name: remixing.remix({name: stem}, {name: 4}).mixture for name, stem in sources.items()}
    again = remixing.remix(louder, dict.fromkeys(sources, 3)).mixture
    assert np.allclose(again, remixing.remix(sources, dict.fromkeys(sources, 7)).mixture, atol=1e-12)


def test_the_headroom_is_that_of_the_peak(rng):
    result = remixing.remix(stems(rng), {"violin": 20})
    assert result.headroom_db == pytest.approx(-20 * math.log10(np.abs(result.mixture).max()))
    assert result.headroom_db < 0  # Beyond full scale: said, not clipped.
    assert remixing.headroom_db(np.zeros((1, 3))) == math.inf


def test_estimates_that_add_up_give_the_same_remix(rng):
    sources = stems(rng)
    gains_db = {"violin": 5, "viola": -math.inf}
    expected = remixing.remix(sources, gains_db).mixture
    assert np.allclose(remixing.rebalance(signals.mix(sources), sources, gains_db).mixture, expected, atol=1e-12)


def test_what_no_estimate_holds_is_kept(rng):
    sources = stems(rng)
    mixture = signals.mix(sources)
    result = remixing.rebalance(mixture, {"violin": 0.5 * sources["violin"]}, {"violin": -math.inf})
    assert np.allclose(result.mixture, mixture - 0.5 * sources["violin"], atol=1e-12)


def test_compensation_keeps_the_power_of_equally_loud_sources(rng):
    samples = 200_000
    sources = {str(index): rng.standard_normal((1, samples)) for index in range(3)}
    gains_db = {"0": 10, "1": -6, "2": 0}
    before = np.mean(remixing.remix(sources, {}).mixture ** 2)
    after = np.mean(remixing.remix(sources, gains_db, compensate=True).mixture ** 2)
    assert after == pytest.approx(before, rel=0.02)
    assert remixing.compensation_db({"a": 3, "b": 3}) == pytest.approx(-3)
    assert remixing.compensation_db({"a": 0, "b": -math.inf}) == pytest.approx(10 * math.log10(2))


@pytest.mark.parametrize(
    "gains_db, error, words",
    [
        ({"violn": 3}, ValueError, "did you mean 'violin'"),
        ({"violin": 61}, ValueError, "at most 60"),
        ({"violin": math.nan}, ValueError, "-inf removes"),
        ({"violin": math.inf}, ValueError, "-inf removes"),
        ({"violin": "3"}, TypeError, "a number"),
        ([3], TypeError, "map source names"),
    ],
)
def test_bad_gains_are_refused(rng, gains_db, error, words):
    sources = stems(rng)
    assert words in refusal(lambda: remixing.remix(sources, gains_db), error)
    assert words in refusal(lambda: remixing.rebalance(sources["violin"], sources, gains_db), error)


def test_no_level_can_be_kept_of_nothing():
    assert "at least one source" in refusal(lambda: remixing.compensation_db({}))
    assert "at least one source" in refusal(lambda: remixing.compensation_db({"a": -math.inf}))


# Positions


@pytest.mark.parametrize("layout", remixing.LOUDSPEAKERS)
def test_a_source_at_a_loudspeaker_comes_from_it_alone(layout):
    for index, azimuth in enumerate(remixing.LOUDSPEAKERS[layout]):
        assert np.array_equal(
            remixing.loudspeaker_gains(azimuth, layout), np.eye(len(remixing.LOUDSPEAKERS[layout]))[index]
        )


@pytest.mark.parametrize("angle_rad", np.linspace(-math.pi, math.pi, 41))
def test_the_two_loudspeakers_point_to_the_source_with_constant_energy(angle_rad):
    gains = remixing.loudspeaker_gains(angle_rad, "five")
    azimuths = np.array(remixing.LOUDSPEAKERS["five"])
    assert (gains >= 0).all() and np.count_nonzero(gains) <= 2 and np.sum(gains**2) == pytest.approx(1, abs=1e-12)
    direction = gains @ np.exp(1j * azimuths)
    assert abs(np.exp(1j * angle_rad) - direction / abs(direction)) < 1e-9


def test_left_and_right_mirror_each_other():
    for angle_rad in np.linspace(0, math.pi, 17):
        left, right = (remixing.loudspeaker_gains(sign * angle_rad, "five") for sign in (-1, 1))
        assert np.allclose(left, right[[1, 0, 2, 4, 3]], atol=1e-9)


def test_upmixing_is_linear_and_keeps_energy(rng):
    sources = {name: stem[:1] for name, stem in stems(rng).items()}
    angles_rad = {"violin": -0.4, "viola": 0.1, "cello": 2.5}
    together = remixing.upmix(sources, angles_rad)
    alone = [remixing.upmix({name: stem}, {name: angles_rad[name]}) for name, stem in sources.items()]
    assert together.shape == (5, 300) and np.allclose(together, sum(alone), atol=1e-12)
    for placed, stem in zip(alone, sources.values(), strict=True):
        assert np.sum(placed**2) == pytest.approx(np.sum(stem**2))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: remixing.loudspeaker_gains(3.0, "stereo"), "between two loudspeakers"),
        (lambda: remixing.loudspeaker_gains(4.0), "radians"),
        (lambda: remixing.loudspeaker_gains(0.0, "seven"), "'five'"),
        (lambda: remixing.loudspeaker_gains(0.0, [0.5]), "at least two different"),
        (lambda: remixing.loudspeaker_gains(0.0, [0.5, 0.5]), "at least two different"),
        (lambda: remixing.loudspeaker_gains(0.0, [-math.pi, math.pi]), "at least two different"),
        (lambda: remixing.upmix({"a": np.ones((2, 4))}, {"a": 0.0}), "mono"),
        (lambda: remixing.upmix({"a": np.ones((1, 4))}, {}), "one angle for each of a"),
    ],
)
def test_positions_that_cannot_be_heard_are_refused(call, words):
    assert words in refusal(call)
