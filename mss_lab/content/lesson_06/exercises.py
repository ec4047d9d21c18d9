"""Exercises of lesson 06, "NMF that knows time"."""

import itertools
from typing import Any

import numpy as np

from ...lessons import Exercise, answers

PIECE = "band"

# 6.1: two bars of the drums, factorised by NMFD into three components: the snare, the hat and the kick, in this order.
DRUMS_START_S = 12.93
DRUMS = ("snare", "hat", "kick")
# The component behind each letter.
LETTERS = {"A": 0, "B": 2, "C": 1}
IN_THIS_ORDER = ("kick", "snare", "hat")

# 6.3: by how much the sum of the distances may exceed that of the true order.
LONGEST = 1.2


# 6.1: which drum is which


def drum_components():
    """The result of NMFD for the drums of exercise 6.1, and the waveforms of its components by number."""
    from ... import masks, signals, transforms
    from ...datasets import pieces
    from ...nmf import convolutive

    band = pieces.load(PIECE)
    rate_hz = band.sample_rate_hz
    settings: dict[str, Any] = {"window_samples": 2048, "hop_samples": 512}
    start = round(DRUMS_START_S * rate_hz)
    drums = signals.fade(band.sources["drums"][:1, start : start + round(4.25 * rate_hz)], 0.02, rate_hz)
    drums = np.pad(drums, ((0, 0), (0, rate_hz // 4)))
    stft = transforms.stft(drums, **settings)
    result = convolutive.factorise(np.abs(stft[0]), 3, 16, iterations=60, rng=np.random.default_rng(1))
    single = [
        convolutive.model(result.templates[:, :, [component]], result.activations[[component]])
        for component in range(3)
    ]
    shares = masks.apply(masks.wiener(np.stack(single)[:, np.newaxis]), stft)
    return result, masks.to_estimates(shares, ["0", "1", "2"], drums.shape[1], **settings)


def _hand_out_drums():
    _, waveforms = drum_components()
    return {letter: waveforms[str(component)] for letter, component in LETTERS.items()}


def _check_drums(answer):
    if isinstance(answer, list | tuple) and all(isinstance(letter, str) for letter in answer):
        answer = "".join(answer)
    letter_of = {DRUMS[component]: letter for letter, component in LETTERS.items()}
    right = "".join(letter_of[drum] for drum in IN_THIS_ORDER)
    orders = tuple("".join(order) for order in itertools.permutations(LETTERS))
    mistakes = {
        order: " ".join(
            f"{letter} is not the {drum}; {SOUNDS[drum].format(drum)}."
            for letter, drum in zip(order, IN_THIS_ORDER, strict=True)
            if letter_of[drum] != letter
        )
        for order in orders
    }
    return answers.text(answer, right, orders, mistakes)


SOUNDS = {
    "kick": "the {} is a low thump",
    "snare": "the {} rattles, on every second beat",
    "hat": "the {} is a short bright tick",
}


# 6.3: frames back in order


def _length_of(V, order):
    return float(np.sum(np.linalg.norm(np.diff(V[:, order], axis=1), axis=0)))


def _walk(V, first):
    """From the frame `first` always to the nearest of those that are left."""
    order, left = [first], set(range(V.shape[1])) - {first}
    while left:
        order.append(min(left, key=lambda frame: np.linalg.norm(V[:, frame] - V[:, order[-1]])))
        left.remove(order[-1])
    return np.array(order)


def _draw_shuffled(rng):
    bins, frames = answers.varied(10, 9, 12, rng), answers.varied(32, 28, 36, rng)
    pace, phase = rng.uniform(0.03, 0.16, bins), rng.uniform(0, 6, bins)
    level = rng.uniform(1.2, 3, (bins, 1))
    V = level * (1.1 + np.sin(np.outer(pace, np.arange(frames)) + phase[:, np.newaxis]))
    order = rng.permutation(frames)
    return V[:, order], np.argsort(order)


def _shortcuts(V):
    return {
        "The frames have not been moved. ": np.arange(V.shape[1]),
        "Frames of one loudness need not be neighbours: two different spectra can be equally loud. ": np.argsort(
            V.sum(axis=0)
        ),
        "That begins somewhere in the middle, walks to one end, and then has to jump back to what it left out. ": _walk(
            V, 0
        ),
    }


def _check_order(answer):
    rng = answers.rng(63)

    def tells(inputs):
        V, order = inputs
        true = _length_of(V, order)
        ends = _length_of(V, _walk(V, int(order[0])))
        return ends < 1.02 * true and all(
            _length_of(V, shortcut) > 1.05 * LONGEST * true for shortcut in _shortcuts(V).values()
        )

    V, order = answers.telling(lambda: _draw_shuffled(rng), tells)
    returned = answers.call(answer, V)
    if np.shape(returned) != (V.shape[1],):
        return f"in_order must return {V.shape[1]} numbers of frames, got {answers.describe(returned)}."
    returned = np.asarray(returned)
    if returned.dtype.kind not in "iu" or not np.array_equal(np.sort(returned), np.arange(V.shape[1])):
        return "Every frame's number must occur exactly once, as a whole number."
    ratio = _length_of(V, returned) / _length_of(V, order)
    words = next((words for words, shortcut in _shortcuts(V).items() if np.array_equal(returned, shortcut)), "")
    return answers.truth(
        ratio <= LONGEST,
        f"{words}Neighbouring frames are {ratio:.2f} times as far apart as in the true order, in the sum; "
        f"{LONGEST:g} times is allowed.",
    )


# 6.4: the gradient of sparsity


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
        where="Compare your gradient with a difference quotient, as part 3 does.",
        mistakes={
            "The parts are exchanged: more is what pulls the activation down, the positive part of the gradient.": less
            - more,
            "That treats sigma as a constant. It depends on H, which gives a second term, the part less.": more,
            "The second term lacks the division by the number of frames.": more - H.shape[1] * less,
            "The second term lacks the sum of the row.": more - H / (H.shape[1] * size**3),
            "The second term has a wrong power of sigma.": more
            - H * H.sum(axis=1, keepdims=True) / (H.shape[1] * size**2),
            "That is the gradient of the sum over the mean square; sparsity divides by its root, sigma.": more / size
            - 2 * less / size,
            "sigma is taken over all components. Each row has its own: axis=1, keepdims=True.": _shared_size(H),
        },
    )


def _shared_size(H):
    size = np.sqrt(np.mean(H**2))
    return 1 / size - H * H.sum(axis=1, keepdims=True) / (H.shape[1] * size**3)


# 6.2: how long a template lasts


def _length_exercise(duration_s=0.3, hop=512, rate_hz=44_100):
    exact = duration_s * rate_hz / hop

    def check(answer):
        if isinstance(answer, float) and abs(answer - exact) < 0.06:
            return f"The length is {answer:.4g} frames. Frames come whole."
        return answers.number(
            answer,
            np.ceil(exact),
            1e-6,
            "frames",
            name="the length",
            where="A frame moves on by one hop.",
            mistakes={
                f"That many do not quite last {duration_s:g} s.": np.floor(exact),
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
        kind="number",
        task=f"A tom-tom rings for {duration_s:g} s; the hop is {hop} samples at {rate_in_words} Hz. How many frames "
        "must its template have at least?",
        check=check,
        hints=(
            f"One hop lasts {hop} / {rate_hz} seconds.",
            "How many of them fill the sound, the last begun one counted?",
        ),
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


# 6.5: where the voice sounds


def _decoded(levels_db, threshold_db, on_price, off_price):
    """Viterbi's path through two states: False is silent, True sounds."""
    rewards = np.stack([np.zeros(len(levels_db)), levels_db - threshold_db])
    cost = np.array([[0, off_price], [on_price, 0]])
    marks, came_from = rewards[:, 0], []
    for frame in range(1, len(levels_db)):
        ways = marks - cost
        came_from.append(ways.argmax(axis=1))
        marks = ways.max(axis=1) + rewards[:, frame]
    path = [int(marks.argmax())]
    for back in reversed(came_from):
        path.append(int(back[path[-1]]))
    return np.array(path[::-1], bool)


def _decided_at_once(levels_db, threshold_db, price):
    """From the first frame on, a change as soon as one frame alone is worth its price."""
    state, path = levels_db[0] > threshold_db, []
    for level_db in levels_db:
        gain = level_db - threshold_db if not state else threshold_db - level_db
        state = state if gain <= price else not state
        path.append(bool(state))
    return np.array(path)


def _draw_levels(rng):
    frames = answers.varied(80, 70, 90, rng)
    sounds = np.repeat(rng.random(frames // 8 + 1) < 0.5, 8)[:frames]
    levels_db = np.where(sounds, -14.0, -26.0) + 8 * rng.standard_normal(frames)
    return levels_db, answers.varied(-20.0, -21.0, -19.0, rng), answers.varied(12.0, 10.0, 15.0, rng)


def _missteps(levels_db, threshold_db, price):
    return {
        "That decides each frame by itself; the price does nothing, and the answer flickers.": levels_db > threshold_db,
        "That decides frame by frame, as soon as one frame is worth the price. Two frames that are each worth half of "
        "it are worth it together: decide at the end.": _decided_at_once(levels_db, threshold_db, price),
        "That charges only for changes from silent to sounding.": _decoded(levels_db, threshold_db, price, 0),
        "That charges only for changes from sounding to silent.": _decoded(levels_db, threshold_db, 0, price),
        "True and False are exchanged.": ~_decoded(levels_db, threshold_db, price, price),
        "The frames run backwards: walking back from the end gives the last frame first.": _decoded(
            levels_db, threshold_db, price, price
        )[::-1],
        "The threshold does nothing: a level in dB is nearly always below 0.": _decoded(levels_db, 0, price, price),
    }


def _check_sounding(answer):
    rng = answers.rng(65)

    def tells(inputs):
        levels_db, threshold_db, price = inputs
        right = _decoded(levels_db, threshold_db, price, price)
        return not any(np.array_equal(right, misstep) for misstep in _missteps(*inputs).values())

    levels_db, threshold_db, price = answers.telling(lambda: _draw_levels(rng), tells)
    wrong = answers.array(
        answers.call(answer, levels_db, threshold_db, price),
        _decoded(levels_db, threshold_db, price, price),
        "frames",
        name="the answer",
        where="Add up what your states earn and what their changes cost, and compare it with that of a neighbouring "
        "choice.",
        mistakes=_missteps(levels_db, threshold_db, price),
    )
    if wrong:
        return wrong
    only = answers.varied(-10.0, -15.0, -5.0, rng)
    return answers.array(
        answers.call(answer, np.array([only]), threshold_db, price),
        np.array([True]),
        "frames",
        name="with a single frame, the answer",
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="6.1",
        kind="sound",
        task='`lab.given("6.1")` returns three components of the drums as waveforms, A, B and C. Which is the kick, '
        "which the snare, which the hat? Three letters in this order.",
        check=_check_drums,
        given=_hand_out_drums,
        hints=(
            "Solo each. The kick is the lowest of the three.",
            "Of the other two, one is over at once and comes back evenly, the other rattles for a while.",
        ),
        praise="NMFD does not know what a drum is. Each of the three was a film that came back.",
    ),
    _length_exercise(),
    Exercise.from_files(
        __file__,
        number="6.3",
        kind="construct",
        task="Write `in_order(V)`: the order of shuffled frames (freq, frames) in which neighbours are alike again.",
        check=_check_order,
        hints=(
            "Frames that were neighbours are alike. Which frame is nearest to a given one?",
            "Begin somewhere, and walk always to the nearest frame that is left.",
            "Where should the walk begin? You do not know; but you can measure how good a finished walk is.",
        ),
        praise="Continuity alone puts music back in order, but not the arrow of time: backwards is as smooth.",
    ),
    Exercise.from_files(
        __file__,
        number="6.4",
        kind="construct",
        task="Write `split(H)`: the parts (more, less) of the gradient of the sum over t of H[c, t] / sigma_c, with "
        "sigma_c the root of the mean square of row c.",
        check=_check_split,
        hints=(
            "Write it as s / sigma, with s the sum of the row. Both depend on every H[t].",
            "The slope of s is 1. What is the slope of sigma, the root of a mean?",
            "The quotient rule gives two terms, one positive and one negative.",
        ),
        praise="Large activations are let grow, small ones are pulled down: that is what sparse means.",
    ),
    Exercise.from_files(
        __file__,
        number="6.5",
        kind="construct",
        task="Write `sounding(levels_db, threshold_db, price)`: for each frame whether the voice sounds, so that what "
        "the states earn less the price of every change is largest.",
        check=_check_sounding,
        hints=(
            "Two states, two marks: the best sum so far that ends in silence, and the best that ends sounding.",
            "Each of them came from the same state for nothing, or from the other for the price; remember which.",
            "At the last frame take the better one, and walk back.",
        ),
        praise="Two to the power of the number of frames answers, and the best of them in a few hundred steps.",
    ),
)
