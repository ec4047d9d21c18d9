"""Exercises of lesson 06, "NMF that knows time"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "band"


def _check_roughness(answer):
    return answers.number(
        answer,
        4,
        1e-6,
        name="the roughness",
        where="Add the squares of the three jumps; divide by the mean of the four squares.",
        mistakes={
            "That is the sum of the squared jumps alone; divide it by the mean square, which is 2.": 8,
            "That divides by the sum of the squares. It is their mean, over 4 frames.": 1,
            "That divides by the root of the mean square. It is the mean square itself.": 8 / np.sqrt(2),
            "That adds up the jumps without squaring them.": 4 / 2,
        },
    )


def _lasting(W, H, move):
    return sum(slice_of @ move(H, lag) for lag, slice_of in enumerate(W))


def _later(H, lag):
    moved = np.zeros_like(H)
    moved[:, lag:] = H[:, : H.shape[1] - lag]
    return moved


def _sooner(H, lag):
    return _later(H[:, ::-1], lag)[:, ::-1]


def _rolled(H, lag):
    return np.roll(H, lag, axis=1)


def _running_over(W, H):
    longer = np.pad(H, ((0, 0), (0, len(W) - 1)))
    return _lasting(W, longer, _later)


def _check_lasting(answer):
    rng = answers.rng(63)
    lags, components = answers.varied(4, 3, 6, rng), answers.varied(3, 2, 5, rng)
    W = rng.random((lags, answers.varied(5, 4, 8, rng), components))
    H = rng.random((components, answers.varied(9, 8, 12, rng)))
    wrong = answers.array(
        answers.call(answer, W, H),
        _lasting(W, H, _later),
        "freq frames",
        name="the model",
        where="Add up W[t] @ (H moved t frames later), with zeros coming in from the left.",
        mistakes={
            "What runs over the end comes back at the beginning: np.roll goes round in a circle, and so does a "
            "negative index. Zeros must come in from the left.": _lasting(W, H, _rolled),
            "That moves the activations to earlier frames. A template begins where its activation is, so slice t must "
            "come t frames later.": _lasting(W, H, _sooner),
            "The slices come in the wrong order: W[0] is where the template begins.": _lasting(W[::-1], H, _later),
            "Nothing is moved: every slice sounds in the same frame. Slice t belongs t frames later.": W.sum(axis=0)
            @ H,
            "That runs over the end: the result must have as many frames as the activations. Cut it.": _running_over(
                W, H
            ),
        },
    )
    if wrong:
        return wrong
    # Templates that last longer than the recording.
    short = rng.random((components, 2))
    return answers.array(
        answers.call(answer, W, short),
        _lasting(W, short, lambda H, lag: _later(H, lag) if lag < H.shape[1] else 0 * H),
        "freq frames",
        name=f"with {lags} lags and 2 frames, the model",
        where="A slice that would begin beyond the end adds nothing.",
    )


def _check_split(answer):
    rng = answers.rng(64)
    H = rng.uniform(0.1, 1, (3, answers.varied(8, 6, 12, rng))) * np.array([[1.0], [5.0], [0.2]])
    size = np.sqrt(np.mean(H**2, axis=1, keepdims=True))
    more = np.ones_like(H) / size
    less = H * H.sum(axis=1, keepdims=True) / (H.shape[1] * size**3)
    parts = answers.call(answer, H)
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        return f"split must return a pair (more, less), got {answers.describe(parts)}."
    returned_more, returned_less = parts
    for name, part in (("more", returned_more), ("less", returned_less)):
        if np.shape(part) not in (H.shape, (3, 1)):
            return f"{name} must have the shape of H, {H.shape}, got {np.shape(part)}."
        part = np.asarray(part)
        if np.isfinite(part).all() and part.min() < 0:
            return f"{name} has values below 0. Put what is subtracted into the other part."
    return answers.array(
        np.broadcast_to(returned_more, H.shape) - returned_less,
        more - less,
        "components frames",
        name="more - less",
        where="The sum over n is s / sigma with s = H.sum(); sigma depends on H too: the slope of 1 / sigma is "
        "- H / (N sigma ** 3).",
        mistakes={
            "The parts are exchanged: more is what pulls the activation down, the positive part of the gradient.": less
            - more,
            "That treats sigma as a constant. It depends on H, which gives a second term, the part less.": more,
            "The second term lacks the division by the number of frames: sigma squared is a mean.": more
            - H.shape[1] * less,
            "The second term lacks the sum of the row: the slope of 1 / sigma is multiplied by the whole sum.": more
            - H / (H.shape[1] * size**3),
            "The second term has sigma squared where sigma to the third belongs.": more
            - H * H.sum(axis=1, keepdims=True) / (H.shape[1] * size**2),
            "That is the gradient of the sum over the mean square; sparsity divides by its root, sigma.": more / size
            - 2 * less / size,
            "sigma is taken over all components. Each row has its own: axis=1, keepdims=True.": _shared_size(H),
        },
    )


def _shared_size(H):
    size = np.sqrt(np.mean(H**2))
    return 1 / size - H * H.sum(axis=1, keepdims=True) / (H.shape[1] * size**3)


def _paths(scores, cost):
    """Viterbi's path by the plain recursion over pairs, with `cost` (to, from) for each jump."""
    total, back = scores[:, 0], []
    for frame in range(1, scores.shape[1]):
        ways = total[np.newaxis, :] - cost
        back.append(ways.argmax(axis=1))
        total = ways.max(axis=1) + scores[:, frame]
    path = [int(total.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1])


def _greedy(scores, away, penalty):
    path = [int(scores[:, 0].argmax())]
    for frame in range(1, scores.shape[1]):
        path.append(int((scores[:, frame] - penalty * away[path[-1]]).argmax()))
    return np.array(path)


def _without_way_back(scores, cost):
    total, path = scores[:, 0], [int(scores[:, 0].argmax())]
    for frame in range(1, scores.shape[1]):
        total = (total[np.newaxis, :] - cost).max(axis=1) + scores[:, frame]
        path.append(int(total.argmax()))
    return np.array(path)


def _check_path(answer):
    rng = answers.rng(65)
    pitches, penalty = answers.varied(6, 5, 9, rng), answers.varied(0.4, 0.3, 0.6, rng)
    scores = rng.standard_normal((pitches, answers.varied(60, 55, 70, rng)))
    away = np.abs(np.subtract.outer(np.arange(pitches), np.arange(pitches)))
    expected = _paths(scores, penalty * away)
    path = answers.call(answer, scores, penalty)
    wrong = answers.array(
        path,
        expected,
        "frames",
        name="the path",
        where="For each pitch keep the best sum that ends there, and where it came from; at the end go back from the "
        "best.",
        mistakes={
            "That takes the best pitch of each frame by itself; the penalty does nothing.": scores.argmax(axis=0),
            "That decides frame by frame, from the pitch chosen last. A choice that looks good now can cost more "
            "later: keep the best sum for every pitch, and decide at the end.": _greedy(scores, away, penalty),
            "That takes the best end of each frame. The best line through the last frame need not pass through those: "
            "remember for each pitch where its best sum came from, and go back from the end.": _without_way_back(
                scores, penalty * away
            ),
            "That squares the jump; the penalty is for |jump|.": _paths(scores, penalty * away**2),
            "That adds the penalty; it must be subtracted.": _paths(scores, -penalty * away),
            "The path runs from the last frame to the first: turn it round.": expected[::-1],
            "That charges every jump alike, however far it goes.": _paths(scores, penalty * (away > 0)),
        },
    )
    if wrong:
        return wrong
    only = rng.standard_normal((pitches, 1))
    return answers.array(
        answers.call(answer, only, penalty),
        only.argmax(axis=0),
        "frames",
        name="with a single frame, the path",
        where="It is the pitch with the best score.",
    )


def _length_exercise(duration_s=0.3, hop=512, rate_hz=44_100):
    exact = duration_s * rate_hz / hop

    def check(answer):
        if isinstance(answer, float) and abs(answer - exact) < 0.06:
            return f"The length is {answer:.4g} frames. Frames come whole: round it up."
        return answers.number(
            answer,
            np.ceil(exact),
            1e-6,
            "frames",
            name="the length",
            where=f"How many hops of {hop} samples fit into {duration_s:g} s?",
            mistakes={
                f"That many do not quite last {duration_s:g} s: round up.": np.floor(exact),
                f"That is the number of samples in {duration_s:g} s; a frame moves on by {hop} of them.": duration_s
                * rate_hz,
                f"That takes a hop of {hop // 2} samples, half of the one given.": np.ceil(2 * exact),
                f"That takes a hop of {2 * hop} samples, twice the one given.": np.ceil(exact / 2),
            },
        )

    rate_in_words = f"{rate_hz:_}".replace("_", " ")
    return Exercise.from_files(
        __file__,
        number="6.2",
        task=f"A tom-tom rings for {duration_s:g} s; the hop is {hop} samples at {rate_in_words} Hz. How many frames "
        "must its template have at least?",
        check=check,
        hints=(f"One hop lasts {hop} / {rate_hz} seconds.", f"{duration_s:g} s is {exact:.1f} hops."),
        values={"duration_s": duration_s, "hop": hop, "rate_hz": rate_hz},
        praise="Beware of many more: then the next stroke fits into the template, too.",
        drawn=_draw_length,
    )


def _draw_length(rng):
    def draw():
        return int(rng.integers(15, 61)) / 100, int(rng.choice([256, 512, 1024])), int(rng.choice([44_100, 48_000]))

    def between_frames(numbers):
        duration_s, hop, rate_hz = numbers
        return 0.15 < duration_s * rate_hz / hop % 1 < 0.85

    return _length_exercise(*answers.telling(draw, between_frames))


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="6.1",
        task="One component has the activations 0, 2, 2, 0. What is its roughness?",
        check=_check_roughness,
        hints=(
            "The jumps are 2, 0 and -2. Square them and add them up.",
            "The squares of the activations are 0, 4, 4, 0; their mean is 2.",
        ),
        praise="And it would be 4 for 0, 200, 200, 0 as well: the level does not matter.",
    ),
    _length_exercise(),
    Exercise.from_files(
        __file__,
        number="6.3",
        task="Write `lasting_model(W, H)` for templates (lags, freq, components) and activations (components, frames).",
        check=_check_lasting,
        hints=(
            "moved = np.zeros_like(H); moved[:, t:] = H[:, : H.shape[1] - t] moves H to later by t frames.",
            "sum(W[t] @ moved_by_t for t in range(len(W)))",
            "Where t is more than the number of frames, H.shape[1] - t is below 0 and counts from the end: use "
            "max(0, H.shape[1] - t), or stop the loop.",
        ),
        praise="A convolution for each component and frequency, and yet only matrix products.",
    ),
    Exercise.from_files(
        __file__,
        number="6.4",
        task="Write `split(H)`: the parts (more, less) of the gradient of the sum over n of H[k, n] / sigma_k, with "
        "sigma_k the root of the mean square of row k.",
        check=_check_split,
        hints=(
            "Write it as s / sigma, with s the sum of the row. Both depend on H[n].",
            "The slope of s is 1, so the first part is 1 / sigma. The slope of sigma is H[n] / (N sigma).",
            "The quotient rule: 1 / sigma - s H[n] / (N sigma ** 3).",
        ),
        praise="Large activations are let grow, small ones are pulled down: that is what sparse means.",
    ),
    Exercise.from_files(
        __file__,
        number="6.5",
        task="Write `best_path(scores, penalty)` for scores (pitches, frames): the line with the largest sum of scores "
        "less penalty times the sum of |jump|.",
        check=_check_path,
        hints=(
            "total[i] is the best sum of a line that ends at pitch i. It starts as scores[:, 0].",
            "ways[i, j] = total[j] - penalty * |i - j|; keep ways.argmax(axis=1) of every frame, and add the next "
            "scores to ways.max(axis=1).",
            "At the end take total.argmax(), and look up where it came from, frame by frame, back to the first.",
        ),
        praise="Of all the lines there are, six to the power of sixty in this check, you found the best in a few "
        "thousand steps.",
    ),
)
