"""Exercises of lesson 00, "Unmix in five minutes"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_a"

RATE_HZ = 44_100
# Fundamentals to draw from, as every table of notes gives them.
NOTES_HZ = {
    "A2": 110.0, "B2": 123.5, "C3": 130.8, "D3": 146.8, "E3": 164.8, "F3": 174.6, "G3": 196.0, "A3": 220.0,
    "B3": 246.9, "C4": 261.6, "D4": 293.7, "E4": 329.6, "F4": 349.2, "G4": 392.0,
}  # fmt: skip


def _bin_exercise(note="A3", window=4096):
    hz = NOTES_HZ[note]
    first, second = hz * window / RATE_HZ, 2 * hz * window / RATE_HZ

    def check(answer):
        return answers.number(
            answer,
            round(second),
            0.01,
            name="the bin",
            where=f"A bin lies every sample_rate / window Hz; the second harmonic of {note} is at {2 * hz:g} Hz.",
            mistakes={
                f"That is the fundamental, {hz:g} Hz; the second harmonic is twice as high.": round(first),
                "Bins are whole: round to the nearest.": second,
                "That divides by the window; one bin is sample_rate / window wide, so divide by that width.": window
                / (2 * hz),
            },
        )

    return Exercise.from_files(
        __file__,
        number="0.1",
        task=f"In which bin of a {window}-sample window at 44 100 Hz lies the second harmonic of {note} ({hz:g} Hz)?",
        check=check,
        hints=(
            f"A bin is sample_rate / window Hz wide: about {RATE_HZ / window:.1f} Hz here.",
            f"The second harmonic has twice the frequency of the note: {2 * hz:g} Hz. Divide, then round.",
        ),
        values={"hz": hz, "window": window},
        praise=f"The note's first harmonic is in bin {round(first)}, not {first:.1f}: bins are a grid, and music does "
        "not stay on it.",
        drawn=_draw_bin,
    )


def _draw_bin(rng):
    def draw():
        return str(rng.choice(list(NOTES_HZ))), int(rng.choice([2048, 4096, 8192]))

    def between_bins(note_and_window):
        note, window = note_and_window
        parts = np.array([1, 2]) * NOTES_HZ[note] * window / RATE_HZ % 1
        # Neither on a bin, nor half-way, where it would be open which way to round.
        return np.all((np.abs(parts - 0.5) > 0.06) & (np.abs(parts - 0.5) < 0.44))

    return _bin_exercise(*answers.telling(draw, between_bins))


def _check_share(answer):
    rng = answers.rng(0)
    shape = answers.varied(3, 2, 5, rng), answers.varied(5, 4, 8, rng), answers.varied(7, 4, 8, rng)
    claims = rng.random(shape) * (rng.random(shape) < 0.6)
    claims[:, 0, 0] = 0
    total = claims.sum(axis=0)
    expected = np.where(total > 0, claims / np.where(total > 0, total, 1), 1 / len(claims))
    mistakes = {
        "Bins that nobody claims came out as 0: the shares no longer add up to 1 there, and sound is lost. "
        "Give each source the same part of them.": np.where(total > 0, expected, 0),
        "Bins that nobody claims came out as nan, from 0 / 0. Give each source the same part of them.": np.where(
            total > 0, expected, np.nan
        ),
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = answers.call(answer, claims)
        where = "Divide each claim by the sum over the sources, axis 0."
        return answers.array(shares, expected, "sources freq frames", name="the shares", where=where, mistakes=mistakes)


def _check_sdr(answer):
    rng = answers.rng(1)
    source = rng.standard_normal((2, answers.varied(1000, 900, 1100, rng)))
    estimate = 0.8 * source + 0.1 * rng.standard_normal(source.shape)
    energy, error = np.sum(source**2), np.sum((source - estimate) ** 2)
    return answers.number(
        answers.call(answer, source, estimate),
        10 * np.log10(energy / error),
        1e-6,
        "dB",
        name="the SDR",
        where="10 log10 of the energy of the source over the energy of source minus estimate.",
        mistakes={
            "That is 20 log10: right for amplitudes, but these are energies, already squared.": 20
            * np.log10(energy / error),
            "The ratio is upside down: the source goes above the line.": 10 * np.log10(error / energy),
            "That compares the energies of source and estimate, not the energy of their difference.": 10
            * np.log10(energy / np.sum(estimate**2)),
        },
    )


def _octave_exercise(harmonics=20):
    def check(answer):
        return answers.number(
            answer,
            harmonics // 2,
            0.01,
            name="the count",
            where="Write both rows down: 1, 2, 3, ... times f, and 1, 2, 3, ... times 2 f.",
            mistakes={
                "All of the upper note's harmonics are among the lower note's; the question counts the lower "
                "note's.": harmonics,
                "Only one? Look further up: 4 f is the upper note's second harmonic.": 1,
            },
        )

    return Exercise.from_files(
        __file__,
        number="0.4",
        task=f"Two notes sound an octave apart. Of the lower note's first {harmonics} harmonics, how many fall on a "
        "harmonic of the upper note?",
        check=check,
        hints=(
            "The upper note's fundamental is 2 f. Its harmonics are 2 f, 4 f, 6 f, ...",
            f"Which of 1 f, 2 f, ..., {harmonics} f are even multiples?",
        ),
        values={"harmonics": harmonics},
        praise="Every second one. A score alone cannot say how two players share those bins; lesson 08 learns it.",
        drawn=lambda rng: _octave_exercise(int(rng.integers(11, 61))),
    )


EXERCISES = (
    _bin_exercise(),
    Exercise.from_files(
        __file__,
        number="0.2",
        task="Write `share(claims)`: turn claims (sources, freq, frames) into shares that add up to 1 in every bin, "
        "also where nobody claims anything.",
        check=_check_share,
        hints=(
            "claims.sum(axis=0) is what all sources together claim.",
            "Where that sum is 0, each of J sources gets 1 / J; np.where chooses bin by bin.",
        ),
        praise="Shares that add up to 1 are why the estimates add up to the mixture: nothing is lost or made.",
    ),
    Exercise.from_files(
        __file__,
        number="0.3",
        task="Write `sdr(source, estimate)`: the source-to-distortion ratio of two waveforms, in dB.",
        check=_check_sdr,
        hints=(
            "The distortion is source - estimate; an energy is the sum of squares.",
            "10 * np.log10(energy of the source / energy of the distortion).",
        ),
        praise="This is the figure in every table of this course; lesson 04 says when not to trust it.",
    ),
    _octave_exercise(),
)
