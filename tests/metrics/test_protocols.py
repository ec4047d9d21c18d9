"""Evaluation protocols: known answers for what is cut out, counted and averaged."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, signals
from mss_lab.metrics import protocols
from mss_lab.metrics.bss_eval import bss_eval

RATE = 4_000


def voice(seconds, rng, *, silent=(), level=0.3):
    """A mono source that sounds in every second but those named."""
    waveform = level * rng.uniform(-1, 1, (1, seconds * RATE))
    for second in silent:
        waveform[:, second * RATE : (second + 1) * RATE] = 0
    return waveform


# The level that the gate is relative to


@pytest.mark.parametrize("level", [1e-3, 0.1, 5.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sum_peaks_at_three_quarters_and_balances_stay(rng, frozen, level, dtype):
    sources = frozen({name: (level * rng.uniform(-1, 1, (2, 500))).astype(dtype) for name in "ab"})
    scaled = protocols.scale_to_peak(sources)
    assert np.abs(scaled["a"] + scaled["b"]).max() == pytest.approx(0.75, rel=1e-5)
    assert_allclose(scaled["a"] * sources["b"], scaled["b"] * sources["a"], atol=1e-5)
    assert {waveform.dtype for waveform in scaled.values()} == {np.dtype(dtype)}


def test_silence_is_not_scaled_and_the_floor_is_counted_after_scaling():
    silent = np.zeros((1, 50))
    assert_array_equal(protocols.scale_to_peak({"a": silent})["a"], silent)
    faint = np.array([[0.075, 0.5e-5, 2e-5]])
    assert_allclose(protocols.scale_to_peak({"a": faint}, floor=1e-4)["a"], [[0.75, 0, 2e-4]])


# Windows of a second, and the silence gate


@pytest.mark.parametrize("gain, sdr_db", [(0.3, 3.0980), (0.5, 6.0206), (0.9, 20.0), (0.0, 0.0), (2.0, 0.0)])
def test_a_wrong_gain_costs_what_it_costs(rng, gain, sdr_db):
    sources = {"a": voice(3, rng), "b": voice(3, rng)}
    found = protocols.frame_sdr(sources, {name: gain * s for name, s in sources.items()}, RATE)
    for ratios in found.values():
        assert_allclose(ratios, [sdr_db] * 3, atol=1e-3)


def test_an_error_of_a_tenth_is_20_db_in_its_window_alone(rng):
    source = voice(3, rng)
    estimate = source.copy()
    estimate[:, RATE : 2 * RATE] *= 1.1
    ratios = protocols.frame_sdr({"a": source}, {"a": estimate}, RATE)["a"]
    assert_allclose(ratios, [np.inf, 20, np.inf], atol=1e-6)


@pytest.mark.parametrize("level, heard", [(0.0, False), (0.0099, False), (0.0101, True)])
def test_silent_windows_leave_no_number(rng, level, heard):
    source = voice(3, rng)
    source[:, RATE : 2 * RATE] = level * np.sign(source[:, RATE : 2 * RATE])
    ratios = protocols.frame_sdr({"a": source}, {"a": 0.3 * source + 0.001}, RATE)["a"]
    assert np.isnan(ratios[1]) != heard
    assert np.isfinite(ratios[[0, 2]]).all()


def test_one_silent_source_costs_the_others_nothing(rng):
    sources = {"a": voice(2, rng), "b": voice(2, rng, silent=[0])}
    estimates = {name: 0.5 * s + 0.01 for name, s in sources.items()}
    found = protocols.frame_sdr(sources, estimates, RATE)
    assert np.isfinite(found["a"]).all()
    assert_array_equal(np.isnan(found["b"]), [True, False])


@pytest.mark.parametrize("channels", [1, 2])
def test_figures_are_those_of_bss_eval_v4(rng, frozen, channels):
    names = ("a", "b") if channels == 1 else ("a",)
    sources = frozen({name: rng.uniform(-0.3, 0.3, (channels, 5 * RATE // 2)) for name in names})
    estimates = frozen({name: 0.7 * s + rng.uniform(-0.1, 0.1, s.shape) for name, s in sources.items()})
    found = protocols.frame_sdr(sources, estimates, RATE)
    reference = bss_eval(sources, estimates, RATE)
    assert_allclose([found[name] for name in reference.sources], reference.sdr, atol=1e-6)


def test_a_last_part_window_is_left_out_and_a_short_song_is_one_window(rng):
    source = rng.uniform(-0.3, 0.3, (1, RATE * 5 // 2))
    assert protocols.frame_sdr({"a": source}, {"a": 0.5 * source}, RATE)["a"].shape == (2,)
    assert protocols.frame_sdr({"a": source[:, :100]}, {"a": 0.5 * source[:, :100]}, RATE)["a"].shape == (1,)
    one = protocols.frame_sdr({"a": source[:, :1]}, {"a": 0.3 * source[:, :1]}, RATE)["a"]
    assert_allclose(one, [3.098], atol=1e-3)


def test_the_gate_silences_whole_windows_alone(rng, frozen):
    source = frozen(0.5 * np.ones((2, 7 * RATE // 2)))
    quiet = source.copy()
    quiet[:, RATE + 5 : 2 * RATE] = 0.01
    quiet[1, RATE : RATE + 5] = 0.01
    quiet[0, RATE : RATE + 5] = -0.01
    quiet[:, 3 * RATE :] = 0.001
    gated = protocols.gate(frozen(quiet), RATE)
    assert not gated[:, RATE : 2 * RATE].any()
    assert_array_equal(gated[:, :RATE], quiet[:, :RATE])
    # What museval does not judge, a part window, stays.
    assert_array_equal(gated[:, 2 * RATE :], quiet[:, 2 * RATE :])
    # Gated references and gated windows are one and the same rule.
    estimate = quiet + 0.02
    found = protocols.frame_sdr({"a": quiet}, {"a": estimate}, RATE)["a"]
    assert_array_equal(np.isnan(found), ~protocols.gate(quiet, RATE)[0, : 3 * RATE].reshape(3, RATE).any(axis=1))


def test_estimates_of_what_does_not_play_are_not_judged(rng):
    source = voice(1, rng)
    assert set(protocols.frame_sdr({"a": source}, {"a": source, "tuba": source}, RATE)) == {"a"}
    with pytest.raises(ValueError, match="none for a; silence will do"):
        protocols.frame_sdr({"a": source}, {"tuba": source}, RATE)
    with pytest.raises(checks.ShapeError):
        protocols.frame_sdr({"a": source}, {"a": source[:, 1:]}, RATE)


# From windows to a figure


def test_medians_of_windows_then_of_songs_then_the_mean_of_instruments():
    songs = [
        {"violin": np.array([1.0, 2.0, 30.0]), "cello": np.array([np.nan, np.nan, 7.0])},
        {"violin": np.array([4.0, np.inf, np.nan]), "tuba": np.array([np.nan, np.nan])},
        {"violin": np.array([0.0, 1.0, 1.0, 90.0])},
    ]
    found = protocols.summarise(songs)
    # Violin: medians 2, 4, 1, whose median is 2; cello 7; the tuba is never heard.
    assert found.instruments["violin"] == 2
    assert found.instruments["cello"] == 7
    assert np.isnan(found.instruments["tuba"])
    assert found.mean == 4.5
    assert found.songs == {"violin": 3, "cello": 1, "tuba": 0}
    assert found.frames == {"violin": 8, "cello": 1, "tuba": 0}
    assert found.silent == {"violin": 1, "cello": 2, "tuba": 2}
    assert found.perfect == {"violin": 1, "cello": 0, "tuba": 0}


def test_the_mean_lets_one_window_speak_for_many_and_the_median_does_not():
    songs = [{"a": np.array([5.0] * 9 + [-45.0])}]
    assert protocols.summarise(songs).mean == 5
    assert protocols.summarise(songs, over_frames="mean").mean == 0
    twice = [{"a": np.array([x])} for x in (1.0, 2.0, 9.0)]
    assert protocols.summarise(twice).mean == 2
    assert protocols.summarise(twice, over_songs="mean").mean == 4


def test_an_instrument_in_many_songs_counts_once():
    songs = [{"a": np.array([10.0])}] * 9 + [{"b": np.array([0.0])}]
    assert protocols.summarise(songs).mean == 5


def test_no_song_and_unknown_middles_are_refused():
    with pytest.raises(ValueError, match="at least one song"):
        protocols.summarise([])
    with pytest.raises(ValueError, match="over_frames must be one of"):
        protocols.summarise([{"a": np.array([1.0])}], over_frames="mode")
    assert np.isnan(protocols.summarise([{"a": np.array([np.nan])}]).mean)


# Denoising a player's recording


def player(rng, noise_level, seconds=4):
    """A tone between seconds 1 and 3 in noise, and the noise alone."""
    clean = np.zeros((1, seconds * RATE))
    clean[:, RATE : 3 * RATE] = signals.fade(signals.harmonic_tone(440, 2, RATE, harmonics=3), 0.02, RATE)
    noise = noise_level * rng.standard_normal(clean.shape)
    return clean, noise


@pytest.mark.parametrize("level", [1.0, 1e-4])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_clean_recording_is_left_alone(rng, frozen, level, channels):
    clean = frozen(level * np.repeat(player(rng, 0)[0], channels, axis=0))
    found = protocols.denoise(clean, RATE, 1.0, 3.0)
    assert found.shape == clean.shape
    assert_allclose(found, clean, atol=1e-9 * level)


@pytest.mark.parametrize("level", [1e-4, 0.02])
def test_steady_noise_falls_by_more_than_20_db(rng, level):
    _, noise = player(rng, level)
    found = protocols.denoise(noise, RATE, 1.0, 3.0)
    assert 10 * np.log10(np.sum(noise**2) / np.sum(found**2)) > 20


def test_a_tone_comes_out_of_the_noise_in_place(rng):
    clean, noise = player(rng, 0.01)
    found = protocols.denoise(clean + noise, RATE, 1.0, 3.0)
    before, after = (np.sum(clean**2) / np.sum((x - clean) ** 2) for x in (clean + noise, found))
    assert 10 * np.log10(after / before) > 5
    # A cleaned file that starts early would be a reference that nothing can match.
    lags = np.correlate(found[0, RATE : 2 * RATE], clean[0, RATE - 50 : 2 * RATE + 50], "valid")
    assert np.argmax(lags[::-1]) == 50


def test_one_silence_is_enough_and_none_is_refused(rng):
    clean, noise = player(rng, 0.01)
    for first_s, last_s in ((1.0, 4.0), (0.0, 3.0)):
        assert np.isfinite(protocols.denoise(clean + noise, RATE, first_s, last_s)).all()
    with pytest.raises(ValueError, match="must be silent for 2048 samples before 0 s or after 4 s"):
        protocols.denoise(clean + noise, RATE, 0.0, 4.0)
    with pytest.raises(ValueError, match="last_offset_s must be"):
        protocols.denoise(clean, RATE, 3.0, 1.0)


def test_silence_stays_silence_and_float32_stays(rng):
    silent = np.zeros((1, 4 * RATE), np.float32)
    found = protocols.denoise(silent, RATE, 1.0, 3.0)
    assert found.dtype == np.float32
    assert not found.any()


# Bach10, as the paper on the score-filtered CNN judges


def test_the_version_of_the_paper_forgives_a_gain_and_the_other_does_not(rng):
    sources = {name: rng.uniform(-0.3, 0.3, (1, 2 * RATE)) for name in ("violin", "bassoon")}
    estimates = {name: 0.3 * s for name, s in sources.items()}
    estimates["violin"] = estimates["violin"] + 0.003 * sources["bassoon"]
    forgiving = protocols.bach10_ratios(sources, estimates, RATE)
    assert set(forgiving["violin"]) == {"sdr", "sir", "sar"}
    # What is left is a hundredth of the other source: 40 dB of interference, give or take the sources' levels.
    assert forgiving["violin"]["sdr"] == pytest.approx(40, abs=1)
    assert forgiving["violin"]["sir"] == pytest.approx(40, abs=1)
    assert forgiving["violin"]["sar"] > 100
    strict = protocols.bach10_ratios(sources, estimates, RATE, version="images")
    assert strict["violin"]["sdr"] == pytest.approx(3.098, abs=0.01)


def test_the_version_of_the_paper_is_that_of_mir_eval(rng):
    mir_eval = pytest.importorskip("mir_eval")
    sources = {name: rng.uniform(-0.3, 0.3, (1, 2 * RATE)) for name in ("a", "b")}
    estimates = {name: 0.7 * np.roll(s, 3) + 0.1 * rng.uniform(-1, 1, s.shape) for name, s in sources.items()}
    found = protocols.bach10_ratios(sources, estimates, RATE)
    with pytest.warns(FutureWarning):
        sdr, sir, sar, _ = mir_eval.separation.bss_eval_sources(
            np.concatenate(list(sources.values())), np.concatenate(list(estimates.values())), compute_permutation=False
        )
    for index, name in enumerate(sources):
        assert_allclose(list(found[name].values()), [sdr[index], sir[index], sar[index]], atol=1e-4)


def test_a_silent_source_or_estimate_has_no_ratio_in_the_version_of_the_paper(rng):
    sources = {"a": rng.uniform(-0.3, 0.3, (1, RATE)), "b": np.zeros((1, RATE)), "c": rng.uniform(-1, 1, (1, RATE))}
    estimates = {"a": 0.5 * sources["a"], "b": sources["a"], "c": np.zeros((1, RATE))}
    found = protocols.bach10_ratios(sources, estimates, RATE)
    assert np.isnan([*found["b"].values(), *found["c"].values()]).all()
    assert found["a"]["sdr"] > 40


# Means and how far to trust them


def test_the_t_interval_is_the_one_in_the_tables():
    # Student's tables: t(0.975, 4) = 2.776; the deviation of 1..5 is sqrt(2.5).
    found = protocols.mean_with_interval([1, 2, 3, 4, 5], by="t")
    assert found.mean == 3
    assert found.high - 3 == pytest.approx(2.776445 * np.sqrt(2.5 / 5), rel=1e-6)
    assert found.low + found.high == pytest.approx(6)


def test_intervals_hold_the_truth_as_often_as_they_say(rng):
    draws = rng.normal(2, 1, (200, 40))
    for by in ("t", "bootstrap"):
        found = [protocols.mean_with_interval(values, by=by, resamples=300, rng=rng) for values in draws]
        assert 0.88 < np.mean([one.low < 2 < one.high for one in found]) <= 0.99
    wide, narrow = (protocols.mean_with_interval(draws[0], confidence=c, rng=rng) for c in (0.99, 0.5))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_bootstrap_draws_alike_from_one_seed_and_needs_one():
    values = [1.0, 4.0, 2.0]
    one, other = (protocols.mean_with_interval(values, rng=np.random.default_rng(7)) for _ in range(2))
    assert one == other
    assert 1 <= one.low < one.mean < one.high <= 4
    with pytest.raises(TypeError, match="default_rng"):
        protocols.mean_with_interval(values)


def test_what_is_no_number_is_left_out_and_counted(rng):
    found = protocols.mean_with_interval([1.0, np.nan, 3.0, np.inf], by="t")
    assert (found.mean, found.count, found.left_out) == (2, 2, 2)
    with pytest.raises(ValueError, match="at least one number, got 1"):
        protocols.mean_with_interval([np.nan], rng=rng)
    alone = protocols.mean_with_interval([2.0], rng=rng)
    assert (alone.low, alone.high) == (2, 2)
    assert protocols.mean_with_interval([2.0], by="t").high == np.inf


@pytest.mark.parametrize(
    "values, words",
    [
        ([1.0, 2.0, 3.0], "+2.0 dB (-0.5 to +4.5, 3 values): not clearly different from 0"),
        ([2.0, 2.5, 3.0], "+2.5 dB (+1.3 to +3.7, 3 values): clearly above 0"),
        ([-2.0, -2.5, -3.0], "-2.5 dB (-3.7 to -1.3, 3 values): clearly below 0"),
        ([2.0], "+2.0 dB (1 value): not clearly different from 0"),
    ],
)
def test_an_interval_says_on_which_side_of_zero_it_lies(values, words):
    assert protocols.mean_with_interval(values, by="t").in_words() == words
