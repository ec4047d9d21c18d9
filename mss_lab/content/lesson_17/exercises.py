"""Exercises of lesson 17, "X-UMX"."""

import itertools

import numpy as np

from ...datasets import duets, pieces, repertoire
from ...lessons import Exercise, answers
from ...lessons.time_limit import within

PIECE = "chorale_b"

# What a function may take for sixty sources.
MOST_SECONDS = 2.0


_IN_WORDS = {5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve"}


def _sums_exercise(players=6):
    others, word = players - 2, _IN_WORDS[players]

    def check(answer):
        return answers.number(
            answer,
            2 * 2**others,
            0.01,
            name="the number of sums",
            where="When is a sum right although the note was moved?",
            mistakes={
                "That is the number of all sums. Some of them are right although the note was moved.": 2**players - 2,
                "That counts the sums that hold the first player and not the second. The other way round is noticed "
                "too.": 2**others,
                "That counts the sums that hold the first player, with or without the second.": 2 * 2**others - 1,
                "Those are the two players alone, which is what a loss without combinations compares.": 2,
                "That counts the sums that hold at least one of the two. With both, nothing is missing.": 3 * 2**others
                - 1,
                f"Each of the other {_IN_WORDS.get(others, others)} players may be in the sum or not, independently of "
                "the rest.": 2 * others,
            },
        )

    return Exercise.from_files(
        __file__,
        number="17.1",
        kind="number",
        task=f"{word.capitalize()} players. A note of one player was given to another one. In how many of the "
        f"2^{players} - 2 sums of the combination loss is that noticed?",
        check=check,
        hints=(
            "A sum that holds both players is right, although they are not. What of a sum that holds neither?",
            f"Two ways to hold exactly one of the two; each of the other {others} players may be in it or not.",
        ),
        values={"players": players},
        praise=f"A bit more than half of them, where a loss without combinations notices it in two of {word}.",
        drawn=_draw_sums,
    )


def _draw_sums(rng):
    return _sums_exercise(int(rng.choice([5, 7, 8, 9, 10, 11, 12])))


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
            "That is the sum over the choices, not their mean.": 14 * expected,
            "That is the sum over the bins, not their mean.": bins * expected,
            "That is the sum over choices and bins, not their mean.": 14 * bins * expected,
        },
    )
    if wrong:
        return wrong
    many = answers.rng(173).standard_normal((60, 5))
    expected = float(_combined(many))
    try:
        result = within(MOST_SECONDS, answers.call, answer, many)
    except TimeoutError:
        return (
            f"Four sources are right, but sixty take more than {MOST_SECONDS:g} s: there are 2^60 - 2 sums, more than "
            "any computer can form one by one."
        )
    return answers.number(
        result,
        expected,
        1e-6 * expected,
        name="the loss of sixty sources",
        where="Four were right. In how many sums is each source, and in how many is each pair?",
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
            "That adds up the energies of the sources and of the errors one by one, without the products of pairs.": 10
            * np.log10(np.sum(sources[chosen > 0] ** 2) / np.sum(errors**2)),
            "The source's energy lacks the products of pairs.": 10
            * np.log10(np.sum(sources[chosen > 0] ** 2) / np.sum((target - estimate) ** 2)),
            "The error's energy lacks the products of pairs.": 10 * np.log10(np.sum(target**2) / np.sum(errors**2)),
            "That is the error over the source, upside down.": -expected,
            "The energies of source and estimate are added up for the error, as if they had nothing to do with "
            "each other.": 10 * np.log10(apart),
            "Only the diagonal is used, as if no signal had anything to do with another.": 10
            * np.log10(np.sum(sources[chosen > 0] ** 2) / np.sum(signals[np.tile(chosen, 2) > 0] ** 2)),
            "The inner product of source and estimate counts once in the error, not twice.": decibels(target, target)
            + 10 * np.log10(np.sum(target**2) / (np.sum(target**2) + np.sum(estimate**2) - target @ estimate)),
            "That compares energies of source and estimate. The error is their difference.": decibels(target, estimate),
            "That is twice too many dB for a ratio of energies.": 2 * expected,
            "That is a ratio, not yet in dB.": 10 ** (expected / 10),
            "That is the mean SDR of the single sources. The sum is one signal.": float(np.mean(alone)),
            "All sources are chosen. Leave out those whose number is 0.": decibels(
                sources.sum(axis=0), (sources - estimates).sum(axis=0)
            ),
        },
    )


RATE_HZ = 8_000
PROGRAMS = {"flute": 73, "clarinet": 71, "viola": 41, "bassoon": 70}
# What happened to which player in each separation, and who received it.
LEAKS = {"A": ("copied", "viola", "flute"), "B": ("moved", "flute", "clarinet"), "C": ("lost", "clarinet", "bassoon")}
SHARE = 0.4


def _three_separations():
    """A mixture of four players and three separations of it: {"mixture": ..., "A": {player: waveform}, ...}."""
    work = repertoire.work_of("chorale", pieces.load("chorale_a").score)
    players = duets.draw_players(PROGRAMS, 1, [174])[0]
    song = duets.song(work, players, [17, 4], sample_rate_hz=RATE_HZ, length_s=5.0)
    rng = answers.rng(174)
    separations = {}
    for name, (leak, player, other) in LEAKS.items():
        waves = {source: wave[None].copy() for source, wave in zip(players, song["audio"], strict=True)}
        stray = SHARE * waves[player]
        if leak in ("moved", "lost"):
            waves[player] = waves[player] - stray
        if leak in ("moved", "copied"):
            waves[other] = waves[other] + stray
        separations[name] = {
            source: (wave + 0.002 * rng.standard_normal(wave.shape)).astype(np.float32)
            for source, wave in waves.items()
        }
    return {"mixture": song["audio"].sum(axis=0, keepdims=True), **separations}


def _check_leaks(answer):
    if answers.is_blank(answer):
        raise answers.Blank
    kinds = ("moved", "copied", "lost")
    if not isinstance(answer, dict) or set(map(str, answer)) != set(LEAKS):
        return f"The answer must be a dict with the keys A, B and C, got {answers.describe(answer)}."
    named = {str(name): " ".join(str(kind).split()).casefold() for name, kind in answer.items()}
    unknown = [kind for kind in named.values() if kind not in kinds]
    if unknown:
        return f"Each value must be one of {', '.join(kinds)}, and one is {unknown[0]!r}."
    if len(set(named.values())) < len(kinds):
        return "Each of moved, copied and lost happened in one of the three separations."
    right = [name for name, (kind, *_) in LEAKS.items() if named[name] == kind]
    if len(right) == len(LEAKS):
        return None
    if right:
        return "One of the three is right, and the other two are exchanged."
    return "None of the three is right."


EXERCISES = (
    _sums_exercise(),
    Exercise.from_files(
        __file__,
        number="17.2",
        kind="construct",
        task="Write `combined(errors)`, errors (J, bins): the mean, over all sums of 1 to J-1 sources and over all "
        "bins, of the squared error of the sum. It must do for 60 sources within two seconds.",
        check=_check_combined,
        hints=(
            "Write the square of a sum as squares and products of pairs. In how many sums is each source, and each "
            "pair?",
            "Each source is in 2^(J-1) - 1 sums, each pair in 2^(J-2) - 1. The sum of all squares has the squares "
            "alone; the square of the sum of all has squares and pairs. How often is each of these two needed?",
            "Divide by the number of sums, 2^J - 2, and by the number of bins.",
        ),
        praise="More sums than a computer could ever form, in two lines.",
    ),
    Exercise.from_files(
        __file__,
        number="17.3",
        kind="construct",
        task="Write `sdr_of_sum(products, taken)`: the SDR in dB of a sum of estimates. `products` (2J, 2J) holds the "
        "inner products of J sources, then J estimates; `taken` (J,) is 1 for what is in the sum, else 0.",
        check=_check_products,
        hints=(
            "The energy of a sum of signals with the weights w is w @ products @ w.",
            "The error is the sum of the taken sources less the sum of the taken estimates. Which weights are these?",
        ),
        praise="No sample was touched: whatever can be said of sums is in the products already.",
    ),
    Exercise.from_files(
        __file__,
        number="17.4",
        kind="sound",
        task='In one of the separations A, B, C of lab.given("17.4") a part of one player was moved to another, in one '
        "it was copied, in one it was lost. Which is which? A dict with the keys A, B and C, and the values moved, "
        "copied and lost.",
        check=_check_leaks,
        given=_three_separations,
        hints=(
            "What does the sum of the four estimates say in each of the three cases, compared with the mixture?",
            "Where a part is moved, the sum is the mixture. In the other two cases the difference is the part itself: "
            "listen to it, or look at the sign of its product with the estimates.",
        ),
        praise="The loss over all sums makes the same comparison, for every sum of players.",
    ),
)
