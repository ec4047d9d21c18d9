"""A/B/X: can a listener hear any difference between two sounds?

In each trial X is one of A and B, and the listener says which. A listener who perceives no difference guesses, and is
right in half of the trials on average. So the number of right answers is compared with the binomial distribution: how
often would guessing do at least as well?

Contents: order, p_value, fewest_right, Result, judge. Lesson: notebooks/04_is_it_better.ipynb
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.stats

from .. import checks
from ..refusals import RefusedValue

LETTERS = ("A", "B")
LEVEL = 0.05
# With fewer trials, guessing is right in all of them more often than in 5 % of the tests.
FEWEST_TRIALS = 5
MOST_TRIALS = 1000


def order(trials: int, *, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw what X is in each trial: A or B, each with probability one half, independently of all other trials.

    The order is not balanced: A may come more often than B. If both came equally often, a listener who counts could
    infer the last trials from the first ones, and the number of right guesses would not have a binomial distribution.

    Parameters
    ----------
    trials : int, 1 to 1000
    rng : numpy Generator
        The same seed gives the same order.

    Returns
    -------
    tuple of "A" and "B"

    Raises
    ------
    TypeError, ValueError
        If `trials` is not such a number, or there is no generator.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: Clark, "High-resolution subjective testing using a double-blind
    comparator", Journal of the Audio Engineering Society, 1982.

    Examples
    --------
    >>> order(5, rng=np.random.default_rng(0))
    ('B', 'B', 'B', 'A', 'A')
    """
    trials = check_trials(trials)
    checks.check_generator("rng", rng)
    return tuple(LETTERS[draw] for draw in rng.integers(2, size=trials))


def p_value(right: int, trials: int) -> float:
    """The probability that guessing gives at least `right` right answers in `trials` trials.

    This is the p-value of the exact binomial test, one-sided: fewer right answers than half are no evidence that a
    difference is audible.

    Parameters
    ----------
    right : int, 0 to `trials`
    trials : int, 1 to 1000

    Returns
    -------
    float
        Above 0 and up to 1; small where guessing is a poor explanation.

    Raises
    ------
    TypeError, ValueError
        If the numbers are not whole or out of range.

    Lesson: notebooks/04_is_it_better.ipynb

    Examples
    --------
    >>> round(p_value(12, 16), 4)
    0.0384
    """
    trials = check_trials(trials)
    right = checks.check_number("right", right, at_least=0, at_most=trials, whole=True)
    return float(scipy.stats.binomtest(right, trials, 0.5, alternative="greater").pvalue)


def fewest_right(trials: int, level: float = LEVEL) -> int | None:
    """The smallest number of right answers whose p-value is at most `level`; None if even all right are not enough.

    Parameters
    ----------
    trials : int, 1 to 1000
    level : float in (0, 1)
        The level of significance.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range.

    Lesson: notebooks/04_is_it_better.ipynb

    Examples
    --------
    >>> fewest_right(16), fewest_right(5), fewest_right(4)
    (12, 5, None)
    """
    trials = check_trials(trials)
    checks.check_number("level", level, above=0, below=1)
    # The p-value falls as the number of right answers rises.
    return next((right for right in range(trials + 1) if p_value(right, trials) <= level), None)


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of a test.

    Attributes
    ----------
    right, trials : int
        Number of right answers, and of trials.
    """

    right: int
    trials: int

    @property
    def p_value(self) -> float:
        """The probability that guessing would do at least as well."""
        return p_value(self.right, self.trials)

    @property
    def significant(self) -> bool:
        """Whether the p-value is at most 5 %."""
        return self.p_value <= LEVEL

    def in_words(self) -> str:
        """The result in one sentence.

        Examples
        --------
        >>> Result(12, 16).in_words()
        '12 of 16 right; by guessing 3.8 % would do at least as well'
        """
        return f"{self.right} of {self.trials} right; by guessing {_percent(self.p_value)} would do at least as well"


def judge(key: Sequence[str], answers: Sequence[str]) -> Result:
    """Compare the answers of a listener with what X was in each trial.

    Parameters
    ----------
    key : sequence of "A" and "B"
        From `order`.
    answers : sequence of "A" and "B", equally long

    Raises
    ------
    ValueError
        If the lengths differ, or something else than "A" and "B" is in them.
    """
    for name, letters in (("key", key), ("answers", answers)):
        for letter in letters:
            checks.check_choice(f"each letter of {name}", letter, LETTERS)
    if len(key) != len(answers):
        raise RefusedValue(f"there must be one answer for each of {len(key)} trials, got {len(answers)} answers")
    right = sum(x == answer for x, answer in zip(key, answers, strict=True))
    return Result(right, check_trials(len(key)))


def check_trials(trials: int) -> int:
    """Return the number of trials, or raise TypeError or ValueError if it is not a whole number from 1 to 1000."""
    return int(checks.check_number("trials", trials, at_least=1, at_most=MOST_TRIALS, whole=True))


def _percent(share: float) -> str:
    return "less than 0.1 %" if share < 0.001 else f"{100 * share:.3g} %" if share > 0.995 else f"{100 * share:.1f} %"
