"""Exercises of lesson 03, "Masks and the Wiener filter"."""

from typing import Any

import numpy as np

from ... import masks, transforms, units
from ...datasets import pieces
from ...lessons import Exercise, answers
from ...metrics import energy
from ...score import harmonics

PIECE = "chorale_a"

# 3.3: two held notes, an octave apart, and how much of the way to the ideal ratio mask an update must go.
HELD_RATE_HZ, HELD_LENGTH_S = 8_000, 3.0
HELD_SETTINGS: dict[str, Any] = {"window_samples": 1024, "hop_samples": 256}
ROUNDS, ENOUGH = 8, 1 / 3
# 3.4: one player, separated with three exponents.
EAR_PIECE, EAR_PLAYER, EAR_SECTION_S, EAR_EXPONENTS = "chorale_b", 1, (2, 7), {"x": 2, "y": 8, "z": 1}


def _check_best_gain(answer):
    rng = answers.rng(31)
    count = answers.varied(200, 150, 250, rng)
    draws = (rng.standard_normal((2, count)) + 1j * rng.standard_normal((2, count))) * np.array([[1.0], [0.7]])
    for correlation in (0.0, 0.6, -0.5):
        source, others = draws[0], draws[1] + correlation * draws[0]
        mixture = source + others
        powers = [np.sum(np.abs(one) ** 2) for one in (source, others)]
        cross = np.vdot(mixture, source)
        with np.errstate(all="ignore"):
            result = answers.call(answer, source, mixture, name="best_gain")
        wrong = answers.number(
            result,
            cross.real / np.sum(np.abs(mixture) ** 2),
            1e-9,
            name="the gain",
            where="(The sources are independent.)" if not correlation else "(The sources are not independent.)",
            mistakes={
                "That is the Wiener filter, which takes the sources to be independent.": powers[0] / sum(powers),
                "That is complex; only a real number leaves the phase of the mixture as it is.": cross
                / np.sum(np.abs(mixture) ** 2),
                "That is the mean of the quotients, in which bins where the mixture is nearly 0 decide.": np.mean(
                    (source / mixture).real
                ),
                "That compares magnitudes alone, whatever the phases.": np.sum(np.abs(source) * np.abs(mixture))
                / np.sum(np.abs(mixture) ** 2),
            },
        )
        if wrong:
            return wrong
    silent = np.zeros(answers.varied(4, 5, 9, rng), complex)
    with np.errstate(all="ignore"):
        result = answers.call(answer, silent, silent, name="best_gain")
    return answers.number(result, 0.0, 0.0, name="the gain of a silent bin")


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
            mistakes=_exponent_mistakes(models, exponent),
        )
        if wrong:
            return wrong
    return _check_silence(answer, models) or _check_levels(answer, models)


def _exponent_mistakes(models, exponent):
    ratio = models / models.sum(axis=0)
    return {
        "That is the ratio mask: the exponent changes nothing.": ratio,
        "The exponent is applied to the finished ratio mask, so the masks no longer add up to 1.": ratio**exponent,
    }


def _check_silence(answer, models):
    silent = models.copy()
    silent[:, 0, 0] = 0
    with np.errstate(all="ignore"):
        mask = answers.call(answer, silent, 2)
        total = np.asarray(mask).sum(axis=0)[0, 0]
    return (
        answers.truth(not np.isnan(total).any(), "In bins where all models are 0 the mask is nan, from 0 / 0.")
        or answers.truth(
            np.abs(total).max() > 1e-3,
            "In bins where all models are 0 the masks add up to 0, so sound is lost there.",
        )
        or answers.truth(
            np.allclose(total, 1),
            "In bins where all models are 0 the masks do not add up to 1.",
        )
        or answers.truth(
            np.allclose(np.asarray(mask)[:, 0, 0], 1 / len(models)),
            "In bins where all models are 0 the sources do not get equal shares.",
        )
    )


def _check_levels(answer, models):
    expected = models**2 / np.sum(models**2, axis=0)
    for level in (1e-6, 1e-200, 1e200):
        with np.errstate(all="ignore"):
            mask = np.asarray(answers.call(answer, level * models, 2))
        if mask.shape != expected.shape or not np.allclose(mask, expected, atol=1e-6):
            return (
                f"At a level of {level:g} the mask is not the same as at 1: a small constant in the sum decides quiet "
                "recordings, or a power left the range of floating-point numbers."
            )
    return None


def _held_notes(rng: np.random.Generator) -> dict[str, Any]:
    """The sources of 3.3, their mixture's transform, and rough models of them."""
    samples = round(HELD_LENGTH_S * HELD_RATE_HZ)
    low = int(rng.integers(45, 55))
    sources = []
    for pitch, slope in ((low, 0.5), (low + 12.05, 1.2)):
        numbers = np.arange(1, 13)[:, np.newaxis]
        numbers = numbers[numbers[:, 0] * units.midi_to_hz(pitch) < HELD_RATE_HZ / 2]
        turns = numbers * units.midi_to_hz(pitch) * np.arange(samples) / HELD_RATE_HZ
        sizes = rng.uniform(0.3, 1, (len(numbers), 1)) / numbers**slope
        tone = np.sum(sizes * np.cos(2 * np.pi * (turns + rng.random((len(numbers), 1)))), axis=0)
        loudness = np.interp(np.arange(samples), np.linspace(0, samples, 9), rng.random(9) ** 2)
        sources.append(tone * loudness / np.linalg.norm(tone * loudness))
    waveforms = 20 * np.stack(sources)[:, np.newaxis]
    mixture_stft = transforms.stft(waveforms.sum(axis=0), **HELD_SETTINGS)
    claims = [
        harmonics.harmonic_claim(pitch, HELD_SETTINGS["window_samples"], HELD_RATE_HZ, harmonics=12)
        for pitch in (low, low + 12)
    ]
    models = np.stack(claims)[:, np.newaxis, :, np.newaxis] * np.ones(mixture_stft.shape[-1], np.float32)
    return {"sources": waveforms, "mixture_stft": mixture_stft, "models": models}


def _held_notes_to_learn():
    made = _held_notes(answers.rng(33))
    return {
        "mixture_stft": made["mixture_stft"],
        "models": made["models"],
        "samples": made["sources"].shape[-1],
        "sample_rate_hz": HELD_RATE_HZ,
        **HELD_SETTINGS,
    }


def _mean_sdr(sources: np.ndarray, stfts: np.ndarray) -> float:
    estimates = transforms.istft(stfts, sources.shape[-1], **HELD_SETTINGS)
    return float(np.mean([energy.sdr(source, estimate) for source, estimate in zip(sources, estimates, strict=True)]))


def _check_update(answer):
    made = _held_notes(answers.rng(33))
    sources, mixture_stft, models = made["sources"], made["mixture_stft"], made["models"]
    start = masks.apply(masks.ratio(models), mixture_stft)
    first = answers.call(answer, start, name="update")
    if not isinstance(first, np.ndarray) or first.shape != models.shape or first.dtype.kind not in "iuf":
        return f"The next models must be real numbers of shape {models.shape}, got {answers.describe(first)}."
    if not np.all(np.isfinite(first)) or first.min() < 0:
        return "The next models must be 0 or more, and finite."

    def update(stfts: np.ndarray) -> np.ndarray:
        return np.asarray(answers.call(answer, stfts, name="update"), float)

    stfts, _ = masks.refine(mixture_stft, models, update, iterations=ROUNDS, exponent=1)
    reached_db, start_db = _mean_sdr(sources, stfts), _mean_sdr(sources, start)
    ideal = masks.ideal_ratio(np.stack([transforms.stft(source, **HELD_SETTINGS) for source in sources]))
    ideal_db = _mean_sdr(sources, masks.apply(ideal, mixture_stft))
    if reached_db >= start_db + ENOUGH * (ideal_db - start_db):
        return None
    said = f"After {ROUNDS} rounds the mean SDR is {reached_db:.1f} dB; without any update it is {start_db:.1f} dB."
    if np.ptp(first, axis=-1).max() < 1e-6 * first.max():
        return f"{said} Your models are equally loud in all frames."
    if abs(reached_db - start_db) < 0.05:
        return f"{said} Your update brings in nothing that the masks did not say before."
    if reached_db < start_db:
        return f"{said} The loop drifts."
    return said


def _three_exponents():
    piece = pieces.load(EAR_PIECE)
    start, stop = (time_s * piece.sample_rate_hz for time_s in EAR_SECTION_S)
    settings = transforms.settings_for(piece.sample_rate_hz)
    sources = np.stack([waveform[:, start:stop] for waveform in piece.sources.values()])
    stfts = np.stack([transforms.stft(source, **settings) for source in sources])
    errors_db = 8 * np.random.default_rng(34).standard_normal(stfts.shape)
    models = np.abs(stfts) * 10 ** (errors_db / 20)
    versions = {
        name: transforms.istft(
            masks.wiener(models, exponent)[EAR_PLAYER] * stfts.sum(axis=0), sources.shape[-1], **settings
        )
        for name, exponent in EAR_EXPONENTS.items()
    }
    return {"mixture": sources.sum(axis=0), **versions, "sample_rate_hz": piece.sample_rate_hz}


def _check_ear(answer):
    if answers.is_blank(answer):
        raise answers.Blank
    if not isinstance(answer, list | tuple) or sorted(map(str, answer)) != sorted(EAR_EXPONENTS):
        return (
            f'Each letter must be one of "x", "y", "z", and each of them occurs once; got {answers.describe(answer)}.'
        )
    expected = sorted(EAR_EXPONENTS, key=EAR_EXPONENTS.__getitem__)
    if list(answer) == expected:
        return None
    if list(answer) == expected[::-1]:
        return "That is the order from the largest exponent to the smallest."
    if answer[2] == expected[2]:
        return "The one with exponent 8 is right; the other two are exchanged."
    return "The one with exponent 8 is another: it is the one that bubbles most."


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="3.1",
        kind="construct",
        task="Write `best_gain(source, mixture)`: from observations of one bin, the real number that brings the "
        "mixture nearest to the source in the mean, also where the sources are not independent; 0 for a silent bin.",
        check=_check_best_gain,
        hints=(
            "Write down the mean of |S - m X| squared over the observations, as part 5 does. It is a parabola in m.",
            "Do not put in what part 5 assumes: leave E[S conj(X)] as it is, and take its mean over the observations.",
            "np.vdot(mixture, source) is the sum of source times the conjugate of the mixture.",
        ),
        praise="This needs the true source, so it is an oracle. Part 10 uses the same idea in every single bin.",
    ),
    Exercise.from_files(
        __file__,
        number="3.2",
        kind="formula",
        task="Write `generalised(models, exponent)`: masks that add up to 1 in every bin at any level, also where all "
        "models are 0.",
        check=_check_generalised,
        hints=(
            "models**exponent / (models**exponent).sum(axis=0) is right wherever a model is above 0.",
            "If all models of a bin are divided by the same number, does the mask change? Which number keeps every "
            "power in range?",
            "Where the largest model is 0, put the same number for every source before you divide by the sum.",
        ),
        praise="Silence, whispers and shouts are all treated alike, and no constant had to be chosen.",
    ),
    Exercise.from_files(
        __file__,
        number="3.3",
        kind="sound",
        task="Write `update(estimate_stfts)` for the loop of part 11, so that it learns two held notes: after eight "
        "rounds at exponent 1 it must be at least a third of the way from no update to the ideal ratio mask.",
        check=_check_update,
        given=_held_notes_to_learn,
        hints=(
            "One held note has the same spectrum in every frame; only its loudness changes.",
            "So a model is a spectrum (a column) times a loudness for each frame (a row).",
            "The mean of the magnitudes over the frames is a spectrum. How loud is it in one frame, by least squares?",
        ),
        praise="A spectrum times a loudness, fitted in turn: you have just met NMF, which lesson 05 builds.",
    ),
    Exercise.from_files(
        __file__,
        number="3.4",
        kind="sound",
        task='In `lab.given("3.4")` one player was separated with exponents 1, 2 and 8. Name them in this order.',
        check=_check_ear,
        given=_three_exponents,
        hints=(
            "A small exponent leaks, a large one bubbles. Solo each, and listen in long notes.",
            "The mixture is there too. What is the magnitude of an estimate over that of the mixture, bin by bin?",
            "How many of these quotients lie near 0 or near 1, and how many between?",
        ),
        praise="The larger the exponent, the more of the mask is 0 or 1; and your ear noticed first.",
    ),
)
