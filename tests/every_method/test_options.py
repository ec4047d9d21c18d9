"""What the options of every method may be: declared for each, wide enough for the default, and held at the door."""

import functools
import inspect
import math

import numpy as np
import pytest

from mss_lab import catalogue, checks, cli, options
from mss_lab.nmf.entries import TRAINED_NMF
from mss_lab.nmf.instruments import MEASURED_ON
from mss_lab.refusals import RefusedType, RefusedValue
from tests.every_method.test_catalogue import every_entry

ABSURD = (10**12, -(10**12), 1e300, -1e300, math.nan, math.inf, -math.inf)
WRONG = ("", "wide", True, None, [1], {"a": 1}, 1j)


@options.within(gain=options.Number(0, 2), mode=options.Choice(("soft", "hard")), loud=options.Switch())
def made_up(mixture, sample_rate_hz, score=None, *, gain=1.0, mode="soft", loud=False, count=None, rng=None):
    return gain, mode, loud, count, rng


@every_entry
def test_every_option_of_every_method_is_declared_and_its_default_allowed(method):
    assert options.of(method.load()) == method.options
    assert options.check(method.options, method.defaults()) == method.defaults()
    # A declaration that allows everything is meant for what is neither a number, a word nor a switch.
    for name, option in method.options.items():
        if isinstance(option.rule, options.Own):
            assert not isinstance(option.default, bool | int | float), name


@every_entry
def test_absurd_numbers_and_wrong_types_are_refused_before_anything_is_read(method):
    for name, option in method.options.items():
        rule = option.rule
        if not isinstance(rule, options.Number):
            continue
        for value in ABSURD:
            with pytest.raises(RefusedValue, match=rf"{name} must be .* at least .* and at most .*, got") as caught:
                catalogue.separator(method.name, **{name: value})
            assert rule.unit in str(caught.value)
        for value in WRONG:
            if value is None and option.default is None:
                continue
            with pytest.raises(RefusedType, match=f"{name} must be"):
                catalogue.separator(method.name, **{name: value})
        for value in (rule.at_least, rule.at_most):
            catalogue.separator(method.name, **{name: value})


@every_entry
def test_a_call_from_python_is_held_to_the_same_ranges(method):
    with pytest.raises((RefusedType, RefusedValue)):
        name = next(name for name, option in method.options.items() if isinstance(option.rule, options.Number))
        method.load()(np.zeros((2, 100), np.float32), 16_000, None, **{name: 10**12})


def test_values_reach_the_function_in_the_form_that_it_wants():
    assert made_up(None, 1, gain=np.float32(0.5)) == (0.5, "soft", False, None, None)
    assert made_up(None, 1, count=3.0, loud=np.True_, mode="hard") == (1.0, "hard", True, 3, None)
    assert isinstance(made_up(None, 1, count=3.0)[3], int)
    rng = np.random.default_rng(0)
    assert made_up(None, 1, rng=rng)[4] is rng


@pytest.mark.parametrize(
    "given, error, words",
    [
        ({"gain": 2.1}, RefusedValue, "gain must be a number at least 0 and at most 2, got 2.1"),
        ({"gain": None}, RefusedType, "gain must be a number"),
        ({"mode": "hrad"}, RefusedValue, "did you mean 'hard'"),
        ({"mode": 1}, RefusedValue, "mode must be one of"),
        ({"loud": 1}, RefusedType, "loud must be true or false, got 1"),
        ({"loud": "yes"}, RefusedType, "loud must be true or false, got 'yes'"),
        ({"count": 0}, RefusedValue, r"count must be a whole number at least 1 and at most 32 \(sources\), got 0"),
        ({"count": 1.5}, RefusedValue, "count must be a whole number"),
        ({"rng": 0}, RefusedType, "np.random.default_rng"),
    ],
)
def test_what_may_not_be_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        made_up(None, 1, **given)


def test_the_function_keeps_its_name_its_signature_and_its_own_errors():
    assert made_up.__name__ == "made_up"
    assert "gain" in inspect.signature(made_up).parameters
    with pytest.raises(TypeError, match="unexpected keyword"):
        made_up(None, 1, gian=1)


def test_a_rule_for_no_option_and_an_option_without_a_rule_are_faults():
    with pytest.raises(TypeError, match="no option bins"):
        options.within(bins=options.Number(0, 1))(lambda mixture, *, count=1: None)
    with pytest.raises(KeyError, match="never_declared"):
        options.within()(lambda mixture, *, never_declared=1: None)


@pytest.mark.parametrize(
    "declared, words",
    [
        ({"count": 1}, "has the options window_s, count, declared are count"),
        ({"count": 1, "window_s": 0.1}, "has the options window_s, count, declared are count, window_s"),
        ({"window_s": 0.1, "count": 1, "runs": 1}, "declared are window_s, count, runs"),
        ({"window_s": 0.1, "count": 2}, "has count=1, declared is 2"),
        ({"window_s": 0.1, "count": 1.0}, "has count=1, declared is 1.0"),
        ({"window_s": 0.1, "count": None}, "has count=1, declared is None"),
    ],
)
def test_a_function_is_held_to_what_is_declared_for_it(declared, words):
    def function(mixture, sample_rate_hz, score=None, *, window_s=0.1, count=1):
        return window_s, count

    assert options.within(options.declare(window_s=0.1, count=1))(function)(0, 1, count=3) == (0.1, 3)
    with pytest.raises(TypeError, match=words):
        options.within(options.declare(**declared))(function)


def test_a_bare_default_has_the_rule_of_its_name_and_a_truth_value_is_a_switch():
    declared = options.declare(window_s=0.1, lean=True, gain=options.Option(1.0, options.Number(0, 2)))
    assert declared["window_s"].rule is options.SHARED["window_s"]
    assert declared["lean"] == options.Option(True, options.Switch())
    with pytest.raises(KeyError, match="no_such_name"):
        options.declare(no_such_name=1)


def test_only_options_of_several_methods_are_shared():
    for name in options.SHARED:
        owners = [method.name for method in catalogue.METHODS if name in method.options]
        assert len(owners) > 1, f"{name} is an option of {owners} alone, and belongs into its entry"


def test_options_of_a_partial_are_those_that_are_left():
    assert list(options.of(functools.partial(made_up, gain=2.0))) == ["mode", "loud", "count", "rng"]
    assert options.of(made_up)["gain"] == options.Option(1.0, options.Number(0, 2))
    plain = options.of(lambda mixture, sample_rate_hz, score=None, *, anything=7: None)
    assert plain == {"anything": options.Option(7, options.Own())}


def test_choices_are_what_their_modules_know():
    assert set(TRAINED_NMF.options["measured_on"].rule.choices) == set(MEASURED_ON)


@pytest.mark.parametrize("value", [None, {}, {"lead": "flute"}, "lead=flute", " lead = flute , low=tuba,"])
def test_pairs_are_text_or_a_dict(value):
    found = checks.check_pairs("players", value, "SOURCE", "INSTRUMENT")
    assert found == ({} if not value else {"lead": "flute", "low": "tuba"} if "," in value else {"lead": "flute"})


@pytest.mark.parametrize("value", ["foo", "", "=", "a=", "=b", "a=b,c", 3, 2.5, True, ["a"], {"a": 1}, {1: "a"}])
def test_pairs_that_are_none_are_refused(value):
    with pytest.raises(
        (RefusedType, RefusedValue), match="players must be SOURCE=INSTRUMENT, several separated by commas"
    ):
        checks.check_pairs("players", value, "SOURCE", "INSTRUMENT")


def test_the_list_of_methods_says_what_may_be(capsys):
    assert cli.main(["methods"]) == 0
    printed = capsys.readouterr().out
    assert "    window_s=0.09288  (0.0005 to 5 seconds)\n" in printed
    assert "    onsets=False  (true or false)\n" in printed
    assert "    mode=mask  (mask, resynth)\n" in printed
