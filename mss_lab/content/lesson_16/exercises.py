"""Exercises of lesson 16, "Learn a mask"."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ... import transforms
from ...datasets import duets, pieces, repertoire
from ...lessons import Exercise, answers
from ...lessons.plain_values import plain
from ...metrics import energy

PIECE = "chorale_a"


def _softmax(outputs, axis=0):
    raised = np.exp(outputs - outputs.max(axis=axis, keepdims=True))
    return raised / raised.sum(axis=axis, keepdims=True)


def _check_masks(answer):
    rng = answers.rng(161)
    shape = answers.varied(3, 3, 5, rng), answers.varied(4, 4, 6, rng), answers.varied(5, 5, 8, rng)
    outputs = 3 * rng.standard_normal(shape)
    where = "np.exp of everything, over the sum of that along the first axis."
    wrong = answers.array(
        answers.call(answer, outputs),
        _softmax(outputs),
        "sources freq frames",
        name="the stack of masks",
        where=where,
        mistakes={
            "They add up to 1 over the bins. The masks of one bin must.": _softmax(outputs, 1),
            "The sum goes over the bins. It must go over the sources.": np.exp(outputs - outputs.max(axis=0))
            / np.exp(outputs - outputs.max(axis=0)).sum(axis=1, keepdims=True),
            "They add up to 1 over the frames. The masks of one bin must.": _softmax(outputs, 2),
            "They add up to 1 over everything. They must do so in each bin.": np.exp(outputs) / np.exp(outputs).sum(),
            "Those are sigmoids: each is between 0 and 1, but together they need not be 1.": 1 / (1 + np.exp(-outputs)),
            "That divides the outputs themselves, which can be negative: nothing was raised to a power of e.": outputs
            / outputs.sum(axis=0),
        },
    )
    if wrong:
        return wrong
    outputs[0, 1, 2], outputs[2, 3, 4] = 1000, 999
    outputs[:, 0, 0] = -1000
    with np.errstate(all="ignore"):
        result = answers.call(answer, outputs)
    return answers.truth(
        np.isfinite(np.asarray(result, float)).all(),
        "For values as large as 1000 there is a nan: np.exp(1000) is more than a number can hold, and for -1000 all "
        "are 0.",
    ) or answers.array(result, _softmax(outputs), "sources freq frames", name="the stack for large values", where=where)


def _windows(x, context, step, mode="constant"):
    padded = np.pad(x, ((0, 0), (context * step, context * step)), mode=mode)
    return np.stack([padded[:, t : t + 2 * context * step + 1 : step].T for t in range(x.shape[1])])


def _check_windows(answer):
    rng = answers.rng(163)
    context, step = answers.varied(2, 1, 3, rng), answers.varied(3, 2, 4, rng)
    x = rng.standard_normal((answers.varied(4, 3, 6, rng), context * step + answers.varied(9, 8, 12, rng)))
    expected = _windows(x, context, step)
    neighbours = np.pad(x, ((0, 0), (context, context)))
    before = np.pad(x, ((0, 0), (2 * context * step, 0)))
    late = np.stack([before[:, t : t + 2 * context * step + 1 : step].T for t in range(x.shape[1])])
    wrong = answers.array(
        answers.call(answer, x, context, step),
        expected,
        "frames context freq",
        name="the stack of windows",
        where="Frame t stands in the middle of its window; the others are multiples of `step` frames away.",
        mistakes={
            "Those are the nearest frames: the step is not used.": np.stack(
                [neighbours[:, t : t + 2 * context + 1].T for t in range(x.shape[1])]
            ),
            "At the ends it goes round to the other end of the song. Beyond the ends lie zeros.": _windows(
                x, context, step, "wrap"
            ),
            "Beyond the ends the last frame is repeated. There should be zeros.": _windows(x, context, step, "edge"),
            "Beyond the ends the song is mirrored. There should be zeros.": _windows(x, context, step, "reflect"),
            "The latest frame of each window comes first. The earliest should.": expected[:, ::-1],
            "The axes are (frames, freq, context): exchange the last two.": expected.swapaxes(1, 2),
            "Each window is one row of numbers. Keep context and frequency apart: (frames, 2 * context + 1, freq).": (
                expected.reshape(x.shape[1], -1)
            ),
            "Windows that reach beyond an end are missing: there is a window for every frame.": expected[
                context * step : -context * step
            ],
            "Only the frames before are there, and none after.": late,
        },
    )
    return wrong or answers.array(
        answers.call(answer, x, 0, step),
        _windows(x, 0, 1),
        "frames context freq",
        name="the stack without context",
        where="Without context each window is its own frame.",
    )


RATE_HZ = 8_000
PAIR = {"flute": 73, "oboe": 68}
GOAL_DB = 4.0


def _duet():
    """The two songs of exercise 16.2: stems to learn from, and stems whose mixture is to be separated."""
    players = duets.draw_players(PAIR, 1, [162])[0]
    one, other = (
        duets.song(repertoire.work_of(name, pieces.load(name).score), players, [162, 1], length_s=length_s)["audio"]
        for name, length_s in (("chorale_a", 12.0), ("chorale_b", 6.0))
    )
    return one, other


def _duet_to_separate():
    train, test = _duet()
    return {"train": train, "mixture": test.sum(axis=0)}


def _check_separation(answer):
    _, sources = _duet()
    if callable(answer):
        return "The answer must be the two estimates, an array, not a function."
    try:
        estimates = np.asarray(plain(answer), float)
    except (TypeError, ValueError):
        return f"The answer must be an array (2, samples), got {answers.describe(answer)}."
    if estimates.shape != sources.shape:
        return f"The estimates must have the shape {sources.shape}, got {estimates.shape}."
    if not np.isfinite(estimates).all():
        return "The estimates hold NaN or infinite values."
    if np.any(np.abs(estimates).max(axis=1) == 0):
        return "One of the two estimates is silent."

    def gain_db(of):
        mixture = sources.sum(axis=0, keepdims=True)
        return float(
            np.mean([energy.si_sdr_improvement(s[None], e[None], mixture) for s, e in zip(sources, of, strict=True)])
        )

    gain = gain_db(estimates)
    if gain >= GOAL_DB:
        return None
    if gain_db(estimates[::-1]) > max(gain, 1.0):
        return "Flute and oboe are exchanged: the flute comes first."
    if np.allclose(estimates[0], estimates[1]):
        return "Both estimates are the same waveform."
    return f"The estimates are {gain:+.1f} dB better than the mixture, on average; {GOAL_DB:g} dB are the goal."


def _stop(validation, patience, *, inclusive=True, from_last=False, late=0):
    best, waited = 0, 0
    for index in range(1, len(validation)):
        reference = validation[index - 1] if from_last else validation[best]
        better = validation[index] < reference if inclusive else validation[index] <= reference
        if better and not from_last:
            best, waited = index, 0
        elif better:
            waited = 0
            best = index if validation[index] < validation[best] else best
        else:
            waited += 1
        if waited >= patience + late:
            return best, index
    return best, len(validation) - 1


# Losses and patience that tell the mistakes of `_stop_mistakes` from each other.
LOSSES = (
    ([5.0, 4.0, 3.5, 3.6, 3.4, 3.9, 3.8, 3.7, 3.0], 3),
    ([5.0, 4.0, 4.2, 4.1, 3.0, 3.3], 3),
    ([2.0, 2.0, 2.0, 1.0], 2),
    ([1.0], 4),
)


def _stop_mistakes(cases):
    """What typical mistakes give for all cases, each under what to say about it."""
    right = [_stop(*case) for case in cases]
    lowest = [int(np.argmin(validation)) for validation, _ in cases]
    return {
        "The two are exchanged: first the lowest, then the last.": [(last, best) for best, last in right],
        "The first number belongs to the lowest of the whole list; after the stop no loss is computed any more.": [
            (low, last) for low, (_, last) in zip(lowest, right, strict=True)
        ],
        "It stops one loss too late.": [_stop(*case, late=1) for case in cases],
        "Each loss is compared with the one before it, not with the lowest so far.": [
            _stop(*case, from_last=True) for case in cases
        ],
        "A loss that equals the lowest counts as better. It must be below.": [
            _stop(*case, inclusive=False) for case in cases
        ],
    }


def _other_losses(rng):
    def draw():
        # Few different values, so that some are equal.
        lengths = [*rng.integers(6, 12, 3), 1]
        losses = [[float(value) / 2 for value in rng.integers(2, 12, length)] for length in lengths]
        return tuple((validation, int(rng.integers(2, 4))) for validation in losses)

    def distinguishes(cases):
        right = [_stop(*case) for case in cases]
        return right not in _stop_mistakes(cases).values()

    return answers.telling(draw, distinguishes)


def _check_stop(answer):
    rng = answers.rng(165)
    cases = answers.usually(LOSSES, lambda: _other_losses(rng))
    results = []
    for validation, patience in cases:
        result = answers.call(answer, list(validation), patience)
        if not isinstance(result, tuple | list | np.ndarray) or len(result) != 2:
            return "Return two whole numbers: the index of the lowest loss, and that of the last one computed."
        results.append(tuple(float(value) for value in result))

    if results == [_stop(*case) for case in cases]:
        return None
    for words, mistake in _stop_mistakes(cases).items():
        if results == mistake:
            return words
    for (validation, patience), one in zip(cases, results, strict=True):
        if one != _stop(validation, patience):
            shown = ", ".join(f"{value:g}" for value in one)
            return f"For the losses {validation} and patience {patience} it gives {shown}, which is not right."
    return None


# What the four networks of exercise 16.5 were trained on.
LEARNT = {"A": "both", "B": "song 2", "C": "neither", "D": "song 1"}
GRID: dict[str, Any] = {"window_samples": 512, "hop_samples": 128}
STEPS = 100


def _songs_of_one_pair() -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The two songs of exercise 16.5, and four others of the same two players."""
    players = duets.draw_players(PAIR, 1, [162])[0]
    works = [repertoire.work_of(name, pieces.load(name).score) for name in ("chorale_a", "chorale_b")]
    songs: list[Mapping[str, Any]] = [duets.song(works[n % 2], players, [165, n + 1], length_s=5.0) for n in range(6)]
    return songs[:2], songs[2:]


def _levels(stft: np.ndarray) -> np.ndarray:
    """Levels in dB (frames, freq)."""
    result: np.ndarray = 20 * np.log10(np.maximum(np.abs(stft), 1e-3)).T
    return result


def _one_matrix(songs: Sequence[Mapping[str, Any]]) -> Callable[[np.ndarray], np.ndarray]:
    """Train the ten lines of part 2 on songs of two players; the result separates a mixture."""
    stems = np.concatenate([transforms.stft(song["audio"], **GRID) for song in songs], axis=2)
    mixture, first = np.abs(stems.sum(axis=0)).T, np.abs(stems[0]).T
    levels = _levels(stems.sum(axis=0))
    mean, deviation = levels.mean(axis=0), np.maximum(levels.std(axis=0), 1)
    levels, rng = (levels - mean) / deviation, answers.rng(165)
    weights = 0.03 * rng.standard_normal((levels.shape[1], levels.shape[1]))
    slope, size = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        frames = rng.integers(len(levels), size=64)
        mask = 1 / (1 + np.exp(-levels[frames] @ weights))
        error = mask * mixture[frames] - first[frames]
        gradient = levels[frames].T @ (error * mixture[frames] * mask * (1 - mask))
        slope, size = 0.9 * slope + 0.1 * gradient, 0.999 * size + 0.001 * gradient**2
        weights -= 4e-3 * (slope / (1 - 0.9**step)) / (np.sqrt(size / (1 - 0.999**step)) + 1e-9)

    def separate(waveform: np.ndarray) -> np.ndarray:
        stft = transforms.stft(waveform[np.newaxis], **GRID)[0]
        mask = 1 / (1 + np.exp(-((_levels(stft) - mean) / deviation) @ weights)).T
        return transforms.istft(np.stack([mask, 1 - mask]) * stft, len(waveform), **GRID)

    return separate


def _four_networks() -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """What four networks make of two songs: {network: {song: {player: waveform (1, samples)}}}."""
    songs, others = _songs_of_one_pair()
    learnt = {"song 1": songs[:1], "song 2": songs[1:], "both": songs, "neither": others}
    result = {}
    for name, learnt_from in LEARNT.items():
        separate = _one_matrix(learnt[learnt_from])
        estimates = [separate(song["audio"].sum(axis=0)).astype(np.float32) for song in songs]
        result[name] = {
            f"song {n}": {player: wave[np.newaxis] for player, wave in zip(PAIR, waves, strict=True)}
            for n, waves in enumerate(estimates, 1)
        }
    return result


def _check_learnt(answer):
    if answers.is_blank(answer):
        raise answers.Blank
    if not isinstance(answer, dict) or set(map(str, answer)) != set(LEARNT):
        return f"The answer must be a dict with the keys A, B, C and D, got {answers.describe(answer)}."
    named = {str(name): " ".join(str(learnt).split()).casefold() for name, learnt in answer.items()}
    unknown = [learnt for learnt in named.values() if learnt not in LEARNT.values()]
    if unknown:
        return f"Each value must be one of {', '.join(sorted(LEARNT.values()))}, and one is {unknown[0]!r}."
    if len(set(named.values())) < len(LEARNT):
        return "Each of the four was trained on something else, and the answer names one training twice."
    wrong = {name for name, learnt in LEARNT.items() if named[name] != learnt}
    if not wrong:
        return None
    of_one = {name for name, learnt in LEARNT.items() if learnt.startswith("song")}
    if wrong == of_one:
        return "The two networks of a single song are found, and exchanged: which of the songs does each know?"
    if wrong == set(LEARNT) - of_one:
        return "The networks of both songs and of neither are exchanged: which of them separates at all?"
    return f"{len(wrong)} of the four are not right. Compare what one network makes of the two songs."


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="16.1",
        kind="formula",
        task="Write `masks(outputs)`: the softmax over the sources of what a network gives, (sources, freq, frames), "
        "also where values are as large as 1000.",
        check=_check_masks,
        hints=(
            "np.exp(outputs) over its sum along the first axis, with keepdims or not.",
            "A number taken away from all sources of a bin changes nothing in the quotient. Which one keeps np.exp "
            "from overflowing?",
        ),
        praise="Every library's softmax does this, and a network that was trained without it meets a nan there.",
    ),
    Exercise.from_files(
        __file__,
        number="16.2",
        kind="sound",
        task='Separate the mixture of lab.given("16.2") by whatever you train on its stems, so that the SI-SDR exceeds '
        f"that of the mixture by {GOAL_DB:g} dB on average: an array (2, samples), in the order of the stems.",
        check=_check_separation,
        given=_duet_to_separate,
        hints=(
            "The ten lines of part 2 are enough, with two sources and a window of 512 samples at 8 kHz. Change every "
            "513 into 257, and 4 into 2.",
            "Use the same mean and deviation of each bin for both songs, those of the training song. Some hundred "
            "steps are enough; more steps memorise the training song.",
        ),
        praise="It was tested on a piece that it was not trained on. With other instruments it would be another story: "
        "lesson 15, part 7.",
    ),
    Exercise.from_files(
        __file__,
        number="16.3",
        kind="construct",
        task="Write `windows(x, context, step)`: for each frame of x (freq, frames) the 2 * context + 1 frames around "
        "it at distances of `step` frames, an array (frames, 2 * context + 1, freq), with zeros beyond the ends.",
        check=_check_windows,
        hints=(
            "How many columns of zeros does the earliest frame of the first window need?",
            "np.pad(x, ((0, 0), (columns, columns))); a slice may have a step: padded[:, start : stop : step].",
        ),
        praise="A dilated convolution does the same without building this array. Some networks stack many of them to "
        "cover seconds with few weights.",
    ),
    Exercise.from_files(
        __file__,
        number="16.4",
        kind="construct",
        task="Write `stop(validation, patience)`: the index of the lowest loss that was computed and the index of the "
        "last one computed, when training ends after `patience` losses in a row that are not below the lowest so far.",
        check=_check_stop,
        hints=(
            "Go through the list with an index, and keep the index of the lowest so far.",
            "How many losses have come since the lowest? And what is the last one if the patience is never used up?",
        ),
        praise="With that, the last weights are not the ones to keep: fit gives those of the best moment.",
    ),
    Exercise.from_files(
        __file__,
        number="16.5",
        kind="sound",
        task='Four networks have separated the same two songs, lab.given("16.5"): one was trained on song 1 alone, one '
        "on song 2 alone, one on both, and one on neither. Which is which? A dict with the keys A, B, C and D, and the "
        "values song 1, song 2, both and neither.",
        check=_check_learnt,
        given=_four_networks,
        hints=(
            "Solo the flute. Do you hear the oboe in it? Ask this for each network and for each of the two songs.",
            "A network that has memorised a song separates it almost without a trace of the other player. On a song "
            "that it has not heard in training, both players are in both estimates.",
        ),
        praise="One song would not have told them apart: memorising shows in the difference between two.",
    ),
)
