"""Refusals: what passes comes back usable, and every message says what was wanted, what came and what to do."""

import numpy as np
import pytest

from mss_lab import checks
from mss_lab.refusals import RefusedType, RefusedValue

AXES = "channels freq frames"
GOOD = np.zeros((1, 4))


@pytest.mark.parametrize(
    "call, error, wanted, came, advice",
    [
        (
            lambda: checks.check_axes("x", np.zeros(4), "channels samples"),
            checks.ShapeError,
            "(channels, samples)",
            "(4,)",
            "x[np.newaxis]",
        ),
        (
            lambda: checks.check_axes("x", np.zeros((2, 2, 2)), "channels samples"),
            checks.ShapeError,
            "(channels, samples)",
            "(2, 2, 2)",
            "one axis for each",
        ),
        (
            lambda: checks.check_axes("x", [[1, 2], [3]], "a b"),
            checks.ShapeError,
            "(a, b)",
            "different lengths",
            "cut or pad",
        ),
        (lambda: checks.check_axes("x", None, "a b"), TypeError, "array of numbers", "object", "NumPy array"),
        (lambda: checks.check_axes("x", [["a"]], "a b"), TypeError, "array of numbers", "<U1", "NumPy array"),
        (
            lambda: checks.check_finite("x", np.array([0.0, np.nan, np.inf])),
            ValueError,
            "finite",
            "2 NaN",
            "index (1,)",
        ),
        (
            lambda: checks.check_finite("x", np.array([[0.0], [-np.inf]])),
            ValueError,
            "finite",
            "1 NaN or infinite",
            "nan_to_num",
        ),
        (
            lambda: checks.check_waveform("x", np.zeros((2, 0))),
            ValueError,
            "at least one channel and one sample",
            "(2, 0)",
            "check the slice",
        ),
        (
            lambda: checks.check_waveform("x", np.zeros((0, 9))),
            ValueError,
            "at least one channel and one sample",
            "(0, 9)",
            "check the slice",
        ),
        (
            lambda: checks.check_waveform("x", np.zeros((1000, 2))),
            checks.ShapeError,
            "(channels, samples)",
            "(1000, 2)",
            "x.T",
        ),
        (lambda: checks.check_waveform("x", np.zeros((1, 9), np.int16)), TypeError, "floating-point", "int16", "32768"),
        (
            lambda: checks.check_waveform("x", np.zeros((1, 9), complex)),
            TypeError,
            "floating-point",
            "complex128",
            "divide",
        ),
        (lambda: checks.check_waveform("x", [[0.0, np.nan]]), ValueError, "x must be finite", "1 NaN", "index (0, 1)"),
        (
            lambda: checks.check_waveform("x", np.zeros((60, 40))),
            checks.ShapeError,
            "(samples, channels)",
            "(60, 40)",
            "x.T",
        ),
        (lambda: checks.check_magnitude("x", [[[1.0, -0.5]]], AXES), ValueError, "0 or more", "-0.5", "not dB"),
        (
            lambda: checks.check_stereo("x", GOOD),
            checks.ShapeError,
            "2 channels (left, right)",
            "got 1",
            "choose another",
        ),
        (
            lambda: checks.check_same_shape("x", np.zeros(2), "y", np.zeros(3)),
            checks.ShapeError,
            "the same shape",
            "(2,) and (3,)",
            "cut or pad",
        ),
        (lambda: checks.check_sources("s", [GOOD]), TypeError, "map source names", "list", "pass a dict"),
        (lambda: checks.check_sources("s", {}), ValueError, "at least one source", "empty", "add a waveform"),
        (lambda: checks.check_sources("s", {3: GOOD}), TypeError, "names", "3 of type int", "'violin'"),
        (
            lambda: checks.check_sources("s", {"a": GOOD, "b": np.zeros((1, 5))}),
            checks.ShapeError,
            "the same shape",
            "s['b'] and s['a']",
            "same length",
        ),
        (lambda: checks.check_sources("s", {"a": GOOD[0]}), checks.ShapeError, "s['a']", "(4,)", "np.newaxis"),
        (
            lambda: checks.check_sample_rate(0),
            ValueError,
            "at least 1000 and at most 768000 (Hz)",
            "got 0",
            "44100 for 44.1 kHz",
        ),
        (lambda: checks.check_sample_rate(44.1), ValueError, "whole number", "44.1", "in Hz"),
        (lambda: checks.check_sample_rate(44100.5), ValueError, "whole number", "44100.5", "in Hz"),
        (lambda: checks.check_sample_rate(-44100), ValueError, "at least 1000", "-44100", "in Hz"),
        (lambda: checks.check_sample_rate("44100"), TypeError, "whole number", "'44100' of type str", "in Hz"),
        (lambda: checks.check_sample_rate(None), TypeError, "whole number", "NoneType", "in Hz"),
        (
            lambda: checks.check_magnitude("x", np.zeros((1, 2, 3), complex), AXES),
            TypeError,
            "real magnitudes",
            "complex128",
            "np.abs",
        ),
        (lambda: checks.check_magnitude("x", -np.ones((1, 2, 3)), AXES), ValueError, "0 or more", "-1", "not dB"),
        (
            lambda: checks.check_magnitude("x", np.full((1, 2, 3), np.nan), AXES),
            ValueError,
            "finite",
            "6 NaN",
            "nan_to_num",
        ),
        (
            lambda: checks.check_magnitude("x", np.zeros((2, 3)), AXES),
            checks.ShapeError,
            "(channels, freq, frames)",
            "(2, 3)",
            "np.newaxis",
        ),
        (lambda: checks.check_number("x", np.nan), ValueError, "a number", "nan", "choose another value"),
        (lambda: checks.check_number("x", np.inf, at_least=0), ValueError, "at least 0", "inf", "choose"),
        (lambda: checks.check_number("x", 0, above=0, unit="s"), ValueError, "above 0 (s)", "got 0", "choose"),
        (lambda: checks.check_number("x", 5, below=5), ValueError, "below 5", "got 5", "choose"),
        (
            lambda: checks.check_number("x", 6, at_least=1, at_most=5, hint="count again"),
            ValueError,
            "at least 1 and at most 5",
            "got 6",
            "count again",
        ),
        (lambda: checks.check_number("x", 2.5, whole=True), ValueError, "a whole number", "2.5", "choose"),
        (lambda: checks.check_number("x", True), TypeError, "a number", "True of type bool", "plain number"),
        (lambda: checks.check_number("x", np.True_), TypeError, "a number", "of type bool", "plain number"),
        (lambda: checks.check_number("x", np.array([1.0])), TypeError, "a number", "ndarray", "plain number"),
        (
            lambda: checks.check_choice("x", "han", ("hann", "sine")),
            ValueError,
            "'hann', 'sine'",
            "'han'",
            "did you mean 'hann'?",
        ),
        (
            lambda: checks.check_choice("x", "Hann", ("hann", "sine")),
            ValueError,
            "'hann', 'sine'",
            "'Hann'",
            "did you mean 'hann'?",
        ),
        (
            lambda: checks.check_choice("x", 7, ("hann", "sine")),
            ValueError,
            "'hann', 'sine'",
            "got 7",
            "choose one of these",
        ),
        (lambda: checks.check_choice("x", ["hann"], {"hann": 1}), ValueError, "'hann'", "['hann']", ""),
        (lambda: checks.check_choice("x", "a", ()), ValueError, "there are none", "'a'", ""),
        (lambda: checks.check_generator("rng", 0), TypeError, "seeded generator", "got 0", "np.random.default_rng(0)"),
        (
            lambda: checks.check_generator("rng", np.random.RandomState(0)),
            TypeError,
            "seeded generator",
            "RandomState",
            "default_rng",
        ),
    ],
)
def test_a_refusal_says_what_was_wanted_what_came_and_what_to_do(call, error, wanted, came, advice):
    with pytest.raises(error) as refusal:
        call()
    assert type(refusal.value) is {ValueError: RefusedValue, TypeError: RefusedType}.get(error, error)
    for part in (wanted, came, advice):
        assert part in str(refusal.value)


def test_a_shape_error_is_a_value_error():
    assert issubclass(checks.ShapeError, ValueError)


def test_nested_lists_become_arrays():
    waveform = checks.check_waveform("x", [[0.0, 1.0]])
    assert waveform.shape == (1, 2) and waveform.dtype == np.float64
    assert checks.check_axes("x", [[True, False]], "a b").dtype == bool
    assert checks.check_finite("x", [1, 2]).tolist() == [1, 2]


@pytest.mark.parametrize("dtype, kept", [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64)])
def test_a_waveform_keeps_its_floating_type(dtype, kept):
    assert checks.check_waveform("x", np.ones((2, 3), dtype)).dtype == kept


def test_a_waveform_that_passes_is_not_copied(rng, frozen):
    waveform = frozen(rng.standard_normal((2, 50)))
    assert checks.check_waveform("x", waveform) is waveform


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (32, 1), (64, 64)])
def test_short_waveforms_are_not_taken_for_swapped_ones(shape):
    assert checks.check_waveform("x", np.zeros(shape)).shape == shape


def test_finite_values_whose_sum_overflows_are_finite():
    huge = np.full((1, 10), np.finfo(np.float32).max, np.float32)
    assert checks.check_waveform("x", huge) is huge


def test_infinities_that_cancel_in_the_sum_are_still_found():
    with pytest.raises(ValueError, match="2 NaN or infinite"):
        checks.check_finite("x", np.array([np.inf, -np.inf, 1.0]))


def test_an_empty_magnitude_passes():
    assert checks.check_magnitude("x", np.zeros((1, 0, 0)), AXES).size == 0


@pytest.mark.parametrize("rate", [1000, 44100, 44100.0, np.int64(44100), np.float32(16000), 768000])
def test_sample_rates_become_whole_numbers(rate):
    checked = checks.check_sample_rate(rate)
    assert type(checked) is int and checked == rate


def test_numbers_become_pythons_own():
    assert type(checks.check_number("x", np.float32(0.5))) is float
    assert type(checks.check_number("x", np.int64(5))) is int
    assert type(checks.check_number("x", 4096.0, whole=True)) is int
    assert checks.check_number("x", 10**400, above=0) == 10**400
    assert checks.check_number("x", 1, at_least=1, at_most=1) == 1


def test_choices_and_generators_that_pass_come_back(rng):
    assert checks.check_choice("x", "sine", ("hann", "sine")) == "sine"
    assert checks.check_generator("rng", rng) is rng


def test_sources_come_back_in_order(rng, frozen):
    sources = frozen({"b": rng.standard_normal((1, 5)), "a": rng.standard_normal((1, 5))})
    checked = checks.check_sources("sources", sources)
    assert list(checked) == ["b", "a"] and checked["b"] is sources["b"]
