"""Exercises of lesson 11, "Where is it? Panning histograms"."""

import numpy as np

from ... import signals
from ...lessons import Exercise, answers
from . import mixtures

PIECE = "band"

# A plucked string counts as found within this distance.
NEAR_DEG = 2.0
LEAST_SDR_DB = 10.0


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
            where="The pan law of part 2 relates it to the two gains.",
            mistakes={
                "That is left of the centre, and this source is louder on the right.": 90 - degrees,
                "That is the angle in radians.": np.radians(degrees),
                "That takes the ratio for one of powers. It is one of amplitudes.": np.degrees(
                    np.arctan(np.sqrt(ratio))
                ),
                "That squares the ratio, which is already one of amplitudes.": np.degrees(np.arctan(ratio**2)),
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
            "The gains are cos(theta) on the left and sin(theta) on the right.",
            f"sin(theta) is {ratio:g} times cos(theta). Which function of the angle is their ratio?",
        ),
        values={"ratio": ratio},
        praise=f"Only {degrees - 45:.0f} degrees from the centre, for {20 * np.log10(ratio):.0f} dB.",
        drawn=lambda rng: _angle_exercise(int(rng.integers(24, 51)) / 20),
        kind="number",
    )


def _random_stft(rng):
    shape = 2, answers.varied(40, 30, 50, rng), answers.varied(30, 20, 40, rng)
    stft = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return stft * rng.exponential(1, shape)


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
        where="Each bin belongs to one source, the one whose angle is nearest to the bin's.",
        mistakes={
            "That measures distances in tangents, in which the right half is endlessly wide.": shared(
                np.abs(np.tan(angles) - np.tan(away))
            ),
            "That gives every bin to the source that is furthest.": shared(-np.abs(angles - away)),
            "Left and right are exchanged.": shared(np.abs(np.pi / 2 - angles - away)),
            "Those are the masks, not the estimates.": np.broadcast_to(expected != 0, expected.shape).astype(float),
            "The distances are compared with their signs, so that a negative one counts as the nearest.": shared(
                angles - away
            ),
        },
    )


def _string_exercise(seed=113):
    angles_deg = mixtures.pans_deg(seed)

    def check(answer):
        return answers.number(
            answer,
            angles_deg["string"],
            NEAR_DEG,
            "degrees",
            name="the angle",
            where="The string is not there.",
            mistakes={
                "That is where the organ is, whose chord is held.": angles_deg["organ"],
                "That is where the drum is, which has no pitch.": angles_deg["drum"],
                "Is that an angle in radians?": float(np.radians(angles_deg["string"])),
            },
        )

    return Exercise.from_files(
        __file__,
        number="11.3",
        task='lab.given("11.3")["mixture"] is a stereo recording at 16 000 Hz of an organ, a plucked string and a '
        "drum. At which angle, in degrees, is the plucked string?",
        check=check,
        hints=(
            "mss_lab.spatial.panning.named(None, None, mixture, 16_000) gives the angles of the three hills.",
            "Keep a window around each hill with mss_lab.spatial.panning.keep, and play the three sounds one by one. "
            "Which begins suddenly at each note, has a pitch, and dies away?",
        ),
        values={"string": angles_deg["string"], "organ": angles_deg["organ"], "drum": angles_deg["drum"]},
        praise="The histogram says where; only the ear says what.",
        drawn=lambda rng: _string_exercise(int(rng.integers(1, 1_000_000))),
        given=lambda: {"mixture": mixtures.band_of_three(seed)},
        kind="sound",
    )


def _check_without(answer):
    rng = answers.rng(114)
    angles = np.radians([answers.varied(usual, usual - 9.0, usual + 9.0, rng) for usual in (25.0, 62.0, 80.0)])
    waves = rng.standard_normal((3, 400))
    mixture = np.stack([np.cos(angles) @ waves, np.sin(angles) @ waves])
    unwanted = float(angles[1])
    result = answers.call(answer, mixture, unwanted)
    if not isinstance(result, np.ndarray) or result.shape not in ((400,), (1, 400)):
        return f"The result must be one channel, an array (1, samples) or (samples,), got {answers.describe(result)}."
    channel = np.asarray(result, float).reshape(-1)
    if not np.all(np.isfinite(channel)):
        return "The result holds NaN or infinite values; is there a division by zero?"
    # What the result holds of each of the three, by least squares.
    holds = np.linalg.lstsq(waves.T, channel, rcond=None)[0]
    left_over = channel - holds @ waves
    if np.linalg.norm(left_over) > 1e-6 * np.linalg.norm(mixture):
        return "The result is not a sum of the two channels with one gain each: something else is in it."
    if np.abs(holds).max() < 1e-6:
        return "Nothing is left in the result. The other sources must stay."
    if abs(holds[1]) > 1e-6 * np.abs(holds).max():
        if np.allclose(holds, np.cos(angles - unwanted) * holds[1]):
            return "That keeps the source at this angle as loud as possible. It must vanish."
        if np.allclose(holds, np.cos(angles + unwanted) / np.cos(2 * unwanted) * holds[1]):
            return "That would silence a source at the mirrored angle: left and right are exchanged."
        if np.allclose(holds, (np.sin(angles) - np.cos(angles)) / (np.sin(unwanted) - np.cos(unwanted)) * holds[1]):
            return "That silences the centre, whatever the angle is."
        return "The source at this angle is still audible in the result."
    return _check_ends(answer, rng.standard_normal((1, 300)))


def _check_ends(answer, wave):
    for words, angle_rad in (("left", 0.0), ("right", np.pi / 2)):
        mixture = np.concatenate([np.cos(angle_rad) * wave, np.sin(angle_rad) * wave])
        result = np.asarray(answers.call(answer, mixture, angle_rad), float)
        if not np.all(np.isfinite(result)) or np.abs(result).max() > 1e-6:
            return f"A source that is hard on the {words} does not vanish."
    return None


def _microphones_given():
    return {"mixture": signals.mix(mixtures.two_microphones())}


def _check_microphones(answer):
    return answers.reached(answer, mixtures.two_microphones(), LEAST_SDR_DB)


EXERCISES = (
    _angle_exercise(),
    Exercise.from_files(
        __file__,
        number="11.2",
        task="Write `by_angle(mixture_stft, pans)`: estimates (sources, channels, freq, frames), each bin given whole "
        "to the source whose angle is nearest to its own.",
        check=_check_nearest,
        hints=(
            "pans[:, None, None] compares every source with every bin at once.",
            "np.argmin over the sources gives the owner of each bin; a source's mask is 1 where it is the owner.",
        ),
        praise="The estimates add up to the mixture, because every bin has exactly one owner.",
        kind="construct",
    ),
    _string_exercise(),
    Exercise.from_files(
        __file__,
        number="11.4",
        task="Write `without(mixture, angle_rad)`: one channel in which a source at this angle is silent and every "
        "other source is still there.",
        check=_check_without,
        hints=(
            "Multiply the left channel by one number and the right channel by another, and add. For a source at the "
            "angle theta the channels are cos(theta) s and sin(theta) s.",
            "Which two numbers, made from the angle, give 0 for it? No division is needed.",
        ),
        praise="This is how a singer is taken out of a record, and the look on which lesson 12 builds.",
        kind="construct",
    ),
    Exercise.from_files(
        __file__,
        number="11.5",
        task='lab.given("11.5")["mixture"] is a recording of two instruments by two microphones some centimetres '
        f"apart, at 16 000 Hz. Give estimates of both with a mean SDR of at least {LEAST_SDR_DB:g} dB.",
        check=_check_microphones,
        hints=(
            "Both have the attenuation 0, so only delays differ. Draw the histogram of level and delay, and make it "
            "wide enough: which option of mss_lab.spatial.duet.histogram says how far it reaches?",
            "mss_lab.spatial.duet.peaks gives angles and delays. mss_lab.spatial.duet.separate takes them as pans_rad "
            "and delays_s, two dicts with the same names.",
        ),
        praise="One of the two spots lies beyond the usual limits of the histogram.",
        given=_microphones_given,
        kind="sound",
    ),
)
