"""Exercises of lesson 19, "The score-filtered CNN"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_b"

RENDITIONS, DRAWN, STAGES = 600, 50, 12


def _shares(claims, *, unclaimed="all", axis=0):
    total = claims.sum(axis=axis, keepdims=True)
    fill = {"all": 1 / claims.shape[axis], "nobody": 0.0, "everything": 1.0, "nan": np.nan}[unclaimed]
    return np.where(total > 0, claims / np.where(total > 0, total, 1), fill)


def _check_shares(answer):
    rng = answers.rng(191)
    shape = answers.varied(3, 2, 5, rng), answers.varied(5, 4, 7, rng), answers.varied(8, 5, 9, rng)
    claims = (rng.random(shape) < 0.4).astype(float)
    claims[:, 0, :3] = 0
    claims[:, 1, 2] = 1
    largest = claims / np.maximum(claims.max(axis=(1, 2), keepdims=True), 1)
    with np.errstate(all="ignore"):
        result = answers.call(answer, claims)
    wrong = answers.array(
        result,
        _shares(claims),
        "players frames freq",
        name="the masks",
        where="K over the sum of K over the players; where that sum is 0, one over the number of players.",
        mistakes={
            "What nobody claims goes to nobody, and is lost. Let all players share it, so that the masks add up to "
            "1.": _shares(claims, unclaimed="nobody"),
            "What nobody claims goes to everybody in full. The masks add up to the number of players there, not to "
            "1.": _shares(claims, unclaimed="everything"),
            "Where nobody claims anything, 0 is divided by 0.": _shares(claims, unclaimed="nan"),
            "These are the claims as they came: what several claim is given out several times.": largest,
            "The sum goes over frames. Masks add up to 1 over players: axis 0.": _shares(claims, axis=1),
            "The sum goes over frequencies. Masks add up to 1 over players: axis 0.": _shares(claims, axis=2),
            "All players get the same everywhere.": np.full_like(claims, 1 / len(claims)),
        },
    )
    players = answers.varied(5, 6, 9, rng)
    return wrong or answers.array(
        answers.call(answer, np.zeros((players, 2, 2))),
        np.full((players, 2, 2), 1 / players),
        "players frames freq",
        name=f"the masks of {players} players who claim nothing",
        where=f"Each gets 1/{players}: one over the number of players, whatever that is.",
    )


def _weights(
    bins, frames, players, filters, frequency_kernel, stride, time_kernel, bottleneck, *, mistake=""
):  # one screen of terms
    positions = (bins - frequency_kernel) // stride + (mistake != "positions")
    moments = frames - time_kernel + (mistake != "moments")
    units = filters * moments * positions
    along_frequency = filters * (players * frequency_kernel + 1)
    along_time = filters * (filters * time_kernel + 1)
    if mistake == "depthwise":
        along_time = filters * (time_kernel + 1)
    if mistake == "one channel":
        along_frequency = filters * (frequency_kernel + 1)
    branches = (1 if mistake == "one branch" else players) * units * (bottleneck + 1)
    total = along_frequency + along_time + units * bottleneck + bottleneck + branches + players
    if mistake == "back":
        total += along_frequency + along_time - 2 * filters
    if mistake == "no biases":
        total -= 2 * filters + bottleneck + players * units + players
    if mistake == "no last bias":
        total -= players
    return total


def _check_weights(answer):
    rng = answers.rng(192)
    sizes = {
        "bins": answers.varied(101, 80, 120, rng),
        "frames": answers.varied(12, 11, 15, rng),
        "players": answers.varied(3, 2, 5, rng),
        "filters": answers.varied(5, 3, 8, rng),
        "frequency_kernel": answers.varied(10, 8, 12, rng),
        "stride": answers.varied(4, 3, 5, rng),
        "time_kernel": answers.varied(7, 5, 9, rng),
        "bottleneck": answers.varied(9, 6, 12, rng),
    }
    mistakes = {
        "The kernels are counted again on the way back. They are the same ones, turned round.": "back",
        "There is one branch for each player, and each has a matrix of its own.": "one branch",
        "The biases are missing: one for each filter, each number of the code, each number of each branch, and one for "
        "each player's E.": "no biases",
        "The last biases are missing: one for each player's E.": "no last bias",
        "There is a position too few: the kernel can begin at bin 0, and then (bins - kernel) // stride times "
        "more.": "positions",
        "There is a moment too few: a kernel of 20 fits into 20 frames once, not never.": "moments",
        "The convolution along time reads one filter only. Each of its kernels reads all filters of the block "
        "before.": "depthwise",
        "The convolution along frequency reads one channel only. Each of its kernels reads the channels of all "
        "players.": "one channel",
    }
    wrong = answers.number(
        answers.call(answer, *sizes.values()),
        _weights(**sizes),
        0.5,
        name="the number of weights",
        where="Positions are 1 + (bins - kernel) // stride, moments 1 + frames - kernel, units filters * moments * "
        "positions. Then add up both convolutions, the way into the code, the branches, and one bias for each player.",
        mistakes={words: _weights(**sizes, mistake=mistake) for words, mistake in mistakes.items()},
    )
    paper = (2049, 30, 4, answers.varied(30, 31, 40, rng), 30, 4, 20, answers.varied(256, 200, 300, rng))
    return wrong or answers.number(
        answers.call(answer, *paper), _weights(*paper), 0.5, name="the number of weights of the paper's network"
    )


def _crossfade(segments, step, *, rise=np.linspace, average=False, add=False, old=False):
    count, length = segments.shape
    shared = length - step
    if average or add:
        whole, times = np.zeros(length + (count - 1) * step), np.zeros(length + (count - 1) * step)
        for k, segment in enumerate(segments):
            whole[k * step : k * step + length] += segment
            times[k * step : k * step + length] += 1
        return whole / times if average else whole
    whole = np.zeros(length + (count - 1) * step)
    whole[:length] = segments[0]
    ramp = rise(0, 1, shared)
    for k in range(1, count):
        shared_frames = slice(k * step, k * step + shared)
        whole[shared_frames] = (
            ramp * whole[shared_frames] + (1 - ramp) * segments[k, :shared]
            if old
            else (1 - ramp) * whole[shared_frames] + ramp * segments[k, :shared]
        )
        whole[shared_frames.stop : k * step + length] = segments[k, shared:]
    return whole


def _check_crossfade(answer):
    rng = answers.rng(193)
    segments = rng.normal(size=(answers.varied(6, 4, 8, rng), answers.varied(9, 8, 12, rng)))
    arguments = (segments, answers.varied(2, 2, 3, rng))
    replaced = _crossfade(*arguments, rise=lambda low, high, count: np.ones(count))
    kept = _crossfade(*arguments, rise=lambda low, high, count: np.zeros(count))
    inner = _crossfade(*arguments, rise=lambda low, high, count: np.arange(1, count + 1) / (count + 1))
    open_end = _crossfade(*arguments, rise=lambda low, high, count: np.arange(count) / count)
    halves = _crossfade(*arguments, rise=lambda low, high, count: np.full(count, 0.5))
    wrong = answers.array(
        answers.call(answer, *arguments),
        _crossfade(*arguments),
        "frames",
        name="the curve",
        where="Lay the segments down in order. Over the length - step frames that are shared: (1 - rise) times what "
        "lies there, plus rise times the new one, with rise = np.linspace(0, 1, length - step).",
        mistakes={
            "Shared frames are added up: what two segments say is twice as large. Fade.": _crossfade(
                *arguments, add=True
            ),
            "Shared frames are averaged, all segments alike. The task asks for a fade.": _crossfade(
                *arguments, average=True
            ),
            "The new segment fades out and the old one in. It should be the other way round.": _crossfade(
                *arguments, old=True
            ),
            "Each segment simply replaces what lay there: that leaves seams.": replaced,
            "What lay there first stays, and each segment adds only its end.": kept,
            "The fade neither begins at 0 nor ends at 1: np.linspace(0, 1, shared) has both.": inner,
            "The fade begins at 0, but does not reach 1 at the last shared frame.": open_end,
            "Old and new are taken half and half. The fade goes from 0 to 1.": halves,
        },
    )
    single = np.arange(5.0)[np.newaxis] + answers.varied(0.0, 1.0, 5.0, rng)
    return wrong or answers.array(
        answers.call(answer, single, 2), single[0], "frames", name="a single segment", where="It stays as it is."
    )


def _met(draws):
    return RENDITIONS * (1 - (1 - 1 / RENDITIONS) ** draws)


def _check_met(answer):
    apart = RENDITIONS * (1 - (1 - DRAWN / RENDITIONS) ** STAGES)
    return answers.number(
        answer,
        _met(DRAWN * STAGES),
        0.1,
        name="the number of renditions",
        where="One draw misses a given rendition with probability 1 - 1/600. All draws of all stages must miss it.",
        mistakes={
            "That is the number of draws. Some renditions come twice, and others not yet.": DRAWN * STAGES,
            "That is how many different ones a single stage has.": _met(DRAWN),
            "That takes each stage's draws as all different, then adds the stages up.": STAGES * _met(DRAWN),
            "That is right if no stage draws a rendition twice. With replacement, it may.": apart,
            "That is how many have not been met.": RENDITIONS - _met(DRAWN * STAGES),
            "That is a part of all. How many of the 600?": _met(DRAWN * STAGES) / RENDITIONS,
        },
    )


def _check_ruler(answer):
    return answers.text(
        answer,
        "none",
        ("sdr", "sir", "sar", "none"),
        mistakes={
            "sdr": "In the version of that protocol, what a filter of 512 taps makes of a source still counts as the "
            "source. Half as loud and muffled is such a filter.",
            "sir": "SIR compares the source with the other players. There are none in this estimate.",
            "sar": "SAR shows what neither the source nor the other players explain. A short filter explains all of "
            "this.",
        },
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="19.1",
        task="Write `score_masks(claims)` for claims of 0 and 1, (players, frames, freq): shares that add up to 1 over "
        "the players; what nobody claims is shared by all.",
        check=_check_shares,
        hints=(
            "total = claims.sum(axis=0) says how many players claim a bin.",
            "np.where(total > 0, ..., 1 / len(claims)) fills the bins that nobody claims.",
            "Divide by np.maximum(total, 1), and nothing is ever divided by 0.",
        ),
        praise="So what the network sees adds up to the mixture, and nothing is lost before it begins.",
    ),
    Exercise.from_files(
        __file__,
        number="19.2",
        task="Write `weights_of(bins, frames, players, filters, frequency_kernel, stride, time_kernel, bottleneck)`: "
        "the number of weights of the network of part 3, biases included, with one branch for each player.",
        check=_check_weights,
        hints=(
            "units = filters * (1 + frames - time_kernel) * (1 + (bins - frequency_kernel) // stride).",
            "A layer from a to b numbers has a * b weights and b biases; a convolution from a to b channels with "
            "kernels of k has a * b * k weights and b biases.",
            "The way back through the convolutions adds nothing but one bias for each player.",
        ),
        praise="Halve the code or the filters, and nearly half of all weights go; halve a kernel, and hardly any.",
    ),
    Exercise.from_files(
        __file__,
        number="19.3",
        task="Write `crossfade(segments, step)` for segments (segments, length): lay each down over those before it, "
        "with a straight fade from 0 to 1 over all frames that they share.",
        check=_check_crossfade,
        hints=(
            "Start with the first segment in an array of zeros of length + (segments - 1) * step.",
            "For segment k, the shared frames are k * step up to k * step + length - step.",
            "rise = np.linspace(0, 1, length - step); the old has 1 - rise, the new has rise.",
        ),
        praise="Masks that fade into each other this way still add up to 1: the same weights go to every player.",
    ),
    Exercise.from_files(
        __file__,
        number="19.4",
        task="600 renditions, 50 draws a stage with replacement, 12 stages: how many different renditions has the "
        "network met, on average?",
        check=_check_met,
        hints=(
            "Ask of one rendition with which probability it has never been drawn.",
            "One draw misses it with probability 1 - 1/600, and 600 draws with that to the power of 600.",
            "600 renditions, each met with probability 1 minus that.",
        ),
        praise="As many draws as renditions meet about 1 - 1/e of them, whatever the number is.",
    ),
    Exercise.from_files(
        __file__,
        number="19.5",
        task="The estimate of the violin is the true violin, half as loud and a little muffled, and nothing else. "
        'Which figure of the Bach10 protocol shows the fault: "sdr", "sir", "sar" or "none"?',
        check=_check_ruler,
        hints=(
            'What may an estimate go through in the "sources" version and still count as the source?',
            "Look at the first two rows of the table in part 7.",
        ),
        praise="Plain SDR would show it. Say which ruler you used, always.",
    ),
)
