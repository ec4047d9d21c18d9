"""Energy ratios: known values, every level, silence, and the reference program on real music."""

import math

import numpy as np
import pytest

from mss_lab import audio, checks, oracles
from mss_lab.datasets.track import read_track
from mss_lab.metrics import energy

RATIOS = {"sdr": energy.sdr, "si_sdr": energy.si_sdr}


def loop_sdr(source, estimate):
    """The definition, sample by sample."""
    wanted = sum(float(s) ** 2 for s in source.ravel())
    unwanted = sum((float(s) - float(e)) ** 2 for s, e in zip(source.ravel(), estimate.ravel(), strict=True))
    return 10 * math.log10(wanted / unwanted)


def plain_si_sdr(source, estimate):
    """By way of the angle between the two: SI-SDR is the cotangent squared."""
    s, e = source.ravel().astype(np.float64), estimate.ravel().astype(np.float64)
    cosine_squared = (s @ e) ** 2 / ((s @ s) * (e @ e))
    return 10 * math.log10(cosine_squared / (1 - cosine_squared))


def pair(rng, channels=2, samples=500, noise=0.3):
    source = rng.standard_normal((channels, samples))
    return source, source + noise * rng.standard_normal((channels, samples))


@pytest.mark.parametrize("channels, samples", [(1, 1), (1, 500), (2, 1), (2, 500), (5, 40)])
def test_sdr_equals_the_loop(rng, frozen, channels, samples):
    source, estimate = frozen(*pair(rng, channels, samples))
    assert energy.sdr(source, estimate) == pytest.approx(loop_sdr(source, estimate), abs=1e-9)


@pytest.mark.parametrize("channels, samples", [(1, 2), (1, 500), (2, 500), (5, 40)])
def test_si_sdr_equals_the_angle(rng, frozen, channels, samples):
    source, estimate = frozen(*pair(rng, channels, samples))
    assert energy.si_sdr(source, estimate) == pytest.approx(plain_si_sdr(source, estimate), abs=1e-9)


def test_too_quiet_costs_what_the_books_say(rng):
    source = rng.standard_normal((2, 500))
    assert energy.sdr(source, 0.3 * source) == pytest.approx(20 * math.log10(1 / 0.7), abs=1e-9)
    assert energy.sdr(source, 0.3 * source) == pytest.approx(3.10, abs=0.005)
    # SI-SDR forgives it.
    assert energy.si_sdr(source, 0.3 * source) > 250


def test_a_mixture_of_equal_powers_scores_0_db(rng):
    source = rng.standard_normal((1, 5000))
    other = rng.standard_normal((1, 5000))
    other -= source * (other @ source.T) / (source @ source.T)
    other *= np.linalg.norm(source) / np.linalg.norm(other)
    assert energy.sdr(source, source + other) == pytest.approx(0, abs=1e-9)
    assert energy.si_sdr(source, source + other) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("gain", [-3.0, -1.0, 1e-20, 0.3, 1.0, 7.0, 1e20])
def test_si_sdr_forgives_any_gain_and_sdr_does_not(rng, gain):
    source, estimate = pair(rng)
    assert energy.si_sdr(source, gain * estimate) == pytest.approx(energy.si_sdr(source, estimate), abs=1e-9)
    if gain != 1:
        assert abs(energy.sdr(source, gain * estimate) - energy.sdr(source, estimate)) > 1


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [1e-30, 1.0, 1e30])
def test_the_level_of_both_changes_nothing(rng, ratio, dtype, level):
    source, estimate = (signal.astype(dtype) for signal in pair(rng))
    expected = ratio(source.astype(np.float64), estimate.astype(np.float64))
    scaled = ratio((source * dtype(level)).astype(dtype), (estimate * dtype(level)).astype(dtype))
    assert scaled == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
@pytest.mark.parametrize("level", [1e-200, 1e200])
def test_energies_beyond_the_range_of_numbers_are_compared(rng, ratio, level):
    source, estimate = pair(rng)
    assert ratio(level * source, level * estimate) == pytest.approx(ratio(source, estimate), abs=1e-9)


@pytest.mark.slow(0.5)
def test_sums_are_taken_in_double_precision(rng):
    # An error a ten-thousandth of the source: single-precision sums over a million samples would blur it.
    source = rng.standard_normal((1, 1_000_000)).astype(np.float32)
    estimate = (source + 1e-4 * rng.standard_normal(source.shape)).astype(np.float32)
    assert energy.sdr(source, estimate) == pytest.approx(loop_sdr(source, estimate), abs=1e-6)
    s, e = source.astype(np.longdouble), estimate.astype(np.longdouble)
    target = (s * e).sum() / (s * s).sum() * s
    expected = 10 * math.log10((target**2).sum() / ((target - e) ** 2).sum())
    assert energy.si_sdr(source, estimate) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_perfect_estimate_is_infinitely_good(rng, ratio, dtype):
    source = rng.standard_normal((2, 50)).astype(dtype)
    assert ratio(source, source.copy()) == math.inf
    assert ratio(source[:, :1], source[:, :1]) == math.inf


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
def test_a_silent_source_has_no_score(rng, ratio):
    silence = np.zeros((2, 50))
    assert math.isnan(ratio(silence, rng.standard_normal((2, 50))))
    assert math.isnan(ratio(silence, silence))


def test_silence_for_an_estimate(rng):
    source = rng.standard_normal((2, 50))
    assert energy.sdr(source, np.zeros((2, 50))) == 0
    assert math.isnan(energy.si_sdr(source, np.zeros((2, 50))))


def test_an_estimate_that_has_nothing_of_the_source():
    source, estimate = np.zeros((1, 10)), np.zeros((1, 10))
    source[:, :5], estimate[:, 5:] = 1, 1
    assert energy.si_sdr(source, estimate) == -math.inf
    assert energy.sdr(source, estimate) == pytest.approx(-10 * math.log10(2))


def test_channels_that_cancel_are_no_silence(rng):
    left, noise = rng.standard_normal((2, 1, 500))
    source, estimate = np.concatenate([left, -left]), np.concatenate([left + 0.1 * noise, -left - 0.1 * noise])
    for ratio in RATIOS.values():
        assert ratio(source, estimate) == pytest.approx(ratio(left, left + 0.1 * noise), abs=1e-9)


def test_both_channels_count_together_not_as_a_mean_of_two_scores(rng):
    source, estimate = pair(rng)
    source[1] *= 0.01
    together = energy.sdr(source, estimate)
    assert together == pytest.approx(loop_sdr(source, estimate), abs=1e-9)
    assert abs(together - np.mean([energy.sdr(source[c : c + 1], estimate[c : c + 1]) for c in (0, 1)])) > 1


def test_improvement_is_the_difference_from_the_mixture(rng):
    source, estimate = pair(rng)
    mixture = source + rng.standard_normal(source.shape)
    expected = plain_si_sdr(source, estimate) - plain_si_sdr(source, mixture)
    assert energy.si_sdr_improvement(source, estimate, mixture) == pytest.approx(expected, abs=1e-9)
    assert energy.si_sdr_improvement(source, mixture, mixture) == 0
    # Nothing was there to improve.
    assert math.isnan(energy.si_sdr_improvement(source, source, source))


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
def test_another_length_is_refused(ratio):
    with pytest.raises(checks.ShapeError, match=r"must have the same shape.*\(1, 49\) and \(1, 50\)"):
        ratio(np.ones((1, 50)), np.ones((1, 49)))


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
def test_an_estimate_that_is_not_finite_is_refused(ratio):
    with pytest.raises(ValueError, match="estimate must be finite"):
        ratio(np.ones((1, 50)), np.full((1, 50), np.nan))


@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
def test_whole_numbers_are_refused(ratio):
    with pytest.raises(TypeError, match="source must hold floating-point samples"):
        ratio(np.ones((1, 50), np.int16), np.ones((1, 50)))


def real_pairs(recordings):
    """A chorale, and five seconds of stereo pop, each with estimates of middling quality."""
    chorale = read_track(recordings / "Bach10-excerpts" / "mix02_bwv385", None)
    pop = recordings / "pop-stereo" / "francium_30s"
    stems = {path.stem: audio.read_audio(path)[0][:, 441_000:551_250] for path in sorted(pop.glob("*.flac"))[1:3]}
    for sources, rate in ((chorale.sources, chorale.sample_rate_hz), (stems, 44_100)):
        yield sources, oracles.oracle(sources, rate, "binary")


@pytest.mark.recordings
def test_ratios_of_real_music_are_those_of_others(recordings):
    # museval as it is, with one window over the whole file; and SI-SDR by a formula of its own.
    from mss_lab.metrics.bss_eval import _load_museval_metrics

    metrics = _load_museval_metrics()
    for sources, estimates in real_pairs(recordings):
        stacks = (np.stack([of[name].T.astype(np.float64) for name in sources]) for of in (sources, estimates))
        theirs = metrics.bss_eval(*stacks, window=np.inf, hop=np.inf)[0][:, 0]
        for index, name in enumerate(sources):
            assert np.isfinite(theirs[index])
            assert energy.sdr(sources[name], estimates[name]) == pytest.approx(theirs[index], abs=1e-3)
            expected = plain_si_sdr(sources[name], estimates[name])
            assert energy.si_sdr(sources[name], estimates[name]) == pytest.approx(expected, abs=1e-3)
