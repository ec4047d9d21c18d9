"""Exercises of lesson 00, "Unmix in five minutes". Lesson: notebooks/00_unmix_in_five_minutes.ipynb"""

import numpy as np

from . import answers
from .exercise import Exercise

PIECE = "chorale_a"


def _check_bin(answer):
    return answers.number(
        answer,
        41,
        0.01,
        name="the bin",
        where="A bin lies every sample_rate / window Hz; the second harmonic of A3 is at 440 Hz.",
        slips={
            "That is the fundamental, 220 Hz; the second harmonic is twice as high.": 20,
            "Bins are whole: round to the nearest.": 440 * 4096 / 44_100,
            "That divides by the window; one bin is sample_rate / window wide, so divide by that width.": 4096 / 440,
        },
    )


def _check_share(answer):
    rng = np.random.default_rng(0)
    claims = rng.random((3, 5, 7)) * (rng.random((3, 5, 7)) < 0.6)
    claims[:, 0, 0] = 0
    total = claims.sum(axis=0)
    wanted = np.where(total > 0, claims / np.where(total > 0, total, 1), 1 / 3)
    slips = {
        "Bins that nobody claims came out as 0: the shares no longer add up to 1 there, and sound is lost. "
        "Give each source the same part of them.": np.where(total > 0, wanted, 0),
        "Bins that nobody claims came out as nan, from 0 / 0. Give each source the same part of them.": np.where(
            total > 0, wanted, np.nan
        ),
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = answers.call(answer, claims)
        where = "Divide each claim by the sum over the sources, axis 0."
        return answers.array(shares, wanted, "sources freq frames", name="the shares", where=where, slips=slips)


def _check_sdr(answer):
    rng = np.random.default_rng(1)
    source = rng.standard_normal((2, 1000))
    estimate = 0.8 * source + 0.1 * rng.standard_normal((2, 1000))
    energy, error = np.sum(source**2), np.sum((source - estimate) ** 2)
    return answers.number(
        answers.call(answer, source, estimate),
        10 * np.log10(energy / error),
        1e-6,
        "dB",
        name="the SDR",
        where="10 log10 of the energy of the source over the energy of source minus estimate.",
        slips={
            "That is 20 log10: right for amplitudes, but these are energies, already squared.": 20
            * np.log10(energy / error),
            "The ratio is upside down: the source goes above the line.": 10 * np.log10(error / energy),
            "That compares the energies of source and estimate, not the energy of their difference.": 10
            * np.log10(energy / np.sum(estimate**2)),
        },
    )


def _check_octave(answer):
    return answers.number(
        answer,
        10,
        0.01,
        name="the count",
        where="Write both rows down: 1, 2, 3, ... times f, and 1, 2, 3, ... times 2 f.",
        slips={
            "All of the upper note's harmonics are among the lower note's; the question counts the lower note's.": 20,
            "Only one? Look further up: 4 f is the upper note's second harmonic.": 1,
        },
    )


EXERCISES = (
    Exercise(
        number="0.1",
        task="In which bin of a 4096-sample window at 44 100 Hz lies the second harmonic of A3 (220 Hz)?",
        check=_check_bin,
        hints=(
            "A bin is sample_rate / window Hz wide: about 10.8 Hz here.",
            "The second harmonic has twice the frequency of the note: 440 Hz. Divide, then round.",
        ),
        solution="answer = round(2 * 220 / (44_100 / 4096))",
        mistakes=("answer = round(220 / (44_100 / 4096))", "answer = 440 * 4096 / 44_100"),
        praise="The note's first harmonic is in bin 20, not 20.4: bins are a grid, and music does not stay on it.",
    ),
    Exercise(
        number="0.2",
        task="Write `share(claims)`: turn claims (sources, freq, frames) into shares that add up to 1 in every bin, "
        "also where nobody claims anything.",
        check=_check_share,
        hints=(
            "claims.sum(axis=0) is what all sources together claim.",
            "Where that sum is 0, each of J sources gets 1 / J; np.where chooses bin by bin.",
        ),
        solution=(
            "import numpy as np\n\n"
            "def answer(claims):\n"
            "    total = claims.sum(axis=0)\n"
            "    claimed = total > 0\n"
            "    return np.where(claimed, claims / np.where(claimed, total, 1), 1 / len(claims))"
        ),
        mistakes=(
            "def answer(claims):\n    return claims / claims.sum(axis=0)",
            "def answer(claims):\n    return claims / (claims.sum(axis=0) + 1e-12)",
            "def answer(claims):\n    return claims / claims.max(axis=0).clip(1e-12)",
        ),
        praise="Shares that add up to 1 are why the estimates add up to the mixture: nothing is lost or made.",
    ),
    Exercise(
        number="0.3",
        task="Write `sdr(source, estimate)`: the source-to-distortion ratio of two waveforms, in dB.",
        check=_check_sdr,
        hints=(
            "The distortion is source - estimate; an energy is the sum of squares.",
            "10 * np.log10(energy of the source / energy of the distortion).",
        ),
        solution=(
            "import numpy as np\n\n"
            "def answer(source, estimate):\n"
            "    return 10 * np.log10(np.sum(source**2) / np.sum((source - estimate) ** 2))"
        ),
        mistakes=(
            "import numpy as np\n\ndef answer(source, estimate):\n"
            "    return 20 * np.log10(np.sum(source**2) / np.sum((source - estimate) ** 2))",
            "import numpy as np\n\ndef answer(source, estimate):\n"
            "    return 10 * np.log10(np.sum(source**2) / np.sum(estimate**2))",
        ),
        praise="This is the figure in every table of this course; lesson 04 says when not to trust it.",
    ),
    Exercise(
        number="0.4",
        task="Two notes sound an octave apart. Of the lower note's first 20 harmonics, how many fall on a harmonic of "
        "the upper note?",
        check=_check_octave,
        hints=(
            "The upper note's fundamental is 2 f. Its harmonics are 2 f, 4 f, 6 f, ...",
            "Which of 1 f, 2 f, ..., 20 f are even multiples?",
        ),
        solution="answer = sum(h % 2 == 0 for h in range(1, 21))",
        mistakes=("answer = 20", "answer = 1"),
        praise="Every second one. A score alone cannot say how two players share those bins; lesson 08 learns it.",
    ),
)
