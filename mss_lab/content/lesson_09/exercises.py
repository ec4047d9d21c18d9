"""Exercises of lesson 09, "Score-informed soft masks"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_b"

WIDTH = 2 ** (40 / 1200) - 1


def _check_touching(answer):
    return answers.number(
        answer,
        21,
        1e-9,
        name="the harmonic",
        where="The bands of h and h + 1 touch where h (1 + w) is (h + 1) (1 - w), with w = 2 ** (40 / 1200) - 1.",
        mistakes={
            "That takes the band of the next harmonic to be as wide as this one's. It is a little wider.": 22.0,
            "Only one side counts there. Both bands reach towards each other: w h upwards, w (h + 1) downwards.": 42.0,
            "Only one of the two bands counts there. The next one reaches down as this one reaches up.": 43.0,
            "That is the upper one of the two. Name the lower, whose band touches the next.": 22.0,
            "That harmonic does not quite reach the next: round up.": 20.0,
            "That is where they would touch if h were no whole number. Take the first whole number after it.": (
                1 - WIDTH
            )
            / (2 * WIDTH),
        },
    )


def _notes_in_frames(rng, frames):
    """Onset, offset and tolerance in frames, no edge of a window within a tenth of a frame of a frame."""
    later, longer, less = (answers.varied(0, 1, most, rng) for most in (4, 3, 3))
    return (
        (5.3 + later, 12.8 + later, 2.0),
        # The window begins before the recording, and ends behind it.
        (0.5, 6.2 + longer, 3.4),
        (frames - 5.7 - less, frames + 2.1, 3.4),
        # Without a tolerance, between two frames.
        (7.2 + later, 7.8 + later, 0.0),
    )


def _check_window(answer):
    rng = answers.rng(92)
    rate_hz, frames = answers.varied(10.0, 8.0, 15.0, rng), answers.varied(24, 22, 28, rng)
    times_s = np.arange(frames) / rate_hz
    for onset, offset, tolerance in _notes_in_frames(rng, frames):
        onset_s, offset_s, tolerance_s = onset / rate_hz, offset / rate_hz, tolerance / rate_hz

        def between(start_s, end_s):
            return (times_s >= start_s) & (times_s <= end_s)

        expected = between(onset_s - tolerance_s, offset_s + tolerance_s)
        wrapped = np.zeros(frames, bool)
        wrapped[int(np.ceil((onset_s - tolerance_s) * rate_hz)) : int((offset_s + tolerance_s) * rate_hz) + 1] = True
        floored = np.zeros(frames, bool)
        floored[max(0, int((onset_s - tolerance_s) * rate_hz)) : int((offset_s + tolerance_s) * rate_hz)] = True
        mistakes = {
            "A negative first frame counts from the end in Python. Cut it off at 0.": wrapped,
            "That is the window as it was printed: moved by the tolerance, not widened. Subtract it at the onset.": (
                between(onset_s + tolerance_s, offset_s + tolerance_s)
            ),
            "The tolerance is missing.": between(onset_s, offset_s),
            "The tolerance is added at the end only. A note may be early, too.": between(
                onset_s, offset_s + tolerance_s
            ),
            "The tolerance is subtracted at the start only. A note may be late, too.": between(
                onset_s - tolerance_s, offset_s
            ),
            "That makes the note shorter by the tolerance.": between(onset_s + tolerance_s, offset_s - tolerance_s),
            "That compares numbers of frames with seconds. Divide them by frame_rate_hz.": (
                (np.arange(frames) >= onset_s - tolerance_s) & (np.arange(frames) <= offset_s + tolerance_s)
            ),
            "int() rounds towards 0, so the window starts a frame early and ends a frame early. Compare times, "
            "np.arange(frames) / frame_rate_hz.": floored,
        }
        wrong = answers.array(
            answers.call(answer, onset_s, offset_s, tolerance_s, frames, rate_hz),
            expected,
            "frames",
            name="the window",
            where="times_s = np.arange(frames) / frame_rate_hz, then two comparisons joined by &.",
            mistakes=mistakes,
        )
        if wrong:
            return wrong
    return None


def _check_filtered(answer):
    rng = answers.rng(93)
    shape = answers.varied(3, 2, 5, rng), answers.varied(6, 5, 9, rng), answers.varied(5, 4, 8, rng)
    claims = np.where(rng.random(shape) < 0.6, rng.choice([1.0, 0.5, 0.25], shape), 0.0)
    claims[:, 2, 3] = 0
    mixture = rng.standard_normal(shape[1:]) + 1j * rng.standard_normal(shape[1:])
    magnitude = np.abs(mixture)
    total = claims.sum(axis=0)
    safe = np.where(total > 0, total, 1)
    with np.errstate(all="ignore"):
        result = answers.call(answer, claims, mixture)
        undefined = claims / total * magnitude
    return answers.array(
        result,
        claims / safe * magnitude,
        "sources freq frames",
        name="the input",
        where="Divide the claims by their sum over the sources, axis 0, and multiply by the mixture's magnitude.",
        mistakes={
            "Bins that nobody claims are nan, from 0 / 0. Make them 0.": undefined,
            "Bins that nobody claims are shared equally here. The paper gives them to no one.": np.where(
                total > 0, claims / safe, 1 / len(claims)
            )
            * magnitude,
            "That multiplies by the claims themselves. Where several claim a bin it must be shared: divide by their "
            "sum.": claims * magnitude,
            "That makes every claim 0 or 1 first. Share in proportion to the claims as they are.": (claims > 0)
            / np.maximum((claims > 0).sum(axis=0), 1)
            * magnitude,
            "The claims are divided by their sum over frequency. Sum over the sources, axis 0.": _shares(claims, 1)
            * magnitude,
            "The claims are divided by their sum over time. Sum over the sources, axis 0.": _shares(claims, 2)
            * magnitude,
            "These are the masks. Multiply by the magnitude of the mixture.": claims / safe,
            "That is complex: the network is fed magnitudes. np.abs.": claims / safe * mixture,
            "That is the real part; the magnitude is np.abs.": claims / safe * mixture.real,
            "Those are powers. The network is fed magnitudes.": claims / safe * magnitude**2,
        },
    )


def _shares(claims, axis):
    with np.errstate(all="ignore"):
        return claims / claims.sum(axis=axis, keepdims=True)


def _check_window_length(answer):
    reach_hz = 98 * WIDTH
    if isinstance(answer, int | float | np.number) and abs(answer - 500 / reach_hz) < 1:
        return "That is in milliseconds. The question is about seconds."
    return answers.number(
        answer,
        1 / (2 * reach_hz),
        0.0006,
        "s",
        name="the window",
        where="Bins lie 1 / (length of the window) Hz apart. The band is twice as wide as its reach to one side.",
        mistakes={
            "That is the length for one side of the band. The band reaches below and above, so it is twice as wide.": 1
            / reach_hz,
            "That is the width of the band in Hz. Bins as far apart as this: 1 over it.": 2 * reach_hz,
            "That is the reach to one side, in Hz. The question is how long a window puts bins so close.": reach_hz,
            "That is in samples at 44.1 kHz; divide by the rate.": 44_100 / (2 * reach_hz),
            "That is this lesson's window, which is too short.": 4096 / 44_100,
        },
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="9.1",
        task="Bands reach h f0 (2 ** (40 / 1200) - 1) Hz either way. Which is the first harmonic whose band touches "
        "that of the next?",
        check=_check_touching,
        hints=(
            "Write w for 2 ** (40 / 1200) - 1. The band of h ends at h (1 + w); where does that of h + 1 begin?",
            "h (1 + w) >= (h + 1) (1 - w) means 2 w h >= 1 - w. Solve for h and round up.",
        ),
        praise="With 20 harmonics, as in the paper, the bands just stay apart. It may be no accident.",
    ),
    Exercise.from_files(
        __file__,
        number="9.2",
        task="Write `window(onset_s, offset_s, tolerance_s, frames, frame_rate_hz)`: True in the frames of a note "
        "widened by the tolerance on both sides.",
        check=_check_window,
        hints=(
            "times_s = np.arange(frames) / frame_rate_hz has the time of every frame, so nothing can lie outside.",
            "(times_s >= onset_s - tolerance_s) & (times_s <= offset_s + tolerance_s)",
        ),
        praise="Comparing times with times leaves no frame to be counted wrongly.",
    ),
    Exercise.from_files(
        __file__,
        number="9.3",
        task="Write `filtered(claims, mixture_stft)`: the magnitude of the mixture, shared in proportion to the "
        "claims; 0 where nobody claims.",
        check=_check_filtered,
        hints=(
            "total = claims.sum(axis=0). Where it is above 0, each source gets claims / total.",
            "Divide by np.where(total > 0, total, 1): where the total is 0 all claims are 0, and stay 0.",
        ),
        praise="The network is told where notes may be, and nothing about how loud they are. The rest is its job.",
    ),
    Exercise.from_files(
        __file__,
        number="9.4",
        task="A claim of 40 cents either way around 98 Hz: how long must the window be so that the band is as wide as "
        "the distance of two bins?",
        check=_check_window_length,
        hints=(
            "A window of T seconds has bins every 1 / T Hz.",
            "The band is 2 * 98 * (2 ** (40 / 1200) - 1) Hz wide. T is 1 over that.",
        ),
        praise="More than twice the usual window, and it would smear every attack. Hence the one bin more.",
    ),
)
