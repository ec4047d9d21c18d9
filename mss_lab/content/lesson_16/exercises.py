"""Exercises of lesson 16, "Learn a mask"."""

import numpy as np

from ...lessons import Exercise, answers

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
            "They add up to 1 over the bins. The masks of one bin must: sum over the first axis.": _softmax(outputs, 1),
            "The sum goes over the bins. It must go over the sources, the first axis.": np.exp(
                outputs - outputs.max(axis=0)
            )
            / np.exp(outputs - outputs.max(axis=0)).sum(axis=1, keepdims=True),
            "They add up to 1 over the frames. The masks of one bin must: sum over the first axis.": _softmax(
                outputs, 2
            ),
            "They add up to 1 over everything. They must do so in each bin.": np.exp(outputs) / np.exp(outputs).sum(),
            "Those are sigmoids: each is between 0 and 1, but together they need not be 1.": 1 / (1 + np.exp(-outputs)),
            "That divides without raising to a power of e first; what was outputs can be negative.": outputs
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
        "are 0. Take the largest of the sources away first; the quotient stays the same.",
    ) or answers.array(result, _softmax(outputs), "sources freq frames", name="the stack for large values", where=where)


def _windows(x, C, mode="constant"):
    padded = np.pad(x, ((0, 0), (C, C)), mode=mode)
    return np.stack([padded[:, n : n + 2 * C + 1].T for n in range(x.shape[1])])


def _check_windows(answer):
    rng = answers.rng(162)
    C = answers.varied(2, 1, 3, rng)
    x = rng.standard_normal((answers.varied(4, 3, 6, rng), answers.varied(9, 8, 12, rng)))
    where = "Put C columns of zeros on either side; frame n then sees columns n to n + 2C."
    wrong = answers.array(
        answers.call(answer, x, C),
        _windows(x, C),
        "frames context freq",
        name="the stack of windows",
        where=where,
        mistakes={
            "At the ends it goes round to the other end of the song. Beyond the ends lie zeros.": _windows(
                x, C, "wrap"
            ),
            "Beyond the ends the last frame is repeated. There should be zeros.": _windows(x, 2, "edge"),
            "Beyond the ends the song is mirrored. There should be zeros.": _windows(x, 2, "reflect"),
            "The latest frame of each window comes first. Turn the middle axis round.": _windows(x, C)[:, ::-1],
            "The axes are (frames, freq, context): exchange the last two.": _windows(x, C).swapaxes(1, 2),
            "Each window is one row of numbers. Keep context and frequency apart: (frames, 2C + 1, freq).": _windows(
                x, C
            ).reshape(x.shape[1], -1),
            "The ends are missing: there is a window for every frame.": _windows(x, C)[C:-C],
        },
    )
    return wrong or answers.array(
        answers.call(answer, x, 0),
        _windows(x, 0),
        "frames context freq",
        name="the stack for C = 0",
        where="Without context each window is its own frame.",
    )


def _target(S, X, low=0.0, high=None, cosine=True):
    along = np.abs(S) * (np.cos(np.angle(S) - np.angle(X)) if cosine else 1)
    return np.minimum(np.maximum(along, low), np.abs(X) if high is None else high)


def _check_target(answer):
    rng = answers.rng(163)
    sources, size = answers.varied(2, 2, 4, rng), (answers.varied(6, 4, 8, rng), answers.varied(7, 5, 9, rng))
    S, X = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape) for shape in ((sources, *size), size))
    X[0] = 0
    with np.errstate(all="ignore"):
        result = answers.call(answer, S, X)
        mask = np.nan_to_num(_target(S, X) / np.abs(X))
        quotient = np.clip(np.real(S * np.conj(X)) / np.abs(X), 0, np.abs(X))
    return answers.array(
        result,
        _target(S, X),
        "sources freq frames",
        name="the target",
        where="np.abs(S) * np.cos(np.angle(S) - np.angle(X)), then np.clip between 0 and np.abs(X).",
        mistakes={
            "It falls below 0 where source and mixture point apart; no mask can reach that. Hold it above 0.": _target(
                S, X, low=-np.inf
            ),
            "It goes beyond the mixture's magnitude; no mask up to 1 can reach that.": _target(S, X, high=np.inf),
            "It is not truncated at all: hold it between 0 and the mixture's magnitude.": _target(
                S, X, low=-np.inf, high=np.inf
            ),
            "It is held between 0 and 1. That is the range of the mask; the target reaches up to |X|.": _target(
                S, X, high=1
            ),
            "The angle is missing: only the part of the source that lies along the mixture can be had.": _target(
                S, X, cosine=False
            ),
            "That is the best mask. The target is the mask times the mixture's magnitude.": mask,
            "Where the mixture is 0 there is a nan, from a division by it. Use the angles instead.": quotient,
        },
    )


def _check_derivative(answer):
    return answers.number(
        answer,
        1.5,
        0.001,
        name="the derivative",
        where="The chain rule: 2 (M |X| - |S|) times |X| times the derivative of the sigmoid, M (1 - M).",
        mistakes={
            "The 2 of the square is missing.": 0.75,
            "That is the derivative by the mask. The mask depends on a as well: times M (1 - M).": 6.0,
            "The factor |X| is missing: the mask is multiplied by it.": 0.5,
            "That is the loss. Its derivative says how it changes.": 1.0,
            "The sign: the estimate is too large here, so the loss grows with a.": -1.5,
            "That takes the mask for 0. The sigmoid of 0 is a half.": 0.0,
            "That takes M for the derivative of the sigmoid; it is M (1 - M).": 3.0,
        },
    )


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
        "The two are exchanged: first the best, then the last.": [(last, best) for best, last in right],
        "The best of the whole list is looked for; after the stop nothing is computed any more.": [
            (low, last) for low, (_, last) in zip(lowest, right, strict=True)
        ],
        "It stops one too late: after `patience` losses in a row that are not below the best.": [
            _stop(*case, late=1) for case in cases
        ],
        "Each loss is compared with the one before it. Compare it with the best so far.": [
            _stop(*case, from_last=True) for case in cases
        ],
        "A loss that equals the best counts as better. It must be below.": [
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
            return "Return two whole numbers: the index of the best loss, and that of the last one computed."
        results.append(tuple(float(value) for value in result))

    if results == [_stop(*case) for case in cases]:
        return None
    for words, mistake in _stop_mistakes(cases).items():
        if results == mistake:
            return words
    for (validation, patience), one in zip(cases, results, strict=True):
        if one != _stop(validation, patience):
            shown = ", ".join(f"{value:g}" for value in one)
            return (
                f"For the losses {validation} and patience {patience} it gives {shown}. Go through the list, keep the "
                "index of the best so far, and count what has come since."
            )
    return None


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="16.1",
        task="Write `masks(made)`: the softmax over the sources of an array (sources, freq, frames), also where "
        "values are as large as 1000.",
        check=_check_masks,
        hints=(
            "np.exp(made), divided by its sum along the first axis.",
            "The softmax stays the same if the same number is taken from all sources of a bin. Take their largest.",
        ),
        praise="torch does the same, and so never meets a nan there.",
    ),
    Exercise.from_files(
        __file__,
        number="16.2",
        task="Write `windows(x, C)`: for each frame of x (freq, frames) the 2C + 1 frames around it, an array (frames, "
        "2C + 1, freq), with zeros beyond the ends.",
        check=_check_windows,
        hints=(
            "np.pad(x, ((0, 0), (C, C))) puts C columns of zeros on either side.",
            "In the padded array frame n sees columns n to n + 2C: padded[:, n : n + 2 * C + 1].T.",
        ),
        praise="A convolution over time never builds this array, and gives the same.",
    ),
    Exercise.from_files(
        __file__,
        number="16.3",
        task="Write `target(S, X)`: the truncated phase-sensitive target of complex S (sources, freq, frames) and X "
        "(freq, frames), a real array between 0 and |X|.",
        check=_check_target,
        hints=(
            "The part along the mixture: np.abs(S) * np.cos(np.angle(S) - np.angle(X)).",
            "np.clip(that, 0, np.abs(X)).",
        ),
        praise="Divided by |X| it is the best mask between 0 and 1 that there is.",
    ),
    Exercise.from_files(
        __file__,
        number="16.4",
        task="A bin has |X| = 3 and |S| = 0.5, the network made a = 0, the mask is the sigmoid of a. What is the "
        "derivative of (sigmoid(a) |X| - |S|)^2 by a?",
        check=_check_derivative,
        hints=(
            "The sigmoid of 0 is 0.5, and its derivative there is 0.5 * (1 - 0.5).",
            "2 (0.5 * 3 - 0.5) * 3 * 0.25.",
        ),
        praise="It is above 0: a smaller a, and so a smaller mask, makes the loss smaller.",
    ),
    Exercise.from_files(
        __file__,
        number="16.5",
        task="Write `stop(validation, patience)`: the index of the best loss that was seen and the index of the last "
        "one computed, when training ends after `patience` losses in a row that are not below the best so far.",
        check=_check_stop,
        hints=(
            "Go through the list with an index, and keep the index of the best so far.",
            "index - best is how many have come since the best. Stop when that reaches the patience.",
            "If it is never reached, the last is len(validation) - 1.",
        ),
        praise="With that, the last weights are not the ones to keep: fit gives those of the best.",
    ),
)
