"""Exercises of lesson 03, "Masks and the Wiener filter"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_a"


def _check_generalised(answer):
    rng = answers.rng(32)
    models = rng.random((answers.varied(3, 2, 5, rng), 2, answers.varied(6, 4, 8, rng), answers.varied(5, 4, 8, rng)))
    for exponent in (1, answers.varied(2, 1.5, 3.0, rng), answers.varied(0.5, 0.3, 0.8, rng)):
        powered = models**exponent
        expected = powered / powered.sum(axis=0)
        wrong = answers.array(
            answers.call(answer, models, exponent),
            expected,
            "sources channels freq frames",
            name=f"the mask at exponent {exponent:g}",
            where="Raise every model to the exponent, then divide by the sum over the sources, axis 0.",
            mistakes=_exponent_mistakes(models, exponent),
        )
        if wrong:
            return wrong
    return _check_silence(answer, models) or _check_levels(answer, models)


def _exponent_mistakes(models, exponent):
    ratio = models / models.sum(axis=0)
    return {
        "The exponent changes nothing: it must be applied to the models before they are divided.": ratio,
        "The exponent is applied to the finished ratio mask, so the masks no longer add up to 1. Apply it to the "
        "models first.": ratio**exponent,
    }


def _check_silence(answer, models):
    silent = models.copy()
    silent[:, 0, 0] = 0
    with np.errstate(all="ignore"):
        mask = answers.call(answer, silent, 2)
        total = np.asarray(mask).sum(axis=0)[0, 0]
    return (
        answers.truth(
            not np.isnan(total).any(), "In bins where all models are 0 the mask is nan, from 0 / 0. Share them equally."
        )
        or answers.truth(
            np.abs(total).max() > 1e-3,
            "In bins where all models are 0 the masks add up to 0, so sound is lost there. Give each source 1 / J.",
        )
        or answers.truth(
            np.allclose(total, 1),
            "In bins where all models are 0 the masks do not add up to 1. Give each of the J sources 1 / J.",
        )
        or answers.truth(
            np.allclose(np.asarray(mask)[:, 0, 0], 1 / len(models)),
            "In bins where all models are 0 every source should get the same share, 1 / J.",
        )
    )


def _check_levels(answer, models):
    expected = models**2 / np.sum(models**2, axis=0)
    for level in (1e-6, 1e-200, 1e200):
        with np.errstate(all="ignore"):
            mask = np.asarray(answers.call(answer, level * models, 2))
        if mask.shape != expected.shape or not np.allclose(mask, expected, atol=1e-6):
            return (
                f"At a level of {level:g} the mask is not the same as at 1. A small constant added to the sum decides "
                "quiet recordings, and powers of very small or very large numbers leave the range of floating-point "
                "numbers. Divide by the largest model of the bin first."
            )
    return None


def _check_drift(answer):
    def mask(power):
        return 3**power / (3**power + 2**power)

    return answers.number(
        answer,
        mask(8),
        0.0006,
        name="the mask",
        where="Every round squares the ratio of the two masks, and the first mask squares it once: 3/2 to which power?",
        mistakes={
            "That is the mask after one update. There are two.": mask(4),
            "That is the mask before any update.": mask(2),
            "That is the ratio mask, exponent 1: it never changes.": mask(1),
            "That is the mask after three updates. The first mask is made before any update.": mask(16),
            "That adds up the exponents of three masks, 2 + 2 + 2. Each squares what came before: multiply.": mask(6),
        },
    )


def _check_ninety_nine(answer):
    exact = 10 * np.log10(99)
    return answers.number(
        answer,
        exact,
        0.06,
        "dB",
        name="the difference",
        where="Solve 1 / (1 + 10 ** (-2 d / 20)) = 0.99 for d.",
        mistakes={
            "That is for exponent 1, the ratio mask; with exponent 2 half of it is enough.": 2 * exact,
            "That is the ratio of the powers, 99, not in dB.": 99.0,
            "The sign is turned round: the source that gets the bin is the louder one.": -exact,
        },
    )


def _check_phase_sensitive(answer):
    rng = answers.rng(35)
    draws = rng.standard_normal((2, answers.varied(3, 2, 5, rng), 2, answers.varied(6, 4, 8, rng), 5))
    sources = draws[0] + 1j * draws[1]
    sources[:, 1, 2] = 0
    mixture = sources.sum(axis=0)
    power = np.abs(mixture) ** 2
    safe = np.where(power > 0, power, 1)
    projection = np.real(sources * np.conj(mixture)) / safe
    magnitudes = np.abs(sources) / np.sqrt(safe)
    with np.errstate(all="ignore"):
        mask = answers.call(answer, sources, mixture)
    undefined = np.where(power > 0, np.clip(projection, 0, 1), np.nan)
    return answers.array(
        mask,
        np.clip(projection, 0, 1),
        "sources channels freq frames",
        name="the mask",
        where="The real part of S times the conjugate of X, over |X| squared, cut to 0 to 1.",
        mistakes={
            "That is |S| / |X|: it brings the magnitude right, whatever the phase. Multiply by the cosine of the angle "
            "between them.": np.clip(magnitudes, 0, 1),
            "That projects rightly, but is not cut to the range 0 to 1: np.clip.": projection,
            "Where the mixture is 0 the mask is nan, from 0 / 0. Make it 0 there.": undefined,
            "That is the ideal ratio mask; it does not look at phases at all.": np.abs(sources)
            / np.where(power > 0, np.abs(sources).sum(axis=0), 1),
            "That takes the cosine with its sign lost: the real part may be negative, and then the mask is 0.": np.clip(
                np.abs(projection), 0, 1
            ),
        },
    )


def _remaining_numbers(source, others):
    """The SDR after the Wiener filter, and what typical mistakes give instead."""
    error = source * others / (source + others)
    magnitudes = np.sqrt(source) / (np.sqrt(source) + np.sqrt(others))
    left_by_magnitudes = source * (1 - magnitudes) ** 2 + others * magnitudes**2
    return {
        "right": 10 * np.log10(source / error),
        "unfiltered": 10 * np.log10(source / others),
        "error": error,
        "ratio": source / error,
        "twice": 20 * np.log10(source / error),
        "magnitudes": 10 * np.log10(source / left_by_magnitudes),
    }


def _remaining_exercise(source=9, others=3):
    results = _remaining_numbers(source, others)
    error = f"{source} * {others} / {source + others}"

    def check(answer):
        return answers.number(
            answer,
            results["right"],
            0.02,
            "dB",
            name="the SDR",
            where="The error that remains is v times the power of the others over the power of all; divide v by it.",
            mistakes={
                "That is the source against the others, before any filter. The filter lowers the error further: "
                f"the error that remains is {error}.": results["unfiltered"],
                f"That is the error itself, {error}, not a ratio in dB: take 10 log10 of {source} over it.": results[
                    "error"
                ],
                "That ratio is right, but not in dB yet: take 10 log10 of it.": results["ratio"],
                "That is 20 log10; powers are squared already, so 10 log10.": results["twice"],
                f"That is the SDR of the ratio of magnitudes, sqrt({source}) / (sqrt({source}) + sqrt({others})). The "
                "Wiener filter takes powers.": results["magnitudes"],
            },
        )

    return Exercise.from_files(
        __file__,
        number="3.1",
        task=f"A source has power {source} in a bin, all others together {others}. What SDR does the Wiener filter "
        "reach there on average, in dB?",
        check=check,
        hints=(
            "The error that remains is v_j times the power of the others, divided by the power of all.",
            f"The error is {error}. The SDR is 10 log10 of {source} over that.",
        ),
        values={"source": source, "others": others},
        praise=f"In general it is 10 log10(1 + v / others): {results['unfiltered']:.1f} dB before the filter became "
        f"{results['right']:.1f} dB. The filter never makes it worse than 0 dB, which is what silence scores.",
        drawn=_draw_remaining,
    )


def _draw_remaining(rng):
    def far_apart(powers):
        values = np.array(list(_remaining_numbers(*powers).values()))
        return powers[0] > powers[1] and np.diff(np.sort(values)).min() > 0.05

    return _remaining_exercise(
        *answers.telling(lambda: (int(rng.integers(4, 25)), int(rng.integers(2, 12))), far_apart)
    )


EXERCISES = (
    _remaining_exercise(),
    Exercise.from_files(
        __file__,
        number="3.2",
        task="Write `generalised(models, exponent)`: masks that add up to 1 in every bin at any level, also where all "
        "models are 0.",
        check=_check_generalised,
        hints=(
            "models**exponent / (models**exponent).sum(axis=0) is right wherever a model is heard.",
            "Divide by models.max(axis=0) first, where it is above 0: then no power can overflow or vanish.",
            "Where the maximum is 0 put 1 for every source; divided by their sum that is 1 / J.",
        ),
        praise="Silence, whispers and shouts are all treated alike, and no constant had to be chosen.",
    ),
    Exercise.from_files(
        __file__,
        number="3.3",
        task="One bin, mixture 1, models 3 and 2; refine with update=np.abs, exponent=2, iterations=2. What is the "
        "mask of the first source at the end?",
        check=_check_drift,
        hints=(
            "Before any update the mask is 9 / (9 + 4). The next models are this mask and one minus it.",
            "The ratio of the two masks starts at 3/2 to the power 2. Each update squares it.",
            "After two updates the ratio is 3/2 to the power 8; turn the ratio into a share.",
        ),
        praise="Three to two became 26 to 1, and nothing was learnt on the way.",
    ),
    Exercise.from_files(
        __file__,
        number="3.4",
        task="With the Wiener filter, by how many dB must one source's level exceed the other's to get 99 percent of "
        "a bin?",
        check=_check_ninety_nine,
        hints=(
            "With exponent 2 the mask is a ratio of powers. Which ratio of powers gives 99 percent?",
            "99 to 1. How many dB is a ratio of powers of 99?",
        ),
        praise="Twenty decibels is not much between two players of one piece, so the Wiener filter is rarely binary.",
    ),
    Exercise.from_files(
        __file__,
        number="3.5",
        task="Write `phase_sensitive(source_stfts, mixture_stft)`: the real mask that brings the masked mixture "
        "nearest to each source, cut to 0 to 1, and 0 where the mixture is 0.",
        check=_check_phase_sensitive,
        hints=(
            "Project S on X: the real part of S times the conjugate of X, divided by |X| squared.",
            "Divide by np.where(power > 0, power, 1), so that 0 / 0 becomes 0 / 1.",
            "np.clip(mask, 0, 1) cuts.",
        ),
        praise="Cut at 0 and 1 it no longer adds up to 1 over the sources: that is the price of the cut.",
    ),
)
