"""Exercises of lesson 11, "Where is it? Panning histograms"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "band"


def _random_stft(rng):
    shape = 2, answers.varied(40, 30, 50, rng), answers.varied(30, 20, 40, rng)
    stft = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return stft * rng.exponential(1, shape)


def _check_histogram(answer):
    rng = answers.rng(112)
    stft = _random_stft(rng)
    stft[0, :3] = 0  # hard right
    stft[1, 3:6] = 0  # hard left
    stft[:, 6] = 0
    bins = answers.varied(18, 12, 24, rng)
    energy = np.sum(np.abs(stft) ** 2, axis=0)
    angles = np.arctan2(np.abs(stft[1]), np.abs(stft[0]))

    def count(angles, weights):
        return np.histogram(angles, bins, (0, np.pi / 2), weights=weights)[0].astype(float)

    with np.errstate(all="ignore"):
        result = answers.call(answer, stft, bins)
    expected = count(angles, energy)
    without_right = expected.copy()
    without_right[-1] -= energy[:3].sum()
    return answers.array(
        result,
        expected,
        "bins",
        name="the histogram",
        where="np.histogram(angles, bins, (0, np.pi / 2), weights=...) with angles from np.arctan2(right, left).",
        mistakes={
            "Every bin counts the same here, however faint. Weight it by its energy, |X_1|^2 + |X_2|^2.": count(
                angles, None
            ),
            "That weighs by the magnitude, not by the energy: square before you add the channels.": count(
                angles, np.sum(np.abs(stft), axis=0)
            ),
            "That weighs by the root of the energy. Leave the root out.": count(angles, np.sqrt(energy)),
            "Left and right are exchanged: np.arctan2 takes the right channel first, so that left is 0.": count(
                np.pi / 2 - angles, energy
            ),
            "What lies hard on the right is lost: the last bin must hold pi/2 itself.": without_right,
            "The range must be 0 to pi/2: no angle of the pan law lies beyond.": np.histogram(
                angles, bins, (0, np.pi), weights=energy
            )[0],
        },
    )


def _check_nearest(answer):
    rng = answers.rng(113)
    stft = _random_stft(rng)
    pans = np.array([answers.varied(pan, pan - 0.08, pan + 0.07, rng) for pan in (0.1, 0.5, 1.5)])
    angles = np.arctan2(np.abs(stft[1]), np.abs(stft[0]))

    def shared(distances):
        owner = np.argmin(distances, axis=0)
        return np.stack([stft * (owner == source) for source in range(len(pans))])

    away = pans[:, None, None]
    expected = shared(np.abs(angles - away))
    result = answers.call(answer, stft, pans)
    return answers.array(
        result,
        expected,
        "sources channels freq frames",
        name="the stack of estimates",
        where="For each bin the source whose angle is nearest: np.argmin of the distances over the sources.",
        mistakes={
            "That measures distances in tan(phi), where the right half is endlessly wide. Take angles.": shared(
                np.abs(np.tan(angles) - np.tan(away))
            ),
            "That gives every bin to the source that is furthest: argmin, not argmax.": shared(-np.abs(angles - away)),
            "Left and right are exchanged: np.arctan2 takes the right channel first.": shared(
                np.abs(np.pi / 2 - angles - away)
            ),
            "Those are the masks. Multiply both channels of the mixture's transform by them.": np.broadcast_to(
                expected != 0, expected.shape
            ).astype(float),
            "The distance has lost its sign before it was compared: take its absolute value.": shared(angles - away),
        },
    )


def _check_microphones(answer):
    return answers.number(
        answer,
        343 / 0.2,
        3.0,
        "Hz",
        name="the frequency",
        where="The longest delay is 0.1 m / (343 m/s). A delay is certain while it is less than half a period.",
        mistakes={
            "That is a whole period. Half a turn ahead and half a turn behind already look alike.": 3430.0,
            "That is half of it: the delay may take half a period, not a quarter.": 857.5,
            "That is the longest delay in microseconds. Which frequency has half a period of that length?": 1e6
            * 0.1
            / 343,
            "That is the longest delay in seconds. Which frequency has half a period of that length?": 0.1 / 343,
            "That leaves out a factor: 10 cm are 0.1 m.": 17.15,
            "That forgets 2 pi: |w d| < pi, with w = 2 pi f.": np.pi * 3430,
        },
    )


def _angle_exercise(ratio=2.0):
    degrees = np.degrees(np.arctan(ratio))
    times = "twice" if ratio == 2 else f"{ratio:g} times"

    def check(answer):
        return answers.number(
            answer,
            degrees,
            0.1,
            "degrees",
            name="the angle",
            where="The gains are cos(phi) and sin(phi); their ratio is tan(phi).",
            mistakes={
                "That is left of the centre. The right channel is the stronger one: its gain goes above.": 90 - degrees,
                "That is the angle in radians: np.degrees.": np.radians(degrees),
                "That takes the ratio for one of powers. A ratio of powers is the square of that of "
                "amplitudes.": np.degrees(np.arctan(np.sqrt(ratio))),
                "That squares the ratio. tan(phi) is the ratio of the amplitudes itself.": np.degrees(
                    np.arctan(ratio**2)
                ),
                f"That shares 90 degrees in the ratio of 1 to {ratio:g}, as if gains were proportional to the "
                "angle.": 90 * ratio / (1 + ratio),
            },
        )

    return Exercise.from_files(
        __file__,
        number="11.1",
        task=f"A source is {times} as strong on the right as on the left, in amplitude. At which angle of the pan law "
        "does it sit, in degrees?",
        check=check,
        hints=(
            "The gains are cos(phi) on the left and sin(phi) on the right.",
            f"sin(phi) / cos(phi) = {ratio:g}. Which angle has this tangent?",
        ),
        values={"ratio": ratio},
        praise=f"Only {degrees - 45:.0f} degrees from the centre: {20 * np.log10(ratio):.0f} dB are not much of a way.",
        drawn=lambda rng: _angle_exercise(int(rng.integers(24, 51)) / 20),
    )


def _too_loud_exercise(degrees=80):
    phi = np.radians(degrees)
    tangent = np.tan(phi)

    def check(answer):
        return answers.number(
            answer,
            tangent - 1,
            0.02,
            name="the factor",
            where="The plane is highest at g = 0 or at g = 1, and 0 at the null. Divide by the left channel's |X_1|.",
            mistakes={
                "That is the height of the plane at g = 1 for a source of magnitude 1. Divide by what the left channel "
                "holds, cos(phi).": np.sin(phi) - np.cos(phi),
                "That is the right channel over the left one. The plane shows |X_1 - g X_2|, which at g = 1 is the "
                "difference of the two.": tangent,
                "That is the height at g = 0, which is the left channel itself. At g = 1 the plane is higher "
                "still.": 1.0,
                "That is right, but in dB. Give the factor.": 20 * np.log10(tangent - 1),
                "That adds the channels. They are in phase, so at g = 1 they are subtracted.": tangent + 1,
            },
        )

    return Exercise.from_files(
        __file__,
        number="11.4",
        task=f"A source sits at {degrees} degrees. As first published, ADRess takes the highest point of |X_1 - g X_2| "
        "over g less the lowest for its magnitude. How many times too large is that for the left channel?",
        check=check,
        hints=(
            "The left channel holds cos(phi), the right one sin(phi) of the source. At g = cot(phi) they cancel.",
            "Between g = 0, where |X_1| is left, and g = 1, where |X_1 - X_2| is left, the larger one counts.",
        ),
        values={"degrees": degrees},
        praise="Up to tan(phi) = 2, or 63.4 degrees, the magnitude is right; beyond it grows without end.",
        drawn=lambda rng: _too_loud_exercise(int(rng.integers(70, 87))),
    )


EXERCISES = (
    _angle_exercise(),
    Exercise.from_files(
        __file__,
        number="11.2",
        task="Write `pan_histogram(mixture_stft, bins)`: the energy at each angle from 0 to pi/2, hard right included.",
        check=_check_histogram,
        hints=(
            "The angle of a bin is np.arctan2(np.abs(right), np.abs(left)); its energy |left|^2 + |right|^2.",
            "np.histogram takes weights. Give it angles.ravel() or angles, and the range (0, np.pi / 2).",
        ),
        praise="Its sum is the energy of the mixture: nothing is lost on the way.",
    ),
    Exercise.from_files(
        __file__,
        number="11.3",
        task="Write `by_angle(mixture_stft, pans)`: estimates (sources, channels, freq, frames), each bin given whole "
        "to the source whose angle is nearest to its own.",
        check=_check_nearest,
        hints=(
            "pans[:, None, None] compares every source with every bin at once.",
            "owner = np.argmin(np.abs(angles - pans[:, None, None]), axis=0), and then a mask owner == source.",
        ),
        praise="The estimates add up to the mixture, because every bin has exactly one owner.",
    ),
    _too_loud_exercise(),
    Exercise.from_files(
        __file__,
        number="11.5",
        task="Two microphones stand 10 cm apart, and a sound comes from the side, at 343 m/s. Below which frequency "
        "does the phase tell the delay without doubt, in Hz?",
        check=_check_microphones,
        hints=(
            "Sound needs 0.1 / 343 seconds from one microphone to the other.",
            "The phase is certain while |w d| < pi, so while f < 1 / (2 d).",
        ),
        praise="Much of music lies above. This is why DUET's microphones stand a few centimetres apart.",
    ),
)
