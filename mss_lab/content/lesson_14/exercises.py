"""Exercises of lesson 14, "Sparse, sinusoidal, auditory"."""

import numpy as np

from ... import signals
from ...lessons import Exercise, answers
from . import mixtures

PIECE = "song"

LEAST_SDR_DB = 8.0


def _peak_numbers(lower, upper):
    """The frequency of the top in Hz, and what typical mistakes give instead, for bins of 10 Hz and 0 dB at bin 100."""
    offset = (lower - upper) / (2 * (lower + upper))
    return {
        "right": (100 + offset) * 10,
        "bin": 1000.0,
        "sign": (100 - offset) * 10,
        "bins": 100 + offset,
        "half": (100 + 2 * offset) * 10,
    }


def _peak_exercise(lower=-3, upper=-5):
    hz = _peak_numbers(lower, upper)

    def check(answer):
        return answers.number(
            answer,
            hz["right"],
            0.01,
            "Hz",
            name="the frequency",
            where="Three bins fix a parabola, as in part 2.",
            mistakes={
                "That is the loudest bin itself, without the parabola.": hz["bin"],
                "That is on the wrong side of the loudest bin: the top leans to its louder neighbour.": hz["sign"],
                "That is a position in bins.": hz["bins"],
                "That is on the right side, but twice as far from the loudest bin as the top is.": hz["half"],
            },
        )

    return Exercise.from_files(
        __file__,
        number="14.1",
        task=f"Bins are 10 Hz apart. Bins 99, 100 and 101 have {lower}, 0 and {upper} dB. At which frequency does the "
        "parabola through them peak, in Hz?",
        check=check,
        hints=(
            "The equation of part 2 gives the distance of the top from bin 100, in bins.",
            "The three levels are its three numbers. Its sign says to which side the top leans, and a bin is 10 Hz.",
        ),
        values={"lower": lower, "upper": upper},
        praise="A small part of a bin, out of three numbers.",
        drawn=_draw_peak,
        kind="number",
    )


def _draw_peak(rng):
    def far_apart(levels):
        return np.diff(np.sort(list(_peak_numbers(*levels).values()))).min() > 0.05

    lower, upper = answers.telling(lambda: tuple(-rng.choice(np.arange(1, 13), 2, replace=False)), far_apart)
    return _peak_exercise(int(lower), int(upper))


def _crossing(rng):
    """Two partials that cross, one in each column, in cents: (frames, 2); in no frame are they nearly the same."""
    return answers.telling(lambda: _two_glides(rng), lambda partials: np.abs(np.diff(partials)).min() > 3)


def _two_glides(rng):
    frames = np.arange(answers.varied(40, 36, 48, rng))[:, None]
    up, down = answers.varied(12.0, 10.0, 14.0, rng), answers.varied(-9.0, -11.0, -8.0, rng)
    distance = answers.varied(305.0, 280.0, 330.0, rng)
    bend = answers.varied(0.05, 0.03, 0.06, rng)
    partials = np.concatenate([up * frames + bend * frames**2, distance + down * frames - bend * frames**2], axis=1)
    return 5400 + partials + rng.uniform(-0.4, 0.4, partials.shape)


def _check_follow(answer):
    rng = answers.rng(142)
    partials = _crossing(rng)
    peaks = np.sort(partials, axis=1)
    wrong = answers.array(
        answers.call(answer, peaks),
        partials,
        "frames partials",
        name="the result",
        where="At the crossing, look at how each partial moved before.",
        mistakes={
            "The two partials are exchanged where they cross: the lower column stays the lower one.": peaks,
            "The columns are exchanged from the first frame on. The first row must stay as it is.": partials[:, ::-1],
        },
    )
    if wrong:
        return wrong
    # Two that come near to each other and go on side by side.
    steady = np.linspace(0, 40, 30)[:, None] + np.array([5400.0, 5425.0]) + rng.uniform(-0.4, 0.4, (30, 2))
    return answers.array(
        answers.call(answer, steady),
        steady,
        "frames partials",
        name="for two partials that run side by side, the result",
        where="These do not cross.",
    )


def _pitch_exercise(seed=143):
    f0_hz = mixtures.f0_hz(seed)

    def check(answer):
        return answers.number(
            answer,
            f0_hz,
            0.01 * f0_hz,
            "Hz",
            name="the pitch",
            where="The sound does not repeat at that frequency.",
            mistakes={
                "That is a harmonic, the lowest one that sounds. The pitch is lower.": 4 * f0_hz,
                "That is an octave too high.": 2 * f0_hz,
                "That is an octave too low: the sound repeats sooner.": f0_hz / 2,
                "Is that a period in milliseconds?": 1000 / f0_hz,
            },
        )

    return Exercise.from_files(
        __file__,
        number="14.3",
        task='lab.given("14.3")["sound"] is a tone of one note in noise at 16 000 Hz, whose lowest harmonics are '
        "missing. Which fundamental frequency do you hear, in Hz?",
        check=check,
        hints=(
            "Play it, and hum it. Then ask the model of the ear: bands, firing, correlogram, and the sum over the "
            "bands, as in part 4.",
            "mss_lab.casa.pitch.first_peaks reads a period from the summary of every frame. Take the median of the "
            "frames.",
        ),
        values={"f0_hz": f0_hz},
        praise="No peak of the spectrum is there. The pitch is in the period on which all bands agree.",
        drawn=lambda rng: _pitch_exercise(int(rng.integers(1, 1_000_000))),
        given=lambda: {"sound": mixtures.missing_fundamental(seed)},
        kind="sound",
    )


def _three_given():
    return {name: signals.mix(sources) for name, sources in mixtures.three_mixtures().items()}


def _check_three(answer):
    if answers.is_blank(answer):
        raise answers.Blank
    expected = mixtures.three_mixtures()
    if not isinstance(answer, dict) or set(answer) != set(expected):
        return f"The answer must be a dict with the names a, b and c, got {answers.describe(answer)}."
    blank = [name for name in expected if answers.is_blank(answer[name])]
    if blank:
        return f"The estimates of mixture {blank[0]} are still open."
    wrong = {name: answers.reached(answer[name], sources, LEAST_SDR_DB) for name, sources in expected.items()}
    refused = [f"Mixture {name}: {words}" for name, words in wrong.items() if words]
    return " ".join(refused) or None


EXERCISES = (
    _peak_exercise(),
    Exercise.from_files(
        __file__,
        number="14.2",
        task="Write `follow(peaks)`: two peaks for each frame, the lower one first, sorted so that each column is one "
        "partial, also where the partials cross.",
        check=_check_follow,
        hints=(
            "A partial that rose by 12 cents from the frame before last to the last one will probably rise by about 12 "
            "cents again.",
            "There are two ways to give two peaks to two partials. Take the one with the smaller sum of distances from "
            "what is expected. In the second frame there is no step yet.",
        ),
        praise="Prediction is all that the best trackers add; here it is one line.",
        kind="construct",
    ),
    _pitch_exercise(),
    Exercise.from_files(
        __file__,
        number="14.4",
        task='lab.given("14.4") has three mixtures of two sources each, "a", "b" and "c". Listen, choose a method for '
        f"each, and give estimates with a mean SDR of at least {LEAST_SDR_DB:g} dB.",
        check=_check_three,
        hints=(
            "Ask of each: do the two sources sit at different positions? Is one struck and the other held? Does one "
            "come back again and again?",
            "The chooser of part 7 lists methods by what you know, and catalogue.separator makes each of them by its "
            "name. Try two for each mixture.",
        ),
        praise="Three mixtures, three assumptions. No method of the course reaches this on all of them.",
        time_limit_s=40.0,
        given=_three_given,
        kind="sound",
    ),
)
