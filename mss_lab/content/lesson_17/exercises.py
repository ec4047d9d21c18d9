"""Exercises of lesson 17, "X-UMX"."""

import itertools

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_b"


def _check_audible(answer):
    return answers.number(
        answer,
        32,
        0.01,
        name="the number of sums",
        where="A sum that holds both players, or neither, does not notice. Count the sums that hold exactly one.",
        mistakes={
            "That is all there are. A sum that holds both players is right although they are not.": 62,
            "That counts the sums that hold the violin and not the viola. The other way round is heard too.": 16,
            "That counts the sums that hold the violin, with or without the viola. With both, nothing is amiss.": 31,
            "Those are the two players alone, which is what a loss without combinations compares.": 2,
            "That counts the sums that hold at least one of the two. With both, nothing is amiss.": 47,
            "The other four players may each be in the sum or not: 2^4 ways, not 4.": 8,
        },
    )


def _combined(errors, *, own=None, pairs=None, count=None):
    sources = len(errors)
    own = 2 ** (sources - 2) if own is None else own
    pairs = 2 ** (sources - 2) - 1 if pairs is None else pairs
    count = 2**sources - 2 if count is None else count
    return (own * np.sum(errors**2) + pairs * np.sum(np.sum(errors, axis=0) ** 2)) / count / errors.shape[1]


def _check_combined(answer):
    rng = answers.rng(172)
    bins = answers.varied(50, 40, 60, rng)
    errors = rng.standard_normal((4, bins)) + 0.3
    sums = [sum(errors[j] for j in chosen) for size in range(1, 4) for chosen in itertools.combinations(range(4), size)]
    expected = float(np.mean(np.square(sums)))
    wrong = answers.number(
        answers.call(answer, errors),
        expected,
        1e-6 * expected,
        name="the loss of four sources",
        where="Add up the errors of each choice of 1 to 3 sources, square, and take the mean over choices and bins.",
        mistakes={
            "Those are the sources alone, without any sum of two or three.": float(np.mean(errors**2)),
            "The sum of all sources is counted too. X-UMX leaves it out, as it leaves out the sum of none.": _combined(
                errors, pairs=4, count=15
            ),
            "The squares are added up, not the errors: what the sources do together is lost.": _combined(
                errors, pairs=0, own=7
            ),
            "That is the sum over the choices. Take their mean.": 14 * expected,
            "That is the sum over the bins. Take their mean.": bins * expected,
            "That is the sum over choices and bins. Take their mean.": 14 * bins * expected,
        },
    )
    many = answers.rng(173).standard_normal((60, 5))
    expected = float(_combined(many))
    return wrong or answers.number(
        answers.call(answer, many),
        expected,
        1e-6 * expected,
        name="the loss of sixty sources",
        where="Four were right. Here no computer can go through the sums: use their two weights, 2^(J-2) and "
        "2^(J-2) - 1.",
    )


def _check_products(answer):
    rng = answers.rng(174)
    sources = rng.standard_normal((4, 300)) * np.array([[1.0], [0.7], [0.5], [0.3]])
    sources[1] += 0.5 * sources[0]
    estimates = 0.8 * sources + 0.2 * sources[[1, 0, 3, 2]] + 0.1 * rng.standard_normal((4, 300))
    left_out = answers.varied(2, 0, 3, rng)
    signals = np.concatenate([sources, estimates])
    products, chosen = signals @ signals.T, (np.arange(4) != left_out).astype(int)

    def decibels(first, second):
        return 10 * np.log10(np.sum(first**2) / np.sum(second**2))

    target, estimate = chosen @ sources, chosen @ estimates
    errors = (sources - estimates)[chosen > 0]
    alone = [decibels(s, s - e) for s, e in zip(sources[chosen > 0], estimates[chosen > 0], strict=True)]
    expected = decibels(target, target - estimate)
    # As if source and estimate had nothing to do with each other.
    apart = np.sum(target**2) / (np.sum(target**2) + np.sum(estimate**2))
    return answers.number(
        answers.call(answer, products, chosen),
        expected,
        1e-6,
        "dB",
        name="the SDR of the sum",
        where="Weigh the chosen sources by 1 and the chosen estimates by -1: that is the error. The energy of weights "
        "w is w @ products @ w.",
        mistakes={
            "That adds up the energies of the sources and of the errors one by one. A sum's energy has the products of "
            "pairs too.": 10 * np.log10(np.sum(sources[chosen > 0] ** 2) / np.sum(errors**2)),
            "The source's energy lacks the products of pairs.": 10
            * np.log10(np.sum(sources[chosen > 0] ** 2) / np.sum((target - estimate) ** 2)),
            "The error's energy lacks the products of pairs.": 10 * np.log10(np.sum(target**2) / np.sum(errors**2)),
            "That is the error over the source, upside down.": -expected,
            "The energies of source and estimate are added up for the error. It is their difference: take twice their "
            "inner product away.": 10 * np.log10(apart),
            "Only the diagonal is used, as if no signal had anything to do with another.": 10
            * np.log10(np.sum(sources[chosen > 0] ** 2) / np.sum(signals[np.tile(chosen, 2) > 0] ** 2)),
            "The inner product of source and estimate must be chosen away twice.": decibels(target, target)
            + 10 * np.log10(np.sum(target**2) / (np.sum(target**2) + np.sum(estimate**2) - target @ estimate)),
            "That compares energies of source and estimate. The error is their difference.": decibels(target, estimate),
            "An energy is in dB by 10 log10, not 20.": 2 * expected,
            "That is a ratio, not yet in dB.": 10 ** (expected / 10),
            "That is the mean SDR of the single sources. The sum is one signal.": float(np.mean(alone)),
            "All sources are chosen. Leave out those whose number is 0.": decibels(
                sources.sum(axis=0), (sources - estimates).sum(axis=0)
            ),
        },
    )


def _adding_up(masks, exponent):
    powers = masks**exponent
    total = np.sum(powers, axis=0)
    return np.where(total > 0, powers / np.where(total > 0, total, 1), 1 / len(masks))


def _check_adding_up(answer):
    rng = answers.rng(175)
    exponent = answers.varied(2.0, 1.5, 3.0, rng)
    shape = answers.varied(3, 2, 5, rng), answers.varied(6, 4, 8, rng), answers.varied(8, 5, 9, rng)
    masks = rng.random(shape) * 1.7
    masks[1] = np.maximum(masks[1] - 0.6, 0)
    wrong = answers.array(
        answers.call(answer, masks, exponent),
        _adding_up(masks, exponent),
        "sources freq frames",
        name="the masks",
        where="M_j^a over the sum of all M_i^a, in every bin.",
        mistakes={
            "The exponent is not used.": _adding_up(masks, 1.0),
            "Each mask is divided by its own sum. In each bin, divide by the sum over the sources.": masks**exponent
            / np.sum(masks**exponent, axis=(1, 2), keepdims=True),
            "That is cut off at 1, which does not make masks add up. Divide.": np.minimum(masks, 1.0),
            "The masks are raised, but the sum they are divided by is not.": masks**exponent / np.sum(masks, axis=0),
            "The sum is raised to the power after adding. Raise each mask first.": masks**exponent
            / np.sum(masks, axis=0) ** exponent,
        },
    )
    masks[:, 2, 3] = 0
    with np.errstate(all="ignore"):
        bare = masks / np.sum(masks, axis=0)
        result = None if wrong else answers.call(answer, masks, 1.0)
    return wrong or answers.array(
        result,
        _adding_up(masks, 1.0),
        "sources freq frames",
        name="the masks of a bin that nobody claims",
        where="There each of J sources gets 1/J, so that the masks still add up to 1.",
        mistakes={
            "In a bin that nobody claims, 0 is divided by 0. Each of J sources gets 1/J there.": bare,
            "A bin that nobody claims is lost: its masks are 0. Give each of J sources 1/J.": np.nan_to_num(bare),
        },
    )


def _check_memory(answer):
    def count(into=512, hidden=256, directions=2, biases=2, gates=4):
        return directions * gates * hidden * (into + hidden + biases)

    return answers.number(
        answer,
        count(),
        0.5,
        name="the number of weights",
        where="Each of two directions has four gates; a gate has 256 rows, each of 512 + 256 weights and two biases.",
        mistakes={
            "That is one direction. The frames are read forwards and backwards.": count(directions=1),
            "The biases are missing: each row of each gate has two.": count(biases=0),
            "torch keeps two biases for each row, one of them for the state before.": count(biases=1),
            "Each direction has half the features: 256 states, so that both together have 512.": count(hidden=512),
            "What it remembers is missing: each gate also reads the 256 numbers of the state before.": count(into=256),
            "Three gates and the new content make four matrices.": count(gates=3),
            "That is one gate of one direction.": count(directions=1, gates=1),
        },
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="17.1",
        task="Six players. A note of the violin was given to the viola instead. In how many of the 2^6 - 2 sums of the "
        "combination loss is that heard?",
        check=_check_audible,
        hints=(
            "A sum that holds both players is right, although they are not. So is one that holds neither.",
            "Two ways to hold exactly one of the two; the other four players may each be in it or not.",
        ),
        praise="A bit more than half of them, where a loss without combinations hears it in two of six.",
    ),
    Exercise.from_files(
        __file__,
        number="17.2",
        task="Write `combined(errors)`, errors (J, bins): the mean, over all sums of 1 to J-1 sources and over all "
        "bins, of the squared error of the sum. It must do for 60 sources.",
        check=_check_combined,
        hints=(
            "Write the square of a sum as squares and products of pairs. In how many sums is each source, and each "
            "pair?",
            "Each source is in 2^(J-1) - 1 sums, each pair in 2^(J-2) - 1. What the sum of all squares and the square "
            "of the sum of all give together, is: 2^(J-2) times the first, 2^(J-2) - 1 times the second.",
            "Divide by 2^J - 2, the number of sums, and by the number of bins.",
        ),
        praise="More sums than a computer could ever form, in two lines.",
    ),
    Exercise.from_files(
        __file__,
        number="17.3",
        task="Write `sdr_of_sum(products, taken)`: the SDR in dB of a sum of estimates. `products` (2J, 2J) holds the "
        "inner products of J sources, then J estimates; `taken` (J,) is 1 for what is in the sum, else 0.",
        check=_check_products,
        hints=(
            "The energy of a sum of signals with the weights w is w @ products @ w.",
            "The error is the sum of the taken sources less the sum of the taken estimates: weights 1 and -1.",
        ),
        praise="No sample was touched: whatever can be said of sums is in the products already.",
    ),
    Exercise.from_files(
        __file__,
        number="17.4",
        task="Write `adding_up(masks, exponent)`, masks (J, freq, frames): masks that add up to 1 in every bin, also "
        "where all are 0.",
        check=_check_adding_up,
        hints=(
            "Raise every mask to the exponent, then divide by the sum over the sources.",
            "Where that sum is 0 each source gets 1/J: np.where(total > 0, ..., 1 / len(masks)).",
        ),
        praise="What was asked of every source by itself is now shared out among all.",
    ),
    Exercise.from_files(
        __file__,
        number="17.5",
        task="How many weights has one layer of a branch's recurrent network in the paper's size: 512 features in, an "
        "LSTM of 256 states in each direction, as torch counts them?",
        check=_check_memory,
        hints=(
            "An LSTM has four matrices for what comes in and four for the state before: 256 rows each.",
            "Rows of 512 and 256 weights and two biases, four gates, two directions.",
        ),
        praise="Three such layers in each of four branches: most of what the network knows is memory.",
    ),
)
