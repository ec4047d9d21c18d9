"""Exercises of lesson 05, "NMF from scratch"."""

import functools

import numpy as np

from ...lessons import Exercise, answers

PIECE = "song"

# 5.1: four seconds of the guitar, factorised into six components, which are handed out in this order under letters.
GUITAR_START_S = 9.6
ORDER = (2, 5, 0, 4, 3, 1)
LETTERS = "ABCDEF"
# The component whose spectrum is flat: a knock has all frequencies, a note only its harmonics.
PLUCK = 3

# 5.5: the mixture ends in the middle of the song, and each player is alone after it.
EXAM_S, STUDY_S = 4, 6
ENOUGH_DB = 13.0


def _drawn(seed, freq=7, components=3, frames=5):
    rng = answers.rng(seed)
    freq, frames = answers.varied(freq, 6, 10, rng), answers.varied(frames, 5, 9, rng)
    V = rng.uniform(0.2, 2, (freq, frames))
    return V, rng.uniform(0.2, 1.5, (freq, components)), rng.uniform(0.2, 1.5, (components, frames))


def guitar_components():
    """The templates of six components of the guitar, and their waveforms by number, in the factorisation's order."""
    from ... import masks, signals, transforms
    from ...datasets import pieces
    from ...nmf import beta, components

    song = pieces.load(PIECE)
    rate_hz = song.sample_rate_hz
    settings = transforms.settings_for(rate_hz)
    start = round(GUITAR_START_S * rate_hz)
    excerpt = signals.fade(song.sources["guitar"][:, start : start + 4 * rate_hz], 0.05, rate_hz)
    stft = transforms.stft(excerpt, **settings)
    result = beta.factorise(np.abs(stft[0]), 6, iterations=60, rng=np.random.default_rng(0))
    stack = components.component_spectrograms(result.templates, result.activations)
    numbers = [str(number) for number in range(6)]
    return result.templates, masks.to_estimates(
        masks.apply(masks.ratio(stack), stft), numbers, excerpt.shape[1], **settings
    )


def _hand_out_components():
    _, waveforms = guitar_components()
    return {letter: waveforms[str(number)] for letter, number in zip(LETTERS, ORDER, strict=True)}


def _check_pluck(answer):
    if isinstance(answer, int | float | np.number) and not isinstance(answer, bool):
        return f"The components have letters, A to F; got the number {answers.describe(answer)}."
    right = LETTERS[ORDER.index(PLUCK)]
    note = "rings at a pitch that you can sing, so it is a note and no knock. Compare how fast the others are over."
    return answers.text(
        answer, right, tuple(LETTERS), {letter: f"{letter} {note}" for letter in LETTERS if letter != right}
    )


# 5.2: which beta


def _level_exercise(level_db=20, factor=1000.0):
    power_ratio = 10 ** (level_db / 10)
    beta = float(np.log(factor) / np.log(power_ratio))

    def check(answer):
        return answers.number(
            answer,
            beta,
            0.006,
            name="beta",
            where="Ask first by which factor the spectrogram itself has grown.",
            mistakes={
                "That takes the spectrogram for one of magnitudes; it is one of powers.": 2 * beta,
                "That is upside down: it is the power of the divergence's factor, not of the spectrogram's.": 1 / beta,
                "That divides one factor by the other. A divergence does not grow in proportion.": factor / power_ratio,
            },
        )

    return Exercise.from_files(
        __file__,
        number="5.2",
        kind="number",
        task=f"A recording is turned up by {level_db} dB; the divergence of its power spectrogram, with the same "
        f"templates and activations that are louder by as much, grows {factor:g} times. Which beta was it?",
        check=check,
        hints=(
            "Multiplying V and its model by one number multiplies the divergence by that number to the power beta.",
            "Which number is it here? Decibels of a level are the same for amplitudes and for powers, their factors "
            "are not.",
            "An unknown exponent is found by logarithms.",
        ),
        values={"level_db": level_db, "factor": factor},
        praise="So a divergence says nothing by itself: it depends on the level of the recording. Compare it with its "
        "first value, or with another of the same recording.",
        drawn=_draw_level,
    )


def _draw_level(rng):
    def draw():
        level_db, beta = int(rng.choice([6, 10, 12, 14, 16, 20])), rng.uniform(0.3, 1.9)
        return level_db, float(f"{10 ** (level_db / 10 * beta):.3g}")

    def tells(numbers):
        level_db, factor = numbers
        beta = np.log(factor) / np.log(10 ** (level_db / 10))
        values = [beta, 2 * beta, 1 / beta, factor / 10 ** (level_db / 10)]
        return np.min(np.diff(np.sort(values))) > 0.03 and abs(beta - 1.5) > 0.02

    return _level_exercise(*answers.telling(draw, tells))


# 5.3: a price for activations


def _check_sparse(answer):
    V, W, H = _drawn(53)
    weight = answers.varied(0.7, 0.4, 1.5, answers.rng(153))
    first, second = W.T @ (V / (W @ H)), W.sum(axis=0)[:, None]
    expected = H * first / (second + weight)
    wrong = answers.array(
        answers.call(answer, V, W, H, weight),
        expected,
        "components frames",
        name="the new H",
        where="Is the slope of the new term positive or negative, and does it depend on H?",
        mistakes={
            "That is the update without a price: the weight does nothing.": H * first / second,
            "That rewards activations instead of charging for them: the more they cost, the larger they get.": H
            * (first + weight)
            / second,
            "That takes the price off the sum that lets H grow, which may become negative and H with it. Keep both "
            "sums positive.": H * (first - weight) / second,
            "That charges in proportion to H. The price of an activation of 2 is twice that of 1, so its slope is the "
            "same everywhere.": H * first / (second + weight * H),
            "That makes H smaller after the update by a fixed factor. The price must take part in the quotient.": H
            * first
            / second
            / (1 + weight),
            "The quotient is upside down: where the recording is louder than the model, H must grow.": H
            * (second + weight)
            / first,
            "That is the quotient alone. H must be multiplied by it.": first / (second + weight),
            "H has not changed.": H,
        },
    )
    if wrong:
        return wrong
    silent = W.copy()
    silent[:, 1] = 0
    with np.errstate(all="ignore"):
        updated = np.asarray(answers.call(answer, V, silent, H, 0.0))
    return answers.truth(
        updated.shape == H.shape and np.all(np.isfinite(updated)),
        "With a weight of 0, a template of zeros makes 0 / 0, and its row of H is nan.",
    )


# 5.4: some templates are kept


def _check_free(answer):
    V, W, H = _drawn(54, components=4)
    free = np.roll([False, True, False, True], answers.varied(0, 0, 1, answers.rng(154)))
    everything = W * ((V / (W @ H)) @ H.T) / H.sum(axis=1)
    expected = np.where(free, everything, W)
    alone = W.copy()
    alone[:, free] = W[:, free] * ((V / (W[:, free] @ H[free])) @ H[free].T) / H[free].sum(axis=1)
    return answers.array(
        answers.call(answer, V, W, H, free),
        expected,
        "freq components",
        name="the new W",
        where="Look at the columns where free is False, and at those where it is True, one after the other.",
        mistakes={
            "All columns have changed. Those where free is False must stay.": everything,
            "The other way round: the fixed columns have changed, and the free ones stayed.": np.where(
                free, W, everything
            ),
            "The model must hold all components, the known ones too. Otherwise the free ones learn what is "
            "explained already.": alone,
            "Only the free columns came back. Give the whole W, with the known columns as they were.": everything[
                :, free
            ],
            "Nothing has changed.": W,
            "The division by the sum of the activations is missing.": np.where(free, W * ((V / (W @ H)) @ H.T), W),
            "That is the update for beta 2; the task is beta 1.": np.where(free, W * (V @ H.T) / (W @ H @ H.T), W),
        },
    )


# 5.5: reach a result


@functools.cache
def _stems():
    """The rate, the true stems of the mixture of exercise 5.5, and the players alone."""
    from ...datasets import pieces

    song = pieces.load(PIECE)
    rate_hz = song.sample_rate_hz
    half = song.mixture.shape[1] // 2
    exam, study = slice(half - EXAM_S * rate_hz, half), slice(half, half + STUDY_S * rate_hz)
    names = ("voice", "guitar")
    return (
        rate_hz,
        {name: song.sources[name][:, exam] for name in names},
        {name: song.sources[name][:, study] for name in names},
    )


def _hand_out_song():
    rate_hz, stems, alone = _stems()
    return {
        "mixture": stems["voice"] + stems["guitar"],
        "voice alone": alone["voice"],
        "guitar alone": alone["guitar"],
        "sample_rate_hz": rate_hz,
    }


def _check_separated(answer):
    from ...metrics import energy

    _, stems, _ = _stems()
    mixture = stems["voice"] + stems["guitar"]
    if not isinstance(answer, dict):
        return f'The answer must be a dict with "voice" and "guitar", got {answers.describe(answer)}.'
    missing = [name for name in stems if name not in answer]
    if missing:
        return f"There is no estimate of the {missing[0]}; the dict must have it under this name."
    estimates = {name: np.asarray(answer[name]) for name in stems}
    for name, estimate in estimates.items():
        if estimate.dtype.kind not in "fiu" or estimate.shape != mixture.shape:
            return f"The {name} must be a waveform of shape {mixture.shape}, got {answers.describe(answer[name])}."
        if not np.all(np.isfinite(estimate)):
            return f"The {name} holds NaN or infinite values; look for a division by zero."
    if all(np.allclose(estimate, mixture, atol=1e-4) for estimate in estimates.values()):
        return "That is the mixture itself, for both. Nothing has been separated."
    sdr_db = {name: energy.sdr(stems[name], estimate) for name, estimate in estimates.items()}
    mean_db = np.mean(list(sdr_db.values()))
    exchanged_db = np.mean(
        [energy.sdr(stems["voice"], estimates["guitar"]), energy.sdr(stems["guitar"], estimates["voice"])]
    )
    reached = ", ".join(f"the {name} {value:.1f} dB" for name, value in sdr_db.items())
    if exchanged_db > mean_db + 1:
        return f"The names are exchanged: the voice's estimate sounds like the guitar ({reached})."
    return answers.truth(
        mean_db >= ENOUGH_DB,
        f"Not yet: {reached}, {mean_db:.1f} dB in the mean, and {ENOUGH_DB:g} dB are asked. Listen to what is left of "
        "the other player in each.",
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="5.1",
        kind="sound",
        task='`lab.given("5.1")` returns six components of the guitar as waveforms, named A to F. Which one is the '
        "pluck, the knock that all strokes have in common?",
        check=_check_pluck,
        given=_hand_out_components,
        hints=(
            "Solo them one after the other, and try to sing along. With which one can you not?",
            "A note rings until the string is stopped or struck again. How long does a knock last?",
        ),
        praise="Nothing in the equations mentions plucks, or notes. Both are only sounds that come back.",
    ),
    _level_exercise(),
    Exercise.from_files(
        __file__,
        number="5.3",
        kind="construct",
        task="Write `sparse_update(V, W, H, weight)`: one multiplicative update of H for the Kullback-Leibler "
        "divergence plus weight times the sum of all activations.",
        check=_check_sparse,
        hints=(
            "Write down the slope of weight times H[c, t] with respect to H[c, t], and add it to the slope of part 4.",
            "The slope of part 4 is one sum minus another. Which of the two does a positive slope join?",
            "For a template of zeros both sums are 0. A tiny number, far below all others, or np.divide with where=, "
            "avoids the nan.",
        ),
        praise="Small activations vanish first: their sum above the line is small, and the price below it is the same "
        "for all.",
    ),
    Exercise.from_files(
        __file__,
        number="5.4",
        kind="construct",
        task="Write `update_free(V, W, H, free)`: one update of the templates for beta 1 that changes only the columns "
        "where free is True.",
        check=_check_free,
        hints=(
            "The known components explain a part of the recording, whether they are updated or not.",
            "Compute the update of all columns; then choose, column by column, the new or the old.",
        ),
        praise="Each column may be updated or left alone as you like, and the divergence still cannot rise.",
    ),
    Exercise.from_files(
        __file__,
        number="5.5",
        kind="sound",
        task='Separate the voice and the guitar of `lab.given("5.5")`, with the help of the two players alone: a dict '
        f"of two waveforms with a mean SDR of at least {ENOUGH_DB:g} dB.",
        check=_check_separated,
        given=_hand_out_song,
        own_function=False,
        hints=(
            "Part 8 has three ways. For which of them do you have everything it needs?",
            "Templates come from each player alone, activations from the mixture; a mask and the inverse STFT make "
            "waveforms.",
            "If it is not enough: how many templates does a singer need who glides through two octaves? Try the "
            "exponent of the mask, too.",
        ),
        praise="With stems you could measure it. Now listen: which of the two would you play to the singer?",
    ),
)
