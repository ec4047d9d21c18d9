"""Exercises of lesson 02, "A transform without phase"."""

from typing import Any

import numpy as np

from ... import signals, transforms, units
from ...lessons import Exercise, answers
from ...metrics import energy

PIECE = "chorale_a"

# 2.2 and 2.4 use one melody.
RATE_HZ = 16_000
MELODY = (57, 61, 64, 69, 66, 62, 59, 57)
NOTE_S = 0.4
# 2.2: what is wrong with a, b, c and d.
FAULTS = ("late", "signs", "loud", "flutter")
# 2.4: how many coefficients are left, and what they must reach.
BUDGET, ENOUGH_DB = 1500, 13.0


def _melody() -> np.ndarray:
    notes = [
        signals.vibrato_tone(units.midi_to_hz(pitch), NOTE_S, RATE_HZ, depth_cents=15, harmonics=10, amplitude=0.4)
        for pitch in MELODY
    ]
    return np.concatenate([signals.fade(note, 0.02, RATE_HZ) for note in notes], axis=1)


def _cosine_and_sine_sums(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The DCT of type II and its partner with sines, both with the factors of an orthonormal DCT."""
    samples = len(y)
    angles = np.pi * np.outer(np.arange(samples), 2 * np.arange(samples) + 1) / (2 * samples)
    factors = np.full(samples, np.sqrt(2 / samples))
    factors[0] /= np.sqrt(2)
    return factors * (np.cos(angles) @ y), factors * (np.sin(angles) @ y)


def _check_steady(answer: Any) -> str | None:
    rng = answers.rng(21)
    for samples in (answers.varied(8, 6, 12, rng), answers.varied(15, 13, 17, rng), answers.varied(64, 50, 70, rng)):
        y = rng.standard_normal(samples) + 0.3
        cosine, sine = _cosine_and_sine_sums(y)
        # The DST of type II of other programs begins with one half turn, not with none.
        shifted = np.concatenate([sine[1:], [np.sqrt(2 / samples) * np.sum(y * (-1.0) ** np.arange(samples))]])
        wrong = answers.array(
            answers.call(answer, y, name="steady"),
            np.hypot(cosine, sine),
            "freq",
            tolerance=1e-9 * samples,
            name="the result",
            where=f"(N = {samples}.)",
            mistakes={
                "These are the magnitudes of the DCT alone; the partner is missing.": np.abs(cosine),
                "These are the magnitudes of the partner alone.": np.abs(sine),
                "The two are added; the task asks for the length of the pair.": cosine + sine,
                "The magnitudes of the two are added; the task asks for the length of the pair.": np.abs(cosine)
                + np.abs(sine),
                "That is the square: the root is missing.": cosine**2 + sine**2,
                "The sines are one row off: row k must make k half turns in both. A library's DST begins with one half "
                "turn.": np.hypot(cosine, shifted),
            },
        )
        if wrong:
            return wrong
    return None


def _four_faults() -> dict[str, Any]:
    music = _melody()
    samples = music.shape[1]
    settings: dict[str, Any] = {"window_samples": 1024, "hop_samples": 256}
    hamming = transforms.make_window("hamming", 1024)
    flutter = np.resize(np.sum(hamming.reshape(2, 512) ** 2, axis=0), samples)
    coefficients = transforms.stdct(music, **settings)
    signs = np.where(np.random.default_rng(22).random(coefficients.shape) < 0.05, -1, 1)
    versions = {
        "loud": units.db_to_amplitude(10) * music,
        "flutter": flutter * music,
        "signs": transforms.istdct(signs * coefficients, samples, **settings),
        "late": np.pad(music, ((0, 0), (16, 0)))[:, :samples],
    }
    named = dict(zip("abcd", (versions[fault] for fault in FAULTS), strict=True))
    return {"original": music, **named, "sample_rate_hz": RATE_HZ}


def _check_faults(answer: Any) -> str | None:
    if answers.is_blank(answer):
        raise answers.Blank
    if not isinstance(answer, list | tuple) or len(answer) != 4 or not all(isinstance(word, str) for word in answer):
        return f"The answer must be a list of four words, got {answers.describe(answer)}."
    words = [word.strip().casefold() for word in answer]
    if sorted(words) != sorted(FAULTS):
        return 'Each word must be one of "flutter", "late", "loud", "signs", and each of them occurs once.'
    wrong = [name for name, word, fault in zip("abcd", words, FAULTS, strict=True) if word != fault]
    if not wrong:
        return None
    exchanged = {word for word, fault in zip(words, FAULTS, strict=True) if word != fault}
    if exchanged == {"late", "signs"}:
        return (
            "Two are exchanged: the one that comes late and the one with wrong signs. Both have a low SI-SDR; only one "
            "of them sounds wrong."
        )
    if exchanged == {"loud", "flutter"}:
        return "Two are exchanged: a constant gain and one that goes up and down."
    return f"{len(wrong)} of the four are not right."


def _gains(window: str, parts: int) -> dict[str, float]:
    """The gain of windowing twice and not dividing, and what typical mistakes give instead."""
    w = transforms.make_window(window, 2048)
    gain = float(np.sum(w[:: 2048 // parts] ** 2))
    return {
        "right": 20 * np.log10(gain),
        "power": 10 * np.log10(gain),
        "factor": gain,
        "windows": 20 * np.log10(float(np.sum(w[:: 2048 // parts]))),
        "softer": -20 * np.log10(gain),
        "mean": 20 * np.log10(float(np.mean(w**2))),
    }


WINDOWS = ("hann", "hamming", "sine", "blackman-harris")
HOPS = {4: "a quarter", 8: "an eighth", 16: "a sixteenth"}


def _gain_exercise(choice: int = 0, parts: int = 8) -> Exercise:
    window = WINDOWS[choice]
    gains = _gains(window, parts)

    def check(answer: Any) -> str | None:
        return answers.number(
            answer,
            gains["right"],
            0.05,
            "dB",
            name="the gain",
            where="By how much is one sample in the middle multiplied when all frames are added?",
            mistakes={
                "That is 10 log10, as for powers; the gain multiplies amplitudes.": gains["power"],
                "That is the gain as a factor, not in dB.": gains["factor"],
                "That is the sum of the windows; each frame was windowed twice.": gains["windows"],
                "Right in size, but the music comes out louder, not softer.": gains["softer"],
                "That is the mean of the squared window; several windows cover each sample.": gains["mean"],
            },
        )

    return Exercise.from_files(
        __file__,
        number="2.3",
        kind="number",
        task="Gain in dB of windowing twice and not dividing, for the window "
        f'"{window}" at a hop of {HOPS[parts]} of it.',
        check=check,
        hints=(
            "`mss_lab.transforms.make_window` makes the window. Which of its values meet at one sample?",
            "Each of them multiplies the sample twice, and the products are added.",
            "Turn the factor into dB as for any amplitude.",
        ),
        values={"choice": choice, "parts": parts},
        praise="A published value of plain SDR would be far off for a perfect separation with that gain.",
        drawn=_draw_gain,
    )


def _draw_gain(rng: np.random.Generator) -> Exercise:
    def draw() -> tuple[int, int]:
        return int(rng.integers(len(WINDOWS))), int(rng.choice([4, 8, 16]))

    def is_telling(drawn: tuple[int, int]) -> bool:
        values = np.array(list(_gains(WINDOWS[drawn[0]], drawn[1]).values()))
        return bool(np.diff(np.sort(values)).min() > 0.15)

    return _gain_exercise(*answers.telling(draw, is_telling))


def _melody_to_pack() -> dict[str, Any]:
    return {"recording": _melody(), "sample_rate_hz": RATE_HZ, "budget": BUDGET}


def _check_packed(answer: Any) -> str | None:
    if answers.is_blank(answer):
        raise answers.Blank
    if not isinstance(answer, list | tuple) or len(answer) != 3:
        return f"The answer must be coefficients, window_samples and hop_samples, got {answers.describe(answer)}."
    coefficients = np.asarray(answer[0])
    if coefficients.dtype.kind not in "iuf" or coefficients.ndim not in (2, 3):
        return f"The coefficients must be a real array (freq, frames), got {answers.describe(answer[0])}."
    kept = int(np.count_nonzero(coefficients))
    if kept > BUDGET:
        return f"{kept} coefficients are not 0; the budget is {BUDGET}."
    music = _melody()
    stack = coefficients.reshape((1, *coefficients.shape[-2:])).astype(float)
    try:
        packed = transforms.istdct(stack, music.shape[1], window_samples=int(answer[1]), hop_samples=int(answer[2]))
    except (TypeError, ValueError) as error:
        return f"The package cannot turn this back into the melody: {error}."
    reached_db = energy.sdr(music, packed)
    if reached_db >= ENOUGH_DB:
        return None
    return f"{kept} coefficients at a window of {answer[1]} and a hop of {answer[2]} reach {reached_db:.1f} dB."


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="2.1",
        kind="construct",
        task="Write `steady(y)`: for each k the length of the pair of the DCT of a frame and its partner, the same sum "
        "with sines in place of cosines.",
        check=_check_steady,
        hints=(
            "The partner has the same angles, pi k (2n + 1) / 2N, and the same factors.",
            "The length of a pair is the root of the sum of its squares: np.hypot.",
            "Row 0 of the partner is sin(0): all zeros.",
        ),
        praise="For a tone this is as steady as the magnitude of an STFT, since it is one: a DFT of half bins.",
    ),
    Exercise.from_files(
        __file__,
        number="2.2",
        kind="sound",
        task='In `lab.given("2.2")`, which of a, b, c and d is too "loud", which does "flutter", which has wrong '
        '"signs" and which comes "late"?',
        check=_check_faults,
        given=_four_faults,
        hints=(
            "Step 6 has what SDR and SI-SDR say of a constant gain, and of one that ripples.",
            "Two of the four have a low SI-SDR. Which of them sounds just like the original?",
            "Plot the quotient of the samples of each and of the original: constant, periodic, or neither.",
        ),
        praise="Listening finds three of the four, and only a metric finds the one that comes late.",
    ),
    _gain_exercise(),
    Exercise.from_files(
        __file__,
        number="2.4",
        kind="sound",
        task='Keep at most 1500 coefficients of the STDCT of the melody in `lab.given("2.4")`, so that it comes back '
        "with an SDR of 13 dB. Return coefficients, window_samples and hop_samples.",
        check=_check_packed,
        given=_melody_to_pack,
        hints=(
            "Which coefficients to keep: the largest. What is left to choose are window and hop.",
            "Count how many coefficients there are for each sample at a hop of a quarter window. Do you need them all?",
            "Try hops up to half a window, and windows from 1000 to 4000 samples.",
        ),
        praise="Overlap is what a separator pays for smooth masks. A codec takes a transform that needs no overlap of "
        "this kind: the lapped transform of Princen and Bradley.",
    ),
)
