"""Exercises of lesson 13, "Horizontal, vertical, repeating"."""

import numpy as np

from ... import signals
from ...lessons import Exercise, answers
from . import mixtures

PIECE = "band"

LEAST_SDR_DB = 14.0


def _nearest_odd(hops):
    return 2 * round((hops - 1) / 2) + 1


def _length_exercise(length_s=0.5, rate=48_000, hop=1024):
    hops = length_s * rate / hop
    frames = _nearest_odd(hops)
    even = 2 * round(hops / 2)
    next_odd = frames + 2 if hops > frames else frames - 2

    def check(answer):
        if isinstance(answer, float) and not answer.is_integer():
            return f"{answer:.4g} is no whole number of frames, and a kernel needs one."
        return answers.number(
            answer,
            frames,
            1e-6,
            "frames",
            name="the length",
            where="That many hops do not come nearest to this time.",
            mistakes={
                "That is even: such a kernel has no frame in the middle.": even,
                "There is an odd number that is nearer.": next_odd,
                "That is a number of samples, not of frames.": round(length_s * rate),
            },
        )

    return Exercise.from_files(
        __file__,
        number="13.1",
        task=f"A horizontal kernel shall last {length_s:g} s at {rate} Hz and a hop of {hop} samples. How many frames "
        "is that, as the nearest odd number?",
        check=check,
        hints=(
            f"One hop is {hop} samples. How many of them are {length_s:g} s?",
            "Between which two odd numbers does that lie? The nearer one is the answer.",
        ),
        values={"length_s": length_s, "rate": rate, "hop": hop},
        praise="Given in seconds, a kernel keeps its meaning when the rate or the hop changes.",
        drawn=_draw_length,
        kind="number",
    )


def _draw_length(rng):
    def clear(values):
        # Neither exactly between two odd numbers, nor next to one, where the even number could not be a mistake.
        hops = values[0] * values[1] / values[2]
        return 0.2 < abs(hops - _nearest_odd(hops)) < 0.8

    def draw():
        rates, hops = (16_000, 22_050, 32_000, 44_100, 48_000), (256, 320, 512, 1024)
        return round(float(rng.uniform(0.2, 1.5)), 2), int(rng.choice(rates)), int(rng.choice(hops))

    return _length_exercise(*answers.telling(draw, clear))


def _loop_exercise(seed=132):
    bar_s = mixtures.bar_s(seed)

    def check(answer):
        return answers.number(
            answer,
            2 * bar_s,
            0.04 * bar_s,
            "s",
            name="the period",
            where="The loop is not at the same note again after that time.",
            mistakes={
                "After that time nearly everything comes back, but not note for note.": bar_s,
                "Everything comes back then, but it had come back before.": 4 * bar_s,
                "That is a frequency, or one over the period.": 1 / (2 * bar_s),
            },
        )

    return Exercise.from_files(
        __file__,
        number="13.2",
        task='lab.given("13.2")["mixture"] is a loop with a soft voice over it, at 16 000 Hz. After how many seconds '
        "does the loop come back exactly, note for note?",
        check=check,
        hints=(
            "mss_lab.kernels.period.period_of finds when most of it comes back. Is that all of it? Listen to the last "
            "note of each round.",
            "Subtract the recording from itself one period later, and play the difference. What remains besides the "
            "voice?",
        ),
        values={"bar_s": bar_s},
        praise="One soft note in sixteen is different, and a peak of the beat spectrum does not show it.",
        drawn=lambda rng: _loop_exercise(int(rng.integers(1, 1_000_000))),
        given=lambda: {"mixture": mixtures.alternating_loop(seed)},
        kind="sound",
    )


def _sloped(V, slope, reach, fill=np.nan, combine=np.nanmedian, cut=True):
    bins, frames = V.shape
    k, t = np.indices(V.shape)
    values = []
    for m in range(-reach, reach + 1):
        inside = (k + slope * m >= 0) & (k + slope * m < bins) & (t + m >= 0) & (t + m < frames)
        shifted = V[np.clip(k + slope * m, 0, bins - 1), np.clip(t + m, 0, frames - 1)]
        values.append(np.where(inside, shifted, fill))
    result = combine(np.stack(values), axis=0)
    return np.minimum(result, V) if cut else result


def _check_slope(answer):
    rng = answers.rng(133)
    V = rng.random((answers.varied(24, 20, 28, rng), answers.varied(30, 26, 34, rng))) ** 2
    slope, reach = answers.varied(2, 2, 3, rng), answers.varied(3, 2, 4, rng)
    wrong = answers.array(
        answers.call(answer, V, slope, reach),
        _sloped(V, slope, reach),
        "freq frames",
        name="the model",
        where="Take one bin in the middle, and list which values its kernel has.",
        mistakes={
            "That is the median along time: the slope is left out.": _sloped(V, 0, reach),
            "The slope goes the other way: a positive one rises.": _sloped(V, -slope, reach),
            "The values are larger than V in some bins: a source cannot be louder than the mixture.": _sloped(
                V, slope, reach, cut=False
            ),
            "Positions outside the array count as zeros. They must not count at all.": _sloped(V, slope, reach, 0.0),
            "That is a mean, which one loud exception moves.": _sloped(V, slope, reach, combine=np.nanmean),
            "One value is missing: `reach` counts on both sides.": _sloped_short(V, slope, reach),
        },
    )
    if wrong:
        return wrong
    for words, other in (("negative", -1), ("level", 0)):
        wrong = answers.array(
            answers.call(answer, V, other, reach),
            _sloped(V, other, reach),
            "freq frames",
            name=f"for a {words} slope the model",
        )
        if wrong:
            return wrong
    return None


def _sloped_short(V, slope, reach):
    # As range(-reach, reach) does it, which leaves the last value out.
    bins, frames = V.shape
    k, t = np.indices(V.shape)
    values = []
    for m in range(-reach, reach):
        inside = (k + slope * m >= 0) & (k + slope * m < bins) & (t + m >= 0) & (t + m < frames)
        shifted = V[np.clip(k + slope * m, 0, bins - 1), np.clip(t + m, 0, frames - 1)]
        values.append(np.where(inside, shifted, np.nan))
    return np.minimum(np.nanmedian(np.stack(values), axis=0), V)


def _notes_given():
    return {"mixture": signals.mix(mixtures.notes_and_drums())}


def _check_notes(answer):
    return answers.reached(answer, mixtures.notes_and_drums(), LEAST_SDR_DB)


EXERCISES = (
    _length_exercise(),
    _loop_exercise(),
    Exercise.from_files(
        __file__,
        number="13.3",
        task="Write `along_slope(V, slope, reach)` for magnitudes (freq, frames): the median over a kernel that is a "
        "slope, of `slope` bins a frame and `reach` frames either way, but never more than V.",
        check=_check_slope,
        hints=(
            "Go over m from -reach to reach, reach included, and take V shifted by slope * m bins and m frames.",
            "Begin each shifted array with NaN everywhere, and fill in what lies inside: np.nanmedian leaves NaN out.",
        ),
        praise="With many slopes, and the largest of their medians, this is a kernel for glides.",
        kind="construct",
    ),
    Exercise.from_files(
        __file__,
        number="13.4",
        task='lab.given("13.4")["mixture"] holds short notes and drum strokes at 16 000 Hz. Give estimates of both '
        f"with a mean SDR of at least {LEAST_SDR_DB:g} dB.",
        check=_check_notes,
        hints=(
            "How long does a note last, and how long is the median along time? Look at the spectrogram.",
            "mss_lab.kernels.hpss.separate takes length_s. A note must fill more than half of the kernel, a stroke "
            "less than half.",
        ),
        praise="The kernel must be shorter than two notes and longer than two strokes.",
        given=_notes_given,
        kind="sound",
    ),
)
