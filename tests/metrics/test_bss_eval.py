"""BSS Eval: museval's figures where museval runs, known answers where it does not, and no warning anywhere."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks
from mss_lab.metrics import energy
from mss_lab.metrics.bss_eval import METRICS, BssEval, _load_museval_metrics, bss_eval

RATE_HZ = 8_000

# Every warning, from museval, NumPy or us, is an error here.
pytestmark = pytest.mark.no_warnings


def sources_and_estimates(rng, *, count=2, channels=1, samples=2400):
    """Coloured noises, and estimates with some leakage, some filtering and some noise."""
    white = rng.standard_normal((count, channels, samples + 9))
    coloured = 0.1 * (white[..., 9:] + 0.8 * white[..., 8:-1] - 0.4 * white[..., :-9])
    leaked = 0.9 * coloured + 0.2 * np.roll(coloured, 1, axis=0) + 0.1 * np.roll(coloured, 3, axis=-1)
    leaked = leaked + 0.01 * rng.standard_normal(leaked.shape)
    names = "abcdef"[:count]
    return dict(zip(names, coloured, strict=True)), dict(zip(names, leaked, strict=True))


def museval_itself(sources, estimates, window=np.inf, hop=np.inf):
    """What museval says, called as its manual says, (ratios, sources, windows)."""
    stacks = (np.stack([of[name].T for name in sources]) for of in (sources, estimates))
    with np.errstate(all="ignore"):
        return np.stack(_load_museval_metrics().bss_eval(*stacks, window=window, hop=hop)[:4])


def figures(scores):
    return np.stack([getattr(scores, metric) for metric in METRICS])


@pytest.mark.slow(1.4)
@pytest.mark.parametrize(
    "channels, window_s, hop_s",
    [(1, None, None), (1, 0.1, None), (1, 0.1, 0.04), (1, 0.07, 0.07), (1, 9.0, None), (2, 0.1, 0.04)],
)
def test_figures_are_museval_s(rng, frozen, channels, window_s, hop_s):
    sources, estimates = frozen(*sources_and_estimates(rng, channels=channels))
    scores = bss_eval(sources, estimates, RATE_HZ, window_s=window_s, hop_s=hop_s)
    window = np.inf if window_s is None else round(window_s * RATE_HZ)
    theirs = museval_itself(sources, estimates, window, window if hop_s is None else round(hop_s * RATE_HZ))
    assert np.isfinite(theirs).all()
    assert scores.sources == ("a", "b")
    assert_allclose(figures(scores), theirs, atol=1e-6)


def test_sdr_over_one_window_is_the_plain_ratio(rng):
    sources, estimates = sources_and_estimates(rng, count=3)
    scores = bss_eval(sources, estimates, RATE_HZ, window_s=None)
    for index, name in enumerate(sources):
        assert scores.sdr[index, 0] == pytest.approx(energy.sdr(sources[name], estimates[name]), abs=1e-9)


def test_estimates_are_matched_by_name(rng):
    sources, estimates = sources_and_estimates(rng)
    backwards = dict(reversed(estimates.items()))
    assert list(backwards) != list(sources)
    assert_array_equal(figures(bss_eval(sources, backwards, RATE_HZ)), figures(bss_eval(sources, estimates, RATE_HZ)))


def test_estimates_under_each_other_s_names_are_not_forgiven(rng):
    sources, estimates = sources_and_estimates(rng)
    right = bss_eval(sources, estimates, RATE_HZ, window_s=None)
    wrong = bss_eval(sources, {"a": estimates["b"], "b": estimates["a"]}, RATE_HZ, window_s=None)
    assert (wrong.sdr < 0).all()
    assert (wrong.sir < 0).all()
    assert (right.sir > 10).all()


@pytest.mark.parametrize("level, own", [(1e-30, 1.0), (1e-6, 1.0), (1e30, 1.0), (1.0, 1e-9)])
def test_the_level_changes_nothing(rng, level, own):
    sources, estimates = sources_and_estimates(rng)
    expected = figures(bss_eval(sources, estimates, RATE_HZ, window_s=None))
    # Of all, or of one source and its estimate alone: interference and its target are judged within each estimate.
    gains = {"a": level, "b": level * own}
    scaled = [{name: gains[name] * signal for name, signal in of.items()} for of in (sources, estimates)]
    assert_allclose(figures(bss_eval(*scaled, RATE_HZ, window_s=None)), expected, atol=1e-5)


@pytest.mark.slow(0.5)
@pytest.mark.parametrize("channels", [1, 2])
def test_the_mixture_of_equal_powers(rng, channels):
    white = rng.standard_normal((2, channels, 20_000))
    sources = {name: signal / np.linalg.norm(signal) for name, signal in zip("ab", white, strict=True)}
    mixture = sources["a"] + sources["b"]
    scores = bss_eval(sources, {"a": mixture, "b": mixture}, RATE_HZ, window_s=None)
    assert_allclose(scores.sdr, 0, atol=1e-6)
    # museval allows both sources a filter of 512 taps, which finds a little of one noise in the other.
    assert_allclose(scores.sir, 0, atol=0.5)
    assert (scores.sar > 100).all()


def test_too_quiet_costs_what_the_books_say(rng):
    sources, _ = sources_and_estimates(rng)
    quiet = {name: 0.3 * signal for name, signal in sources.items()}
    scores = bss_eval(sources, quiet, RATE_HZ, window_s=None)
    assert_allclose(scores.sdr, 20 * np.log10(1 / 0.7), atol=1e-6)
    assert_allclose(scores.isr, scores.sdr, atol=1e-6)
    assert (scores.sir > 100).all()
    assert (scores.sar > 100).all()


@pytest.mark.slow(0.6)
@pytest.mark.parametrize("channels", [1, 2])
def test_perfect_estimates(rng, channels):
    sources, _ = sources_and_estimates(rng, channels=channels)
    assert (figures(bss_eval(sources, sources, RATE_HZ, window_s=None)) > 100).all()


def test_a_silent_source_has_no_scores_and_the_others_keep_theirs(rng):
    sources, estimates = sources_and_estimates(rng)
    expected = figures(bss_eval(sources, estimates, RATE_HZ, window_s=0.1))
    silence = np.zeros_like(sources["a"])
    for ghost in (silence, 0.01 * rng.standard_normal(silence.shape)):
        more = bss_eval(
            {"a": sources["a"], "silent": silence, "b": sources["b"]},
            {**estimates, "silent": ghost},
            RATE_HZ,
            window_s=0.1,
        )
        assert more.sources == ("a", "silent", "b")
        assert_array_equal(figures(more)[:, [0, 2]], expected)
        assert np.isnan(figures(more)[:, 1]).all()
        assert more.left_out() == {"a": 0, "silent": 3, "b": 0}


@pytest.mark.parametrize("window_s, windows", [(None, 1), (0.1, 3)])
def test_a_silent_estimate_scores_0_db_and_the_others_keep_theirs(rng, window_s, windows):
    sources, estimates = sources_and_estimates(rng)
    expected = figures(bss_eval(sources, estimates, RATE_HZ, window_s=window_s))
    scores = bss_eval(sources, {**estimates, "a": np.zeros_like(sources["a"])}, RATE_HZ, window_s=window_s)
    assert_allclose(figures(scores)[:, 1], expected[:, 1], rtol=1e-12)
    assert_array_equal(scores.sdr[0], np.zeros(windows))
    assert_array_equal(scores.isr[0], np.zeros(windows))
    assert np.isnan(scores.sir[0]).all()
    assert np.isnan(scores.sar[0]).all()


def test_a_silent_estimate_has_no_score_where_its_source_is_silent_too(rng):
    sources, estimates = sources_and_estimates(rng)
    sources["a"][:, :800] = 0
    scores = bss_eval(sources, {**estimates, "a": np.zeros_like(sources["a"])}, RATE_HZ, window_s=0.1)
    assert_array_equal(scores.sdr[0], [np.nan, 0, 0])
    assert_array_equal(np.isnan(scores.sdr[1]), [True, False, False])


def test_all_estimates_silent(rng):
    sources, _ = sources_and_estimates(rng)
    scores = bss_eval(sources, {name: np.zeros((1, 2400)) for name in sources}, RATE_HZ, window_s=0.1)
    assert_array_equal(scores.sdr, np.zeros((2, 3)))
    assert np.isnan(scores.sir).all()


@pytest.mark.parametrize("window_s, hop_s, windows", [(None, None, 1), (0.1, None, 3), (0.1, 0.03, 7), (5.0, None, 1)])
def test_all_sources_silent(rng, window_s, hop_s, windows):
    silence = {name: np.zeros((2, 2400)) for name in "ab"}
    scores = bss_eval(silence, sources_and_estimates(rng, channels=2)[1], RATE_HZ, window_s=window_s, hop_s=hop_s)
    assert figures(scores).shape == (4, 2, windows)
    assert np.isnan(figures(scores)).all()
    assert all(np.isnan(value) for ratios in scores.median().values() for value in ratios.values())
    assert scores.left_out() == {"a": windows, "b": windows}


@pytest.mark.parametrize("quiet", ["sources", "estimates"])
def test_a_window_with_silence_is_left_out_and_the_rest_is_judged(rng, quiet):
    sources, estimates = sources_and_estimates(rng)
    (sources if quiet == "sources" else estimates)["a"][:, 800:1600] = 0
    scores = bss_eval(sources, estimates, RATE_HZ, window_s=0.1)
    assert np.isnan(figures(scores)[:, :, 1]).all()
    assert np.isfinite(figures(scores)[:, :, [0, 2]]).all()
    assert_allclose(figures(scores), museval_itself(sources, estimates, 800, 800), atol=1e-6)
    assert scores.left_out() == {"a": 1, "b": 1}
    assert scores.median()["b"]["sdr"] == pytest.approx(np.mean(scores.sdr[1, [0, 2]]))


@pytest.mark.slow(0.6)
@pytest.mark.parametrize("channels", [2, 3])
def test_sources_whose_channels_cancel_are_no_silence(rng, channels):
    sources, estimates = sources_and_estimates(rng, count=4 - channels, channels=channels)
    # Left is minus right; with three channels the third takes back what the others give.
    for of in (sources, estimates):
        for signal in of.values():
            signal[-1] = -signal[:-1].sum(axis=0)
    with pytest.raises(ValueError, match="non-silent"):
        museval_itself(sources, estimates)
    scores = bss_eval(sources, estimates, RATE_HZ, window_s=None)
    for index, name in enumerate(sources):
        assert scores.sdr[index, 0] == pytest.approx(energy.sdr(sources[name], estimates[name]), abs=1e-6)
    if channels == 2:
        mono = bss_eval(*({n: s[:1] for n, s in of.items()} for of in (sources, estimates)), RATE_HZ, window_s=None)
        assert_allclose(figures(scores), figures(mono), atol=1e-4)


@pytest.mark.parametrize("samples", [2, 300])
def test_recordings_shorter_than_a_window_are_one_window(rng, samples):
    sources, estimates = sources_and_estimates(rng, samples=samples)
    scores = bss_eval(sources, estimates, RATE_HZ, window_s=1.0)
    assert figures(scores).shape == (4, 2, 1)
    assert not np.isnan(figures(scores)).any()
    for index, name in enumerate(sources):
        assert scores.sdr[index, 0] == pytest.approx(energy.sdr(sources[name], estimates[name]), abs=1e-9)


@pytest.mark.slow(0.7)
@pytest.mark.parametrize("first, second", [(1.0, -1.0), (0.5, 0.25), (2.0, 2.0)])
def test_one_sample(first, second):
    # Both sources are copies of one click but for the level: museval's equations have no single solution.
    sources = {"a": np.array([[first]]), "b": np.array([[second]])}
    scores = bss_eval(sources, {"a": 0.9 * sources["a"], "b": 0.5 * sources["b"]}, RATE_HZ)
    assert_allclose(scores.sdr, [[20.0], [20 * np.log10(2)]], atol=1e-6)
    assert not np.isnan(figures(scores)).any()


def test_copies_of_one_source_are_judged(rng):
    whole = rng.integers(-2, 3, (1, 600)).astype(float)
    scores = bss_eval({"a": whole, "b": whole.copy()}, {"a": 0.5 * whole, "b": whole + 1}, RATE_HZ, window_s=None)
    assert scores.sdr[0, 0] == pytest.approx(20 * np.log10(2), abs=1e-6)
    assert not np.isnan(figures(scores)).any()


def test_one_source_alone_has_no_interference(rng):
    sources, estimates = sources_and_estimates(rng, count=1)
    scores = bss_eval(sources, estimates, RATE_HZ, window_s=None)
    assert scores.sir[0, 0] > 200
    assert np.isfinite(scores.sdr).all()


def test_the_median_leaves_out_what_is_missing():
    row = np.array([[1.0, np.nan, 3.0, 5.0], [np.nan] * 4])
    scores = BssEval(("a", "b"), row, row + 1, row + 2, np.array([[np.inf, np.nan, 1, 2], [np.nan] * 4]))
    assert scores.median()["a"] == {"sdr": 3.0, "isr": 4.0, "sir": 5.0, "sar": 2.0}
    assert np.isnan(scores.median()["b"]["sdr"])
    assert scores.left_out() == {"a": 1, "b": 4}


def test_other_names_are_refused(rng):
    sources, estimates = sources_and_estimates(rng)
    with pytest.raises(ValueError, match=r"same names, got a, b and a, c; rename"):
        bss_eval(sources, {"a": estimates["a"], "c": estimates["b"]}, RATE_HZ)


def test_a_missing_estimate_is_refused(rng):
    sources, estimates = sources_and_estimates(rng)
    with pytest.raises(ValueError, match=r"same names, got a, b and a;"):
        bss_eval(sources, {"a": estimates["a"]}, RATE_HZ)


def test_estimates_of_another_length_are_refused(rng):
    sources, estimates = sources_and_estimates(rng)
    with pytest.raises(checks.ShapeError, match=r"estimates\['a'\] and sources\['a'\] must have the same shape"):
        bss_eval(sources, {name: signal[:, 1:] for name, signal in estimates.items()}, RATE_HZ)


@pytest.mark.parametrize("option", ["window_s", "hop_s"])
def test_a_window_of_no_length_is_refused(rng, option):
    with pytest.raises(ValueError, match=f"{option} must be a number above 0"):
        bss_eval(*sources_and_estimates(rng), RATE_HZ, **{option: 0})


@pytest.mark.slow(1.1)
def test_no_ffmpeg_is_needed(tmp_path):
    code = (
        "import numpy as np, sys; from mss_lab.metrics.bss_eval import bss_eval;"
        "s = {'a': np.ones((1, 600))}; print(bss_eval(s, {'a': 0.5 * s['a']}, 8000).sdr[0, 0]);"
        "sys.exit('museval' in sys.modules)"
    )
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(20 * np.log10(2))


def test_the_patch_for_museval_stays_in_our_copy():
    assert not hasattr(np.linalg, "linalg")
    assert _load_museval_metrics().np is not np
