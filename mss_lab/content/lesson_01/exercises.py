"""Exercises of lesson 01, "Sound into matrices"."""

from typing import Any

import numpy as np

from ... import transforms
from ...lessons import Exercise, answers

PIECE = "chorale_a"

# 1.1: bin 41 of a window of 2048 samples at 22 050 Hz.
PEAK_BIN, PEAK_WINDOW, PEAK_RATE_HZ = 41, 2048, 22_050
# 1.3: the fundamentals of C3 and D3 at 44 100 Hz; two of them need a distance of two bins.
C3_HZ, D3_HZ, BASS_RATE_HZ = 130.8128, 146.8324, 44_100


def _check_peak(answer: Any) -> str | None:
    hz = PEAK_BIN * PEAK_RATE_HZ / PEAK_WINDOW
    bins = PEAK_WINDOW // 2 + 1
    return answers.number(
        answer,
        hz,
        0.1,
        "Hz",
        name="the frequency",
        where="Bin f makes f turns in the N samples of the window.",
        mistakes={
            "The window has 2048 samples, of which the matrix keeps 1025 bins; a turn is counted in the whole window, "
            "so divide by 2048.": PEAK_BIN * PEAK_RATE_HZ / bins,
            "Dividing by 1024 gives twice the frequency: bin 1024 is half the sample rate, not the whole.": PEAK_BIN
            * PEAK_RATE_HZ
            / (PEAK_WINDOW // 2),
            "From bin 0 to half the sample rate there are 1024 steps, not 1025: fence posts and fields.": PEAK_BIN
            * PEAK_RATE_HZ
            / 2
            / bins,
            "That is bin 40: the first bin is bin 0, so bin 41 makes 41 turns.": (PEAK_BIN - 1)
            * PEAK_RATE_HZ
            / PEAK_WINDOW,
            "That is bin 42: the first bin is bin 0, so bin 41 makes 41 turns.": (PEAK_BIN + 1)
            * PEAK_RATE_HZ
            / PEAK_WINDOW,
            "That is the sample rate of most recordings, 44 100 Hz; this one has 22 050 Hz.": 2 * hz,
            "That is in kHz.": hz / 1000,
        },
    )


def _check_one_bin(answer: Any) -> str | None:
    rng = answers.rng(12)
    half = answers.varied(32, 20, 35, rng)
    for samples, f in (
        (answers.varied(8, 6, 12, rng), 1),
        (answers.varied(9, 7, 15, rng), 2),
        (answers.varied(16, 10, 20, rng), 0),
        (2 * half, half),
        (answers.varied(50, 40, 60, rng), answers.varied(7, 3, 9, rng)),
    ):
        x = rng.standard_normal(samples) + 0.5
        t = np.arange(samples)
        turns = f * t / samples
        expected = np.sum(x * np.exp(-2j * np.pi * turns))
        mistakes = {
            "The sine has the wrong sign: X[f] = C[f] - i S[f], so that the angle is where the tone starts.": np.conj(
                expected
            ),
            "A turn is 2 pi, not pi.": np.sum(x * np.exp(-1j * np.pi * turns)),
            "The sum is right, but divided by N; this transform does not divide.": expected / samples,
            "Time starts at 0, not at 1: the first sample is x[0].": np.sum(
                x * np.exp(-2j * np.pi * f * (t + 1) / samples)
            ),
            "That is the magnitude alone; the angle is expected too, as one complex number.": np.abs(expected),
            "That is the cosine's sum alone; a tone that starts as a sine would be missed.": expected.real,
            "Cosine and sine are added as plain numbers; multiply the sine's sum by -1j first.": np.sum(
                x * (np.cos(2 * np.pi * turns) + np.sin(2 * np.pi * turns))
            ),
        }
        wrong = answers.number(
            answers.call(answer, x, f, name="one_bin"),
            expected,
            1e-9 * samples,
            name="the result",
            where=f"(N = {samples}, f = {f}.) Look at the two sums of step 2.",
            mistakes=mistakes,
        )
        if wrong:
            return wrong
    return None


def _check_window(answer: Any) -> str | None:
    distance_hz = D3_HZ - C3_HZ
    needed = 2 * BASS_RATE_HZ / distance_hz
    expected = 2 ** int(np.ceil(np.log2(needed)))
    hill = "The hill of a Hann window is two bins wide at -6 dB, so the notes must be two bins apart."
    mistakes = {
        f"That puts the notes about one bin apart. {hill}": expected / 2,
        "That is the length the rule asks for; the task wants the next power of two.": round(needed),
        f"That is half the length the rule asks for. {hill}": round(needed / 2),
        "Long enough, but twice as long as the rule asks for: each doubling smears attacks twice as far.": 2 * expected,
    }
    for samples in (2**power for power in range(1, 21)):
        if samples < expected / 2:
            mistakes[
                f"Two bins are then {2 * BASS_RATE_HZ / samples:.0f} Hz, the notes {distance_hz:.0f} Hz apart."
            ] = samples
        if samples > 2 * expected:
            mistakes[f"Far longer than the rule asks for: {samples / BASS_RATE_HZ:.1f} s in one column."] = samples
    return answers.number(
        answer,
        expected,
        0.5,
        "samples",
        name="the window",
        where="The distance of the two notes in Hz must be at least 2 r / N.",
        mistakes=mistakes,
    )


def _check_overlap_add(answer: Any) -> str | None:
    rng = answers.rng(14)
    quarter, half, whole = (answers.varied(usual, usual - 1, usual + 2, rng) for usual in (4, 6, 8))
    for window, samples, hop, count in (
        ("hamming", 4 * quarter, quarter, answers.varied(7, 5, 9, rng)),
        ("hann", 2 * half, half, 5),
        ("sine", answers.varied(10, 7, 12, rng), 3, 6),
        # One of the samples is covered by no window.
        ("hann", whole, whole, 3),
    ):
        w = transforms.make_window(window, samples)
        total = (count - 1) * hop + samples
        x = rng.standard_normal(total)
        frames = np.stack([w * x[n * hop : n * hop + samples] for n in range(count)], axis=1)
        result = answers.call(answer, frames, w, hop, name="overlap_add")
        wrong = answers.array(
            result,
            _overlap_add(frames, w, hop, fade=True, power=2),
            "samples",
            tolerance=1e-9,
            name="the waveform",
            where=f"(This was a {window} window of {samples} samples, hop {hop}.)",
            mistakes={
                "The frames are added, but nothing is divided: divide by the sum of the squared windows.": _overlap_add(
                    frames, w, hop, fade=True, power=0
                ),
                "The frames are added as they are: window them again before adding.": _overlap_add(
                    frames, w, hop, fade=False, power=2
                ),
                "The frames are neither windowed again nor divided: look at the two ideas of step 7.": _overlap_add(
                    frames, w, hop, fade=False, power=0
                ),
                "The divisor is the sum of the windows; each sample was multiplied by the window twice, so add up "
                "their squares.": _overlap_add(frames, w, hop, fade=True, power=1),
            },
        )
        if wrong:
            return wrong
    return None


def _overlap_add(frames: np.ndarray, w: np.ndarray, hop: int, *, fade: bool, power: int) -> np.ndarray:
    """Overlap-add, and its typical mistakes: no second window, or a sum of windows to another power as divisor."""
    samples, count = frames.shape
    total, weight = np.zeros((2, (count - 1) * hop + samples))
    for n in range(count):
        total[n * hop : n * hop + samples] += frames[:, n] * (w if fade else 1)
        weight[n * hop : n * hop + samples] += w**power
    if power == 0:
        return total
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1), 0)


def _check_transplant(answer: Any) -> str | None:
    rng = answers.rng(15)
    shape = answers.varied(4, 4, 7, rng), answers.varied(5, 4, 7, rng)
    giver = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    magnitude = rng.random(shape) + 0.1
    for silent in (False, True):
        if silent:
            giver, magnitude = giver.copy(), magnitude.copy()
            giver[1, 2], magnitude[3, 3] = 0, 0
        result = answers.call(answer, magnitude, giver, name="transplant")
        if silent and isinstance(result, np.ndarray) and result.shape == giver.shape and np.isnan(result[1, 2]):
            return (
                "Where the giver is 0 there is NaN: 0 / 0. Let its phase count as 0 there; np.angle does so by itself."
            )
        angle = np.angle(giver)
        wrong = answers.array(
            result,
            magnitude * np.exp(1j * angle),
            "freq frames",
            name="the result",
            where="Its magnitude must be magnitude, its angle that of giver.",
            mistakes={
                "The giver's magnitude is still in it: divide it out, or take the angle alone.": magnitude * giver,
                "The angle is turned the wrong way: e to the plus i times the angle.": magnitude * np.exp(-1j * angle),
                "np.angle gives radians; no conversion to degrees is needed.": magnitude
                * np.exp(1j * np.rad2deg(angle)),
                "The magnitude is multiplied by the angle itself; a phase is e to the i times the angle.": magnitude
                * angle,
                "That is e to the angle, without the imaginary unit: write 1j times the angle.": magnitude
                * np.exp(angle),
                "That is the giver's magnitude with its own phase; the magnitudes should be the others.": giver,
            },
        )
        if wrong:
            return wrong
    return None


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="1.1",
        task="Frequency in Hz of bin 41, for a window of 2048 samples at 22 050 Hz.",
        check=_check_peak,
        hints=(
            "How many turns does a wave in bin f make in one window? How many windows fit into a second?",
            "f turns in N samples, and r samples a second: f r / N.",
        ),
        praise="That is A4, a little sharp: a bin tells the frequency only to within half its width.",
    ),
    Exercise.from_files(
        __file__,
        number="1.2",
        task="one_bin(x, f): the complex X[f] of a frame x, by its sums, without an FFT.",
        check=_check_one_bin,
        hints=(
            "Make the array of turns first: f times 0, 1, ..., N - 1, divided by N.",
            "C is the sum of x times cos(2 pi turns), S that of x times sin(2 pi turns).",
            "Return C - 1j * S.",
        ),
        praise="Do this for every f and every frame and you have the STFT; the FFT only does it faster.",
    ),
    Exercise.from_files(
        __file__,
        number="1.3",
        task="Shortest Hann window (a power of two, in samples at 44 100 Hz) that tells C3 and D3 apart by the rule of "
        "two bins.",
        check=_check_window,
        hints=(
            "How many Hz lie between the two notes?",
            "Bins are r / N Hz apart. The notes must be two bins apart or more: solve 2 r / N <= distance for N.",
            "Go up to the next power of two.",
        ),
        praise="That is nearly 0.2 s: long enough to smear two quavers of a quick bass into one column.",
    ),
    Exercise.from_files(
        __file__,
        number="1.4",
        task="overlap_add(frames, w, H): window again, add, divide by the sum of the squared windows, 0 where it is 0.",
        check=_check_overlap_add,
        hints=(
            "Make two arrays of zeros of (count - 1) H + N samples: one for the frames, one for the squared windows.",
            "Column n lands at samples n H to n H + N - 1, in both.",
            "np.where(weight > 0, weight, 1) is a divisor that is never 0.",
        ),
        praise="It held for four windows and hops, one of which leaves samples uncovered.",
    ),
    Exercise.from_files(
        __file__,
        number="1.5",
        task="transplant(magnitude, giver): the magnitudes of the first with the phases of the second; phase 0 where "
        "the giver is 0.",
        check=_check_transplant,
        hints=(
            "np.angle gives the phase of a complex number in radians.",
            "A complex number of length 1 and angle a is np.exp(1j * a).",
        ),
        praise="With the mixture as giver, this is what a separator does that models magnitudes.",
    ),
)
