"""Masks: they add up, share what nobody claims, follow their formula, and rank as the literature says."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, masks, oracles, signals, transforms
from mss_lab.metrics import bss_eval, energy

SETTINGS = {"window_samples": 512, "hop_samples": 128}
MAKERS = {
    "ratio": masks.ratio,
    "binary": masks.binary,
    "wiener": masks.wiener,
    "wiener 0.5": lambda models: masks.wiener(models, 0.5),
    "wiener 30": lambda models: masks.wiener(models, 30.0),
}


def models_with_holes(rng, dtype, level=1.0):
    """Random magnitudes with a frame that nobody claims, one that one source claims, and a tie."""
    models = rng.random((3, 2, 5, 7))
    models[..., 0] = 0
    models[1:, ..., 1] = 0
    models[..., 2] = 0.5
    return (level * models).astype(dtype)


def loop_mask(models, exponent):
    """The generalised Wiener filter bin by bin, in plain Python."""
    mask = np.empty(models.shape)
    sources = range(len(models))
    for bin_ in np.ndindex(models.shape[1:]):
        powers = [float(models[(j, *bin_)]) ** exponent for j in sources]
        total = sum(powers)
        for j in sources:
            mask[(j, *bin_)] = powers[j] / total if total > 0 else 1 / len(models)
    return mask


def music(sample_rate_hz=8000):
    """Three players whose notes collide in time and in frequency; one of them breathes."""
    rng = np.random.default_rng(7)
    melodies = {"low": (110.0, 130.8, 98.0), "middle": (220.0, 261.6, 293.7), "high": (392.0, 440.0, 349.2)}
    sources = {}
    for index, (name, pitches) in enumerate(melodies.items()):
        notes = [
            signals.fade(
                signals.vibrato_tone(hz, 0.5, sample_rate_hz, rate_hz=5 + index, depth_cents=15), 0.05, sample_rate_hz
            )
            for hz in pitches
        ]
        sources[name] = np.concatenate(notes, axis=1)
    noise = signals.noise(1.5, sample_rate_hz, rng=rng, amplitude=0.05)
    sources["high"] = sources["high"] + noise
    return sources


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [1e-30, 1.0, 1e30])
def test_masks_are_shares_that_add_up_to_one(rng, frozen, make, dtype, level):
    models = frozen(models_with_holes(rng, dtype, level))
    mask = make(models)
    assert mask.dtype == dtype
    assert mask.shape == models.shape
    assert mask.min() >= 0
    assert mask.max() <= 1
    assert_allclose(mask.sum(axis=0), 1, rtol=4 * np.finfo(dtype).eps)
    assert_allclose(mask[..., 0], 1 / 3, rtol=np.finfo(dtype).eps)
    assert_array_equal(mask[:, 0, 0, 1], [1, 0, 0])


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_mask_does_not_depend_on_the_level(rng, make):
    models = models_with_holes(rng, np.float64)
    # A power of two changes no digit, so the masks are the same to the last bit.
    assert_array_equal(make(models * 2.0**-90), make(models))


@pytest.mark.parametrize("exponent", [0.3, 1.0, 1.5, 2.0, 5.0])
def test_wiener_equals_the_loop(rng, exponent):
    models = models_with_holes(rng, np.float64)
    assert_allclose(masks.wiener(models, exponent), loop_mask(models, exponent), atol=1e-14)


def test_the_exponent_is_2_unless_said_otherwise_and_1_for_the_ratio(rng):
    models = models_with_holes(rng, np.float64)
    assert_allclose(masks.wiener(models), loop_mask(models, 2), atol=1e-14)
    assert_allclose(masks.ratio(models), loop_mask(models, 1), atol=1e-14)
    assert_array_equal(masks.ratio(models), masks.wiener(models, 1))


def test_large_exponents_approach_the_binary_mask(rng):
    models = 0.1 + rng.random((3, 1, 20, 30))
    ordered = np.sort(models, axis=0)
    # Where the two largest are nearly equal the limit is far away: make them differ by a tenth at least.
    models = np.where(models == ordered[-1], models * 1.1, models)
    target = masks.binary(models)
    distances = [np.abs(masks.wiener(models, exponent) - target).max() for exponent in (1, 2, 5, 20, 200, 2000)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 0.3
    assert distances[-1] < 1e-12


def test_binary_gives_a_bin_to_the_loudest_and_a_tie_to_the_first():
    models = np.array([[1.0, 2.0, 3.0, 0.0], [2.0, 2.0, 3.0, 0.0], [0.5, 1.0, 3.0, 0.0]])[:, np.newaxis, np.newaxis]
    expected = [[0, 1, 1, 1 / 3], [1, 0, 0, 1 / 3], [0, 0, 0, 1 / 3]]
    assert_array_equal(masks.binary(models)[:, 0, 0], expected)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_one_source_gets_everything(rng, make):
    models = rng.random((1, 2, 4, 5))
    models[..., 0] = 0
    assert_array_equal(make(models), np.ones_like(models))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_whole_numbers_and_half_precision_are_taken_as_float64(make):
    counts = np.array([[3, 0], [1, 0], [0, 0]])[:, np.newaxis, np.newaxis]
    expected = make(counts.astype(np.float64))
    for models in (counts, counts.astype(np.float16), counts.tolist()):
        assert make(models).dtype == np.float64
        assert_array_equal(make(models), expected)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("channels, samples", [(1, 4001), (2, 4001), (2, 1), (1, 100)])
def test_estimates_add_up_to_the_mixture(rng, frozen, make, channels, samples):
    mixture = rng.standard_normal((channels, samples))
    mixture = frozen((mixture / np.abs(mixture).max()).astype(np.float32))
    spectrum = frozen(transforms.stft(mixture, **SETTINGS))
    models = rng.random((3, *spectrum.shape)).astype(np.float32)
    models[..., :2] = 0
    estimates = masks.to_estimates(
        masks.apply(make(frozen(models)), spectrum), ("a", "b", "c"), mixture.shape[1], **SETTINGS
    )
    assert list(estimates) == ["a", "b", "c"]
    assert all(estimate.dtype == np.float32 and estimate.shape == mixture.shape for estimate in estimates.values())
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


def test_one_channel_of_mask_serves_all_channels(rng):
    mask, spectrum = rng.random((3, 1, 5, 7)), rng.standard_normal((2, 5, 7)) + 1j
    applied = masks.apply(mask, spectrum)
    for source, channel in np.ndindex(3, 2):
        assert_array_equal(applied[source, channel], mask[source, 0] * spectrum[channel])


def test_silence_is_shared_equally_and_stays_silent():
    silence = np.zeros((4, 2, 5, 7), complex)
    for mask in (masks.ideal_ratio(silence), masks.ideal_binary(silence)):
        assert_array_equal(mask, 0.25)
        assert not masks.apply(mask, silence.sum(axis=0)).any()


def test_ideal_masks_are_those_of_the_sources_magnitudes(rng, frozen):
    sources = frozen(rng.standard_normal((3, 2, 5, 7)) + 1j * rng.standard_normal((3, 2, 5, 7)))
    assert_allclose(masks.ideal_ratio(sources), loop_mask(np.abs(sources), 1), atol=1e-14)
    assert_allclose(masks.ideal_ratio(sources, 2), loop_mask(np.abs(sources), 2), atol=1e-14)
    assert_array_equal(masks.ideal_binary(sources).argmax(axis=0), np.abs(sources).argmax(axis=0))


@pytest.mark.slow(0.8)
def test_ideal_masks_rank_as_the_literature_says():
    sources = music()
    mixture = oracles.do_nothing(sources)
    estimates = {"mixture": mixture, **{kind: oracles.oracle(sources, 8000, kind) for kind in ("ratio", "binary")}}
    sdr = {
        name: np.mean([energy.sdr(sources[source], of[source]) for source in sources]) for name, of in estimates.items()
    }
    assert sdr["ratio"] > sdr["binary"] > sdr["mixture"]
    judged = {name: bss_eval.bss_eval(sources, estimates[name], 8000, window_s=None) for name in ("ratio", "binary")}
    assert judged["binary"].sir.mean() > judged["ratio"].sir.mean()
    assert judged["ratio"].sar.mean() > judged["binary"].sar.mean()


def test_refine_without_iterations_is_the_plain_mask(rng):
    spectrum, models = rng.standard_normal((1, 5, 7)) + 1j, rng.random((2, 1, 5, 7))

    def never(estimates):
        raise AssertionError("there is nothing to update")

    estimates, kept = masks.refine(spectrum, models, never, iterations=0, exponent=1.5)
    assert_array_equal(estimates, masks.apply(masks.wiener(models, 1.5), spectrum))
    assert_array_equal(kept, models)


@pytest.mark.parametrize("iterations", [1, 2, 7])
def test_refined_estimates_add_up_and_come_from_the_last_models(rng, frozen, iterations):
    spectrum = frozen(rng.standard_normal((2, 5, 7)) + 1j)
    models = frozen(rng.random((3, 2, 5, 7)))
    calls = []

    def smooth(estimates):
        calls.append(estimates)
        return np.abs(estimates).mean(axis=-1, keepdims=True) * np.ones(7)

    estimates, last = masks.refine(spectrum, models, smooth, iterations=iterations)
    assert len(calls) == iterations
    assert_allclose(estimates.sum(axis=0), spectrum, atol=1e-12)
    assert_allclose(last, smooth(calls[-1]))
    assert_allclose(estimates, masks.apply(masks.wiener(last), spectrum))


def test_a_perfect_model_is_a_fixed_point_of_refine(rng):
    # Sources that share no bin: their magnitudes mask them out exactly.
    sources = rng.standard_normal((3, 1, 6, 8)) + 1j * rng.standard_normal((3, 1, 6, 8))
    owner = rng.integers(0, 3, (1, 6, 8))
    sources = np.where(np.arange(3)[:, np.newaxis, np.newaxis, np.newaxis] == owner, sources, 0)
    estimates, models = masks.refine(sources.sum(axis=0), np.abs(sources), np.abs, iterations=5)
    assert_allclose(estimates, sources, atol=1e-13)
    assert_allclose(models, np.abs(sources), atol=1e-13)


def test_a_negative_model_is_refused(rng):
    with pytest.raises(ValueError, match=r"magnitudes of 0 or more.*not dB"):
        masks.wiener(-rng.random((3, 1, 4, 4)))


def test_a_complex_model_is_refused():
    with pytest.raises(TypeError, match=r"take np\.abs"):
        masks.binary(np.ones((3, 1, 4, 4), complex))


def test_a_model_that_is_not_finite_is_refused():
    models = np.ones((3, 1, 4, 4))
    models[1, 0, 2, 3] = np.nan
    with pytest.raises(ValueError, match=r"must be finite.*\(1, 0, 2, 3\)"):
        masks.ratio(models)


def test_a_stack_without_its_channel_axis_is_refused():
    with pytest.raises(checks.ShapeError, match=r"sources, channels, freq, frames.*channel axis of length 1"):
        masks.ratio(np.ones((3, 4, 4)))


def test_a_stack_of_no_source_is_refused():
    with pytest.raises(ValueError, match="no source"):
        masks.ratio(np.ones((0, 1, 4, 4)))


@pytest.mark.parametrize("exponent", [0, -1, np.nan, np.inf])
def test_an_exponent_that_is_not_above_zero_is_refused(exponent):
    with pytest.raises(ValueError, match="exponent must be a number above 0"):
        masks.wiener(np.ones((2, 1, 3, 3)), exponent)


@pytest.mark.parametrize("shape", [(3, 2, 5, 8), (3, 2, 4, 7), (3, 3, 5, 7)])
def test_a_mask_that_does_not_fit_the_mixture_is_refused(shape):
    with pytest.raises(checks.ShapeError, match="make both with one transform"):
        masks.apply(np.ones(shape), np.ones((2, 5, 7)))


def test_names_must_be_as_many_as_sources():
    with pytest.raises(checks.ShapeError, match="one name per source, got 2 for 3"):
        masks.to_estimates(np.ones((3, 1, 257, 1), complex), ("a", "b"), 100, **SETTINGS)


def test_estimates_of_another_length_are_refused():
    with pytest.raises(checks.ShapeError, match="use the settings that it was made with"):
        masks.to_estimates(np.ones((1, 1, 257, 9), complex), ("a",), 100, **SETTINGS)


@pytest.mark.parametrize("iterations", [-1, 1.5])
def test_a_number_of_iterations_that_cannot_be_is_refused(iterations):
    with pytest.raises(ValueError, match="iterations must be a whole number at least 0"):
        masks.refine(np.ones((1, 3, 3)), np.ones((2, 1, 3, 3)), np.abs, iterations=iterations)


def test_an_update_that_returns_another_shape_is_refused():
    with pytest.raises(checks.ShapeError, match="the models that update returned"):
        masks.refine(np.ones((1, 3, 3)), np.ones((2, 1, 3, 3)), lambda estimates: estimates[0], iterations=1)
