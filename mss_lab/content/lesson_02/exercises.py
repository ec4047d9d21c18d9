"""Exercises of lesson 02, "A transform without phase"."""

from typing import Any

import numpy as np
import scipy.fft

from ...lessons import Exercise, answers

PIECE = "chorale_a"


def _check_dct(answer: Any) -> str | None:
    rng = answers.rng(21)
    for samples in (
        answers.varied(8, 6, 12, rng),
        1,
        answers.varied(15, 13, 17, rng),
        answers.varied(64, 50, 70, rng),
    ):
        y = rng.standard_normal(samples) + 0.3
        k, t = np.arange(samples)[:, np.newaxis], np.arange(samples)
        expected = scipy.fft.dct(y, norm="ortho")
        scale = np.sqrt(2 / samples)
        first = np.where(t == 0, 1 / np.sqrt(2), 1)
        mistakes = {
            "Only coefficient 0 is off: it needs the further factor 1 / sqrt(2), else its row is too long.": expected
            / first,
            "The sums are right; the factors sqrt(2 / N) and b_k are missing.": expected / (scale * first),
            "The factor sqrt(2 / N) is missing.": expected / scale,
            "The cosines must be taken in the middle of the samples: 2t + 1 half steps, not 2t.": scale
            * first
            * (np.cos(np.pi * k * t / samples) @ y),
            "The factor is sqrt(2 / N), not 2 / N.": expected * scale,
            "The magnitudes are right, but the signs are gone.": np.abs(expected),
        }
        wrong = answers.array(
            answers.call(answer, y, name="cosine_sums"),
            expected,
            "freq",
            tolerance=1e-9 * samples,
            name="the result",
            where=f"(N = {samples}.) Compare with the equation of step 1, factor by factor.",
            mistakes=mistakes,
        )
        if wrong:
            return wrong
    return None


def _check_gain(answer: Any) -> str | None:
    gain = 3.0
    return answers.number(
        answer,
        20 * np.log10(gain),
        0.05,
        "dB",
        name="the gain",
        where="The gain is the sum of the squared windows that cover one sample.",
        mistakes={
            "That is 10 log10, for powers; the gain multiplies amplitudes, so 20 log10.": 10 * np.log10(gain),
            "That is the gain as a factor; the task wants dB.": gain,
            "That is the sum of the windows; the window is applied twice, so sum its squares.": 20 * np.log10(4),
            "That is the gain for a hop of a quarter.": 20 * np.log10(1.5),
            "That is the gain of the Hamming window, measured in step 6; the task asks for Hann.": 20
            * np.log10(3.1784),
            "Right in size, but the music comes out louder, not softer.": -20 * np.log10(gain),
            "That is the sum of all squared windows' samples over N; eight windows cover each sample.": 20
            * np.log10(3 / 8),
        },
    )


def _check_mask(answer: Any) -> str | None:
    rng = answers.rng(25)
    source, other = rng.standard_normal((2, answers.varied(6, 5, 8, rng), answers.varied(9, 6, 10, rng)))
    low_limit, high_limit = answers.varied(-1.0, -2.0, -0.5, rng), answers.varied(2.0, 1.5, 3.0, rng)
    soft_limit = answers.varied(0.5, 0.2, 0.7, rng)
    mixture = source + other
    for silent in (False, True):
        if silent:
            source, mixture = source.copy(), mixture.copy()
            source[2, 3], mixture[2, 3] = 0, 0  # both silent
            mixture[4, 1] = 0  # the sources cancel
        for low, high in ((0.0, 1.0), (low_limit, high_limit), (0.0, soft_limit)):
            result = answers.call(answer, source, mixture, low, high, name="best_mask")
            exact = _quotient(source, mixture)
            expected = np.clip(exact, low, high)
            if isinstance(result, np.ndarray) and result.shape == expected.shape:
                odd = mixture == 0
                if not np.all(np.isfinite(result)) or (odd.any() and np.any(result[odd] != 0)):
                    return "Where the mixture is 0 the quotient is NaN or infinite; the mask is to be 0 there."
            size = np.abs(source)
            mistakes = {
                "This is the quotient, but it leaves the limits: clip it to low and high.": exact,
                "The sign is gone: with magnitudes a coefficient of the wrong sign gets a mask above 0. "
                "Divide the coefficients themselves.": np.clip(np.abs(exact), low, high),
                "That is the ratio of magnitudes, as for an STFT; here the signs are known, so use them.": np.clip(
                    _quotient(size, size + np.abs(mixture - source)), low, high
                ),
                "Upside down: source over mixture.": np.clip(_quotient(mixture, source), low, high),
                "The limits are always 0 and 1; use low and high.": np.clip(exact, 0, 1),
            }
            wrong = answers.array(
                result,
                expected,
                "freq frames",
                name="the mask",
                where=f"(low = {low:g}, high = {high:g}.)",
                mistakes=mistakes,
            )
            if wrong:
                return wrong
    return None


def _quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """One array over another, 0 where the lower one is 0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def _in_words(rate_hz: int) -> str:
    return f"{rate_hz:_}".replace("_", " ")


def _axis_exercise(coefficient: int = 100, window: int = 2048, rate_hz: int = 16_000) -> Exercise:
    hz = coefficient * rate_hz / (2 * window)

    def check(answer: Any) -> str | None:
        return answers.number(
            answer,
            hz,
            0.1,
            "Hz",
            name="the frequency",
            where="Coefficient k makes k half turns in the N samples of the window.",
            mistakes={
                f"That is where bin {coefficient} of an STFT lies; coefficient k makes k half turns, not whole ones.": 2
                * hz,
                "That is a quarter of the STFT's place; k half turns in N samples are k / 2N turns a sample.": hz / 2,
                f"That is for 44 100 Hz; this recording has {_in_words(rate_hz)} Hz.": coefficient
                * 44_100
                / (2 * window),
                f"Counted from 0, coefficient {coefficient} makes {coefficient} half turns, not {coefficient - 1}.": (
                    coefficient - 1
                )
                * rate_hz
                / (2 * window),
            },
        )

    return Exercise.from_files(
        __file__,
        number="2.2",
        task=f"Frequency in Hz for which coefficient {coefficient} stands, for a window of {window} samples at "
        f"{_in_words(rate_hz)} Hz.",
        check=check,
        hints=(
            "How many half turns does row k of the matrix make in N samples?",
            "k r / 2N.",
        ),
        values={"coefficient": coefficient, "window": window, "rate_hz": rate_hz},
        praise=f"In an STFT of the same window that would be bin {coefficient // 2}.",
        drawn=_draw_axis,
    )


def _draw_axis(rng: np.random.Generator) -> Exercise:
    # Even, so that the STFT has a bin there; not 22 050 Hz, of which 44 100 Hz is twice.
    coefficient = 2 * int(rng.integers(20, 200))
    return _axis_exercise(coefficient, int(rng.choice([1024, 2048, 4096])), int(rng.choice([8000, 16_000, 48_000])))


def _flicker_exercise(hop: int = 512, rate_hz: int = 44_100) -> Exercise:
    hz = rate_hz / (2 * hop)

    def check(answer: Any) -> str | None:
        return answers.number(
            answer,
            hz,
            0.1,
            "Hz",
            name="the frequency",
            where="From one frame to the next the tone makes f H / r turns; what must that be for |cos| to stay?",
            mistakes={
                "There a whole turn passes in a hop. Steady, but a lower one is too: |cos| repeats every half turn.": 2
                * hz,
                "There a quarter of a turn passes in a hop: |cos| becomes |sin| and back.": hz / 2,
                "Higher ones are steady too, but the lowest is asked for.": 3 * hz,
                "At 0 Hz nothing flickers, but the task asks for a frequency above 0.": 0.0,
            },
        )

    return Exercise.from_files(
        __file__,
        number="2.4",
        task=f"Lowest frequency in Hz above 0 of a tone whose STDCT does not flicker, at a hop of {hop} and "
        f"{_in_words(rate_hz)} Hz.",
        check=check,
        hints=(
            "The magnitude follows |cos| of the tone's phase at the frame. By how much may the phase move so that "
            "|cos| stays?",
            "By half a turn: f H / r = 1 / 2.",
        ),
        values={"hop": hop, "rate_hz": rate_hz},
        praise="And at all its multiples. The value it is stuck at depends on where the tone starts, and may be 0.",
        drawn=_draw_flicker,
    )


def _draw_flicker(rng: np.random.Generator) -> Exercise:
    return _flicker_exercise(64 * int(rng.integers(2, 17)), int(rng.choice([8000, 16_000, 44_100, 48_000])))


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="2.1",
        task="cosine_sums(y): the orthonormal DCT-II of a frame, from its sum, without an FFT or scipy.fft.dct.",
        check=_check_dct,
        hints=(
            "Make the matrix of cosines: np.outer(k, 2 * t + 1) times pi / 2N, with k and t from 0 to N - 1.",
            "Multiply it with y by @, then by sqrt(2 / N).",
            "Divide coefficient 0 by sqrt(2).",
        ),
        praise="It held for frames of 1, 8, 15 and 64 samples.",
    ),
    _axis_exercise(),
    Exercise.from_files(
        __file__,
        number="2.3",
        task="Gain in dB of windowing twice and not dividing, for a Hann window at a hop of an eighth of it.",
        check=_check_gain,
        hints=(
            "Square a Hann window from `mss_lab.transforms.make_window` and add up what covers one sample.",
            "w[::H] are the eight values that meet at one sample: sum their squares.",
            "A factor g is 20 log10(g) dB.",
        ),
        praise="A published score of plain SDR would be below 0 dB for a perfect separation with that gain.",
    ),
    _flicker_exercise(),
    Exercise.from_files(
        __file__,
        number="2.5",
        task="best_mask(source, mixture, low, high): for real coefficients, the mask between low and high that comes "
        "nearest to the source; 0 where the mixture is 0.",
        check=_check_mask,
        hints=(
            "Without limits, the exact mask is the quotient of the coefficients, signs included.",
            "The error (m x - s) squared is a parabola in m: the best m between the limits is the clipped quotient.",
            "np.divide(source, mixture, out=np.zeros_like(source), where=mixture != 0) never divides by 0.",
        ),
        praise="This is the oracle of step 9, and the target that a masking network on the STDCT is trained for.",
    ),
)
