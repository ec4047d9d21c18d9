"""Exercises of lesson 14, "Sparse, sinusoidal, auditory"."""

import numpy as np

from ... import catalogue
from ...lessons import Exercise, answers

PIECE = "song"

# What is known of the mixture of exercise 14.5.
FACTS = ("voice", "repeats")


def _check_shrink(answer):
    rng = answers.rng(141)
    threshold = answers.varied(0.5, 0.3, 0.9, rng)
    # Values of both signs, above the threshold and below it, and a 0; each may grow or shrink by a fifth.
    values = np.array([[-3.0, -0.4, 0.0], [0.25, 1.0, 5.0]]) * threshold / 0.5
    values = values * answers.usually(1.0, lambda: rng.uniform(0.8, 1.2, values.shape))
    result = answers.call(answer, values, threshold)
    inside = np.abs(values) > threshold
    unclamped = np.sign(values) * (np.abs(values) - threshold)
    unsigned = np.maximum(np.abs(values) - threshold, 0)
    wrong = answers.array(
        result,
        np.sign(values) * np.maximum(np.abs(values) - threshold, 0),
        "rows columns",
        name="the result",
        where="Every value moves towards 0 by the threshold, and stops there.",
        mistakes={
            "That keeps large values as they are. They must come nearer to 0 by the threshold, too.": values * inside,
            "Negative values must come nearer to 0, not go away from it: subtract from the absolute value, then give "
            "the sign back.": np.where(inside, values - threshold, 0),
            "That loses the signs: give them back at the end, with np.sign(values).": unsigned,
            "Values below the threshold become 0; yours change their sign. Stop at 0: np.maximum(..., 0).": unclamped,
        },
    )
    if wrong:
        return wrong
    return answers.array(
        answers.call(answer, values, 0.0), values, "rows columns", name="with a threshold of 0, the result"
    )


def _check_peak(answer):
    a, b, c = -3.0, 0.0, -5.0
    p = 0.5 * (a - c) / (a - 2 * b + c)
    return answers.number(
        answer,
        (100 + p) * 10,
        0.01,
        "Hz",
        name="the frequency",
        where="p = (a - c) / (2 (a - 2b + c)); the peak lies p bins away from bin 100.",
        mistakes={
            "That is the bin itself, without the parabola.": 1000.0,
            "The peak leans to the louder neighbour, and that is the lower one: look at the sign of p.": (100 - p) * 10,
            "That is the position in bins; a bin is 10 Hz wide.": 100 + p,
            "You forgot the factor of a half in p.": (100 + 2 * p) * 10,
        },
    )


def _check_shared(answer):
    return answers.number(
        answer,
        1.8,
        1e-6,
        name="the amplitude",
        where="Each gets its expected energy over the sum of both: squares, not amplitudes.",
        mistakes={
            "That shares in proportion to the expected amplitudes. Least squares with a cost of a^2 / p^2 share in "
            "proportion to their squares.": 1.5,
            "That gives half to each; the louder is expected to have more.": 1.0,
            "That is what the louder is expected to have. It says how to share, not how much there is: together they "
            "are 2.": 3.0,
            "That is the softer one.": 0.2,
        },
    )


def _correlation(rng):
    """A summary correlogram with peaks at one, two and three periods, of which the second is the highest."""
    period = answers.varied(130, 131, 150, rng)
    lags_s = np.arange(3 * period + 11) / 32_000
    period_s = period / 32_000
    heights = answers.varied(0.9, 0.85, 0.95, rng) - 0.15 * np.abs(lags_s / period_s - 2)
    return np.where(lags_s < 2e-4, 1.0, heights * np.cos(np.pi * lags_s / period_s) ** 8), lags_s, period_s


def _check_period(answer):
    rng = answers.rng(144)
    correlation, lags_s, period_s = _correlation(rng)
    highest = lags_s[40 + correlation[40:].argmax()]
    wrong = answers.number(
        answers.call(answer, correlation, lags_s),
        period_s,
        2e-5,
        "s",
        name="the period",
        where="Look at peaks only, leave out lags below 1.25 ms, and take the first that is above 0.8 of the highest.",
        mistakes={
            "Every sound is like itself without a delay: leave out lags below 1.25 ms.": 0.0,
            "That is the highest peak. Two periods are a period, too; take the first that is nearly as high.": highest,
            "That is the first lag above 0.8 of the highest, which lies on the way up: a peak is higher than both "
            "neighbours.": lags_s[40 + np.argmax(correlation[40:] > 0.8 * correlation[40:].max())],
            "That is a frequency in Hz; the period is one over it.": 1 / period_s,
        },
    )
    if wrong:
        return wrong
    # A small bump comes first.
    bump_s = answers.varied(0.0024, 0.002, 0.0026, rng)
    bumpy = correlation + 0.3 * np.exp(-(((lags_s - bump_s) / 1e-4) ** 2))
    return answers.number(
        answers.call(answer, bumpy, lags_s),
        period_s,
        2e-5,
        "s",
        name="with a small bump before it, the period",
        where="Take the first peak that is above 0.8 of the highest, not the first peak of all.",
    )


def _check_methods(answer):
    if answers.is_blank(answer):
        raise answers.Blank
    if isinstance(answer, str) or not isinstance(answer, set | frozenset | list | tuple):
        return f"The answer must be a set of names, got {answers.describe(answer)}. Write it like {{'hpss', 'repet'}}."
    named = set(answer)
    unknown = [name for name in named if name not in catalogue.names()]
    if unknown:
        return f"There is no method named {unknown[0]!r}; the names are those of catalogue.names()."
    expected = {method.name for method in catalogue.fitting(FACTS)}
    for name in catalogue.names():
        fits = catalogue.get(name).fits
        if name in named - expected:
            missing = ", ".join(catalogue.FACTS[fact] for fact in catalogue.FACTS if fact in fits - set(FACTS))
            return f"{name} needs more than is known here: {missing}."
    missed = len(expected - named)
    if missed:
        return f"All that you name fit, but {missed} more would. Which assume nothing but a voice, or repetition?"
    return None


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="14.1",
        task="Write `shrink(values, threshold)`: every value moved towards 0 by the threshold, but not beyond 0.",
        check=_check_shrink,
        hints=(
            "The absolute value less the threshold, but at least 0.",
            "np.maximum(np.abs(values) - threshold, 0) lacks only the signs.",
        ),
        praise="Used on singular values it makes a matrix low-rank, used on the matrix itself it makes it sparse.",
    ),
    Exercise.from_files(
        __file__,
        number="14.2",
        task="Bins are 10 Hz apart. Bins 99, 100 and 101 have -3, 0 and -5 dB. At which frequency does the parabola "
        "through them peak?",
        check=_check_peak,
        hints=("a = -3, b = 0, c = -5: p = (a - c) / (2 (a - 2b + c)).", "p is -1/8 of a bin."),
        praise="An eighth of a bin, out of three numbers.",
    ),
    Exercise.from_files(
        __file__,
        number="14.3",
        task="Two partials lie at one frequency. Their families let expect amplitudes of 3 and 1; together they are "
        "heard with 2. How much does the one that is expected louder get?",
        check=_check_shared,
        hints=(
            "The smallest a1^2 / 3^2 + a2^2 / 1^2 for which a1 + a2 = 2.",
            "Shares are as the squares, 9 to 1.",
        ),
        praise="The Wiener filter of lesson 03 again, for one bin and two partials.",
    ),
    Exercise.from_files(
        __file__,
        number="14.4",
        task="Write `period(correlation, lags_s)`: the lag in seconds of the first peak that is above 0.8 of the "
        "highest peak, of lags from 1.25 ms on.",
        check=_check_period,
        hints=(
            "Index i is a peak if correlation[i] is above both correlation[i - 1] and correlation[i + 1].",
            "Collect the peaks with lags_s[i] >= 0.00125 in a list; find the highest of them; return the first above "
            "0.8 of it.",
        ),
        praise="The highest peak would have been an octave too low.",
    ),
    Exercise.from_files(
        __file__,
        number="14.5",
        task="A mono recording, without a score: one singer over a guitar that plays a loop. Which methods of the "
        "catalogue assume no more than that? Write the set of their names.",
        check=_check_methods,
        hints=(
            "Mono leaves out every method that needs stereo; no score, every method that needs one.",
            'catalogue.fitting({"voice", "repeats"}) knows.',
        ),
        praise="Start with the one whose assumption you trust most, then listen for what breaks it.",
    ),
)
