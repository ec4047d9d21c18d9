"""Exercises of lesson 13, "Horizontal, vertical, repeating"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "band"


def _check_spike(answer):
    return answers.number(
        answer,
        3,
        1e-6,
        name="the model",
        where="Sort the five values around the bin, and take the one in the middle.",
        mistakes={
            "That is the mean: the spike pulls it up. A median does not care how high the spike is.": 20.4,
            "That is the bin as it was, in the middle of the list as it stands. Sort the list first.": 90,
            "That is the median of the four others, without the bin itself, which is in its own kernel.": 3.5,
            "That is the middle of three values. The kernel has five.": 4,
        },
    )


def _check_frames(answer):
    exact = 0.5 * 48_000 / 1024
    if isinstance(answer, float) and abs(answer - exact) < 0.06:
        return f"0.5 s are {answer:.4g} hops. The kernel needs a whole number of frames, and an odd one."
    return answers.number(
        answer,
        23,
        1e-6,
        "frames",
        name="the length",
        where="How many hops of 1024 samples are 0.5 s? Then take the nearest odd number.",
        mistakes={
            "That is even: such a kernel has no frame in the middle.": 24,
            "There is an odd number that is nearer.": 25,
            "That takes a rate of 44 100 Hz. The recording has 48 000.": 21,
            "That is the number of samples, not of frames.": 24_000,
        },
    )


def _running_median(values, length, axis, mode="symmetric"):
    pad = [(0, 0), (0, 0)]
    pad[axis] = (length // 2, length // 2)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, pad, mode=mode), length, axis=axis)
    return np.median(windows, axis=-1)


def _masks(held, struck, exponent=2):
    total = held**exponent + struck**exponent
    safe = np.where(total > 0, total, 1)
    return np.stack([np.where(total > 0, part**exponent / safe, 0.5) for part in (held, struck)])


def _check_hpss(answer):
    rng = answers.rng(133)
    V = rng.random((answers.varied(14, 12, 18, rng), answers.varied(17, 12, 20, rng))) ** 2
    frames, bins = 2 * answers.varied(2, 1, 2, rng) + 1, 2 * answers.varied(3, 3, 5, rng) + 1
    held, struck = _running_median(V, frames, 1), _running_median(V, bins, 0)
    masks = _masks(held, struck)
    by_zeros = _masks(_running_median(V, frames, 1, "constant"), _running_median(V, bins, 0, "constant"))
    once_only = _masks(_running_median(V, frames, 1, "reflect"), _running_median(V, bins, 0, "reflect"))
    means = _masks(*(_mean_instead(V, length, axis) for length, axis in ((frames, 1), (bins, 0))))
    wrong = answers.array(
        answers.call(answer, V, frames, bins),
        masks,
        "parts freq frames",
        name="the masks",
        where="A median along time and one along frequency; square both; divide each by the sum.",
        mistakes={
            "The two are exchanged: the median along time, the last axis, is the harmonic one and comes first.": masks[
                ::-1
            ],
            "The lengths are exchanged: `frames` is the length along time, `bins` along frequency.": _masks(
                _running_median(V, bins, 1), _running_median(V, frames, 0)
            ),
            "That is the ratio of the medians. Square them first.": _masks(held, struck, 1),
            "Beyond the edges there are zeros. Mirror the values instead.": by_zeros,
            "The mirror leaves out the value at the edge. It must stand twice: mode='symmetric' in np.pad, 'reflect' "
            "in scipy.ndimage.": once_only,
            "That takes means, not medians.": means,
            "These are the medians themselves, not masks.": np.stack([held, struck]),
        },
    )
    return wrong or _check_hpss_silence(answer)


def _mean_instead(values, length, axis):
    pad = [(0, 0), (0, 0)]
    pad[axis] = (length // 2, length // 2)
    padded = np.pad(values, pad, mode="symmetric")
    return np.lib.stride_tricks.sliding_window_view(padded, length, axis=axis).mean(axis=-1)


def _check_hpss_silence(answer):
    # One loud bin amid silence, which no median sees.
    rng = answers.rng(233)
    size = answers.varied(9, 10, 14, rng), answers.varied(9, 7, 14, rng)
    V = np.zeros(size)
    V[answers.varied(4, 1, 8, rng), answers.varied(4, 1, 5, rng)] = answers.varied(1.0, 0.5, 2.0, rng)
    with np.errstate(all="ignore"):
        masks = np.asarray(answers.call(answer, V, 3, 3))
    if masks.shape != (2, *size):
        return f"For {size[0]} bins and {size[1]} frames the masks must have shape {(2, *size)}, got {masks.shape}."
    return answers.truth(
        not np.isnan(masks).any(), "Where both medians are 0 the masks are nan, from 0 / 0. Give each part one half."
    ) or answers.truth(
        np.allclose(masks, 0.5), "Where both medians are 0 the masks must add up to 1: give each part one half."
    )


def _beats(V, power=2, unbiased=True, scaled=True):
    P = V**power
    frames = P.shape[1]
    b = np.array([np.sum(P[:, : frames - lag] * P[:, lag:]) for lag in range(frames)])
    b = b / (frames - np.arange(frames)) if unbiased else b
    return b / b[0] if scaled else b


def _check_beats(answer):
    rng = answers.rng(134)
    bins, frames = answers.varied(6, 4, 8, rng), answers.varied(20, 15, 25, rng)
    V = rng.random((bins, frames)) * rng.uniform(0.2, 3, (bins, 1))
    P = V**2
    around = np.array([np.mean(P * np.roll(P, lag, axis=1)) for lag in range(frames)])
    each = np.mean(
        [_beats(row[np.newaxis]) for row in V],
        axis=0,
    )
    return answers.array(
        answers.call(answer, V),
        _beats(V),
        "lags",
        name="the beat spectrum",
        where="For each lag: the mean of P[:, : frames - lag] * P[:, lag:] with P = V ** 2; then divide by lag 0.",
        mistakes={
            "That takes magnitudes. Square them first: powers.": _beats(V, 1),
            "That is a sum, so it falls with the lag, because fewer frames are left. Take the mean.": _beats(
                V, unbiased=False
            ),
            "It does not begin with 1: divide by its value at lag 0.": _beats(V, scaled=False),
            "That goes round in a circle: np.roll brings the end back to the beginning. Leave it out.": around
            / around[0],
            "That divides each row by its own value at lag 0, so that faint bins count as much as loud ones. Divide "
            "once, at the end.": each,
        },
    )


def _rounds(V, p, combine=np.nanmedian, cut=True):
    bins, frames = V.shape
    count = -(-frames // p)
    padded = np.full((bins, count * p), np.nan)
    padded[:, :frames] = V
    loop = combine(padded.reshape(bins, count, p), axis=1)
    W = np.tile(loop, (1, count))[:, :frames]
    return np.minimum(W, V) if cut else W


def _check_repeating(answer):
    rng = answers.rng(135)
    # Three whole rounds and a part of one.
    p = answers.varied(6, 5, 8, rng)
    bins, frames = answers.varied(5, 4, 7, rng), 3 * p + answers.varied(4, 2, p - 1, rng)
    V = rng.random((bins, frames))

    def with_zeros(values, axis):
        return np.median(np.nan_to_num(values), axis=axis)

    whole = V[:, : 3 * p]
    of_whole = np.minimum(np.tile(np.median(whole.reshape(bins, 3, p), axis=1), (1, 4))[:, :frames], V)
    wrong = answers.array(
        answers.call(answer, V, p),
        _rounds(V, p),
        "freq frames",
        name="the model",
        where="Frame n looks at all frames n % p, n % p + p, ...; take their median, and then the smaller of it and V.",
        mistakes={
            "The model is larger than V in places: a loop cannot be louder than the mixture. Take np.minimum with V.": (
                _rounds(V, p, cut=False)
            ),
            "That is the mean over the rounds, into which a loud exception leaks. Take the median.": _rounds(
                V, p, np.nanmean
            ),
            "The last round is not complete, and the zeros that fill it up count in the median. Leave them out: "
            "np.nanmedian, or V[:, n % p :: p].": _rounds(V, p, with_zeros),
            "The last round is not complete, but it counts where it is there: V[:, n % p :: p].": of_whole,
            "That is the smallest of the rounds. One quiet round is an exception, too; take the median.": _rounds(
                V, p, np.nanmin
            ),
        },
    )
    if wrong:
        return wrong
    longer = frames + answers.varied(8, 1, 9, rng)
    return answers.array(
        answers.call(answer, V, longer),
        V,
        "freq frames",
        name=f"with a period of {longer} frames for {frames} frames, the model",
        where="There is only one round, and what there is once is its own median.",
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="13.1",
        task="In one frequency bin, five frames in a row hold the magnitudes 2, 4, 90, 3, 3. What is the median over a "
        "horizontal kernel of five frames, at the frame in the middle?",
        check=_check_spike,
        hints=("Sort the values: 2, 3, 3, 4, 90.", "The third of five sorted values is in the middle."),
        praise="And it would be 3 if the spike were 900.",
    ),
    Exercise.from_files(
        __file__,
        number="13.2",
        task="A horizontal kernel shall last 0.5 s at 48 000 Hz and a hop of 1024 samples. How many frames is that, as "
        "the nearest odd number?",
        check=_check_frames,
        hints=("One hop lasts 1024 / 48000 seconds.", "0.5 s are 23.4 hops; the odd numbers near it are 23 and 25."),
        praise="Given in seconds, a kernel keeps its meaning when the rate or the hop changes.",
    ),
    Exercise.from_files(
        __file__,
        number="13.3",
        task="Write `hpss_masks(V, frames, bins)` for magnitudes (freq, frames): the harmonic and the percussive mask, "
        "stacked, from squared medians.",
        check=_check_hpss,
        hints=(
            "scipy.ndimage.median_filter(V, size=(1, frames), mode='reflect') is the median along time.",
            "Square both medians and add them up: the total is what you divide by.",
            "Where the total is 0, divide by 1 instead, and write 0.5: np.where(total > 0, ..., 0.5).",
        ),
        praise="Two medians and a Wiener filter: that is all of HPSS.",
    ),
    Exercise.from_files(
        __file__,
        number="13.4",
        task="Write `beat_spectrum(V)` for magnitudes (freq, frames): for each lag the mean over bins and frames of "
        "V ** 2 times V ** 2 a lag later, divided by its value at lag 0.",
        check=_check_beats,
        hints=(
            "P = V ** 2; at lag l, multiply P[:, : frames - l] by P[:, l:].",
            "Each lag has fewer frames than the one before: np.mean divides by what is there.",
            "b = np.array([...]); return b / b[0]",
        ),
        praise="With a Fourier transform it takes one step instead of one for each lag; the package does that.",
    ),
    Exercise.from_files(
        __file__,
        number="13.5",
        task="Write `repeating(V, p)` for magnitudes (freq, frames) and a period of p whole frames: the median over "
        "all rounds, but never more than V. The last round may be incomplete.",
        check=_check_repeating,
        hints=(
            "V[:, n % p :: p] are all the frames at the same place of the loop as frame n.",
            "loop = np.stack([np.median(V[:, place::p], axis=1) for place in range(min(p, V.shape[1]))], axis=1)",
            "np.tile(loop, (1, rounds)) is longer than V: cut it, then take np.minimum with V.",
        ),
        praise="The median asks: what do most rounds say? A melody is outvoted.",
    ),
)
