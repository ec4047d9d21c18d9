"""A/B/X: a fair order, an exact p-value, and words that state it."""

import math

import numpy as np
import pytest

from mss_lab.metrics import abx


def tail(right, trials):
    """The probability of `right` or more heads in `trials` throws, counted with whole numbers."""
    return sum(math.comb(trials, count) for count in range(right, trials + 1)) / 2**trials


@pytest.mark.parametrize("trials", [1, 2, 5, 10, 16, 25, 200])
def test_the_p_value_is_a_sum_of_binomial_coefficients(trials):
    for right in range(trials + 1):
        assert abx.p_value(right, trials) == pytest.approx(tail(right, trials), rel=1e-9)
    assert abx.p_value(0, trials) == 1


def test_a_guessing_listener_does_as_well_as_often_as_the_p_value_says():
    rng = np.random.default_rng(0)
    right = np.array(
        [abx.judge(abx.order(16, rng=rng), abx.order(16, rng=rng)).right for _ in range(4000)],
    )
    assert right.mean() == pytest.approx(8, abs=0.1)
    for count in (8, 10, 12):
        share = abx.p_value(count, 16)
        # Three standard deviations of a share of 4000 tests.
        assert np.mean(right >= count) == pytest.approx(share, abs=3 * math.sqrt(share * (1 - share) / 4000))


@pytest.mark.parametrize("trials", range(1, 41))
def test_the_fewest_right_answers_are_significant_and_one_less_is_not(trials):
    fewest = abx.fewest_right(trials)
    if fewest is None:
        assert trials < abx.FEWEST_TRIALS
        assert tail(trials, trials) > 0.05
    else:
        assert tail(fewest, trials) <= 0.05 < tail(fewest - 1, trials)
        assert abx.Result(fewest, trials).significant
        assert not abx.Result(fewest - 1, trials).significant


def test_known_values():
    # Clark's tables and most textbooks give 12 of 16 and 9 of 10.
    assert [abx.fewest_right(trials) for trials in (4, 5, 10, 16)] == [None, 5, 9, 12]
    assert abx.fewest_right(16, level=0.01) == 14


def test_the_order_is_fair_independent_and_follows_the_seed():
    order = abx.order(1000, rng=np.random.default_rng(3))
    assert order == abx.order(1000, rng=np.random.default_rng(3))
    assert set(order) == {"A", "B"}
    letters = np.array(order) == "A"
    assert abs(letters.mean() - 0.5) < 0.05
    # Whether a letter is repeated is a fair draw as well.
    assert abs(np.mean(letters[1:] == letters[:-1]) - 0.5) < 0.05
    # Not balanced: the number of A differs between tests as it does for coins, with a variance of 16 / 4.
    rng = np.random.default_rng(4)
    counts = [abx.order(16, rng=rng).count("A") for _ in range(2000)]
    assert np.var(counts) == pytest.approx(4, rel=0.1)


def test_answers_are_compared_one_by_one():
    assert abx.judge("ABBA", "ABAB") == abx.Result(2, 4)
    assert abx.judge(("A",), ("A",)).p_value == 0.5


@pytest.mark.parametrize(
    ("right", "trials", "words"),
    [
        (12, 16, "12 of 16 right; by guessing 3.8 % would do at least as well"),
        (16, 16, "16 of 16 right; by guessing less than 0.1 % would do at least as well"),
        (0, 16, "0 of 16 right; by guessing 100 % would do at least as well"),
        (1, 1, "1 of 1 right; by guessing 50.0 % would do at least as well"),
    ],
)
def test_results_in_words(right, trials, words):
    assert abx.Result(right, trials).in_words() == words


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: abx.order(0, rng=np.random.default_rng(0)), "trials must be a whole number at least 1"),
        (lambda: abx.order(2.5, rng=np.random.default_rng(0)), "trials must be a whole number"),
        (lambda: abx.p_value(17, 16), "right must be a whole number at least 0 and at most 16"),
        (lambda: abx.fewest_right(16, level=1), "level must be a number above 0 and below 1"),
        (lambda: abx.judge("AB", "A"), "one answer for each of 2 trials, got 1"),
        (lambda: abx.judge("AB", "AX"), "each letter of answers must be one of 'A', 'B', got 'X'"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_an_order_without_a_generator_is_refused():
    with pytest.raises(TypeError, match="default_rng"):
        abx.order(16, rng=0)
