"""Exercises of lesson 12, "More than a histogram"."""

import numpy as np

from ... import signals
from ...lessons import Exercise, answers
from . import mixtures

PIECE = "band"

LEAST_SDR_DB = 14.0


def _ratios(seed):
    return {name: float(gain[1] / gain[0]) for name, gain in mixtures.gains(seed).items()}


def _drum_exercise(seed=121):
    ratio = _ratios(seed)

    def check(answer):
        return answers.number(
            answer,
            ratio["drum"],
            0.03,
            name="the ratio",
            where="No output of the unmixing has these gains.",
            mistakes={
                "Those are the gains of the vowel, which is held.": ratio["vowel"],
                "The size is right, the sign is not.": -ratio["drum"],
                "That is the gain on the left over that on the right.": 1 / ratio["drum"],
            },
        )

    return Exercise.from_files(
        __file__,
        number="12.1",
        task='lab.given("12.1")["mixture"] is a stereo recording at 16 000 Hz of a drum and a vowel, one of them with '
        "the opposite sign in one channel. What is the drum's gain in the right channel divided by that in the left?",
        check=check,
        hints=(
            "mss_lab.spatial.ica.unmixing gives the matrix whose outputs are the two sources. What are the columns of "
            "its inverse?",
            "Multiply the mixture by the matrix, and play both outputs. The column of the one that is struck has the "
            "two gains.",
        ),
        values={"drum": round(ratio["drum"], 3), "vowel": round(ratio["vowel"], 3)},
        praise="A histogram of magnitudes would have lost the sign.",
        drawn=lambda rng: _drum_exercise(int(rng.integers(1, 1_000_000))),
        given=lambda: {"mixture": mixtures.drum_and_vowel(seed)},
        kind="sound",
    )


def _check_align(answer):
    rng = answers.rng(122)
    ordered, mixed = mixtures.outputs_of_ica(rng)
    result = answers.call(answer, mixed)
    if isinstance(result, np.ndarray) and result.shape == ordered.shape and np.array_equal(result, ordered[:, ::-1]):
        return None
    energies = np.sum(mixed, axis=2, keepdims=True)
    by_energy = np.where(energies[:, :1] >= energies[:, 1:], mixed, mixed[:, ::-1])
    return answers.array(
        result,
        ordered,
        "freq outputs frames",
        name="the result",
        where="In these frequencies, compare in which frames the two outputs are loud.",
        mistakes={
            "That is what came in: nothing was exchanged.": mixed,
            "The louder output comes first in every frequency. Which source is louder differs from one frequency to "
            "another.": by_energy,
            "The louder output comes last in every frequency. Which source is louder differs from one frequency to "
            "another.": by_energy[:, ::-1],
        },
    )


def _entry_numbers(degrees):
    """The entry of the filter, and what typical mistakes give instead."""
    phi = np.radians(degrees)
    return {
        "right": -1 / np.tan(phi),
        "sign": 1 / np.tan(phi),
        "tangent": -np.tan(phi),
        "cosine": -np.cos(phi),
        "mask": 0.0,
        "radians": -1 / np.tan(degrees),
    }


def _entry_exercise(degrees=60):
    entry = _entry_numbers(degrees)

    def check(answer):
        return answers.number(
            answer,
            entry["right"],
            0.001,
            name="the entry",
            where="With this entry, the other source would still be audible in the left channel.",
            mistakes={
                "Its size is right, its sign is not: the other source would become louder.": entry["sign"],
                "That exchanges what the other source has in the left and in the right channel.": entry["tangent"],
                "That would be right if the other source had the gain 1 in the right channel.": entry["cosine"],
                "That is a mask that does not mix the channels.": entry["mask"],
                f"{degrees} was used as an angle in radians.": entry["radians"],
            },
        )

    return Exercise.from_files(
        __file__,
        number="12.3",
        task=f"Two sources of equal power sit at 0 and at {degrees} degrees. What is the entry of the mask M_1 of the "
        "one at 0 degrees in the first row and second column?",
        check=check,
        hints=(
            "Two directions in two channels: the mask keeps one exactly and silences the other, as in the example with "
            "5 and 3.",
            "The first row gives the left channel of the estimate. What must that be for each of the sources alone?",
        ),
        values={"degrees": degrees},
        praise="The powers do not matter here: two directions in two channels can be undone whatever they are.",
        drawn=_draw_entry,
        kind="number",
    )


def _draw_entry(rng):
    def far_apart(degrees):
        return np.diff(np.sort(list(_entry_numbers(degrees).values()))).min() > 0.01

    return _entry_exercise(answers.telling(lambda: int(rng.integers(20, 81)), far_apart))


def _three_given():
    return {"mixture": signals.mix(mixtures.three_instruments())}


def _check_three(answer):
    return answers.reached(answer, mixtures.three_instruments(), LEAST_SDR_DB)


EXERCISES = (
    _drum_exercise(),
    Exercise.from_files(
        __file__,
        number="12.2",
        task="Write `align(magnitudes)`: two outputs in every frequency, (freq, 2, frames), exchanged where needed so "
        "that each of the two is one source at all frequencies.",
        check=_check_align,
        hints=(
            "np.corrcoef of two courses over the frames is near 1 if they are loud together.",
            "Go from one frequency to the next. In each there are two orders; keep the one that is correlated more "
            "with those already decided.",
        ),
        praise="This is the permutation problem of ICA in rooms, and the idea of AuxIVA.",
        kind="construct",
    ),
    _entry_exercise(),
    Exercise.from_files(
        __file__,
        number="12.4",
        task='lab.given("12.4")["mixture"] is a stereo recording at 16 000 Hz of three instruments in one range, '
        f"panned by level. Give estimates of all three with a mean SDR of at least {LEAST_SDR_DB:g} dB.",
        check=_check_three,
        hints=(
            "How many hills does the histogram of lesson 11 have? Not every one of them is an instrument: you know "
            "that there are three.",
            "Give the three angles to a method of this lesson as pans_rad. Both PROJET and the Gaussian model share "
            "bins.",
        ),
        praise="Two channels cannot undo three sources that share a bin, but they can share it better than a mask.",
        given=_three_given,
        kind="sound",
    ),
)
