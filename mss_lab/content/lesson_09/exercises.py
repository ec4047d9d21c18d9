"""Exercises of lesson 09, "Score-informed soft masks"."""

import dataclasses
import math

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_b"

# The excerpt of exercise 9.3, the rate of its mixture, and how far the answer may be off.
EXCERPT_S, RATE_HZ, WITHIN_S = 8.0, 22_050, 0.08


def _touching_exercise(cents=40):
    width = 2 ** (cents / 1200) - 1
    first = math.ceil((1 - width) / (2 * width))

    def check(answer):
        return answers.number(
            answer,
            first,
            1e-9,
            name="the harmonic",
            where="Draw two neighbouring bands, and how far each reaches towards the other.",
            mistakes={
                "That takes the band of the next harmonic to be as wide as this one's.": math.ceil(1 / (2 * width)),
                "Only one of the two bands counts there.": math.ceil(1 / width),
                "That harmonic does not quite reach the next.": first - 1,
                "That is no whole number.": (1 - width) / (2 * width),
            },
        )

    return Exercise.from_files(
        __file__,
        number="9.1",
        kind="number",
        task=f"Bands reach q f0 (2 ** ({cents} / 1200) - 1) Hz either way. Which is the first harmonic whose band "
        "touches that of the next?",
        check=check,
        hints=(
            "Where does the band of harmonic q end, as a multiple of f0? Where does that of the next one begin?",
            "Both bands reach towards each other. Compare the two ends, and solve for q.",
        ),
        values={"cents": cents},
        praise="With 20 harmonics and 40 cents, as in the paper, the bands just stay apart. It may be no accident.",
        drawn=_draw_touching,
    )


def _draw_touching(rng):
    def distinguishes(cents):
        width = 2 ** (cents / 1200) - 1
        first, same = math.ceil((1 - width) / (2 * width)), math.ceil(1 / (2 * width))
        return same != first and cents != 40

    return _touching_exercise(answers.telling(lambda: int(rng.integers(15, 61)), distinguishes))


def _soft(times_s, onset_s, offset_s, tolerance_s):
    away_s = np.maximum(0, np.maximum(onset_s - times_s, times_s - offset_s))
    return np.maximum(0, 1 - away_s / tolerance_s)


def _check_window(answer):
    rng = answers.rng(92)
    rate_hz, frames = answers.varied(10.0, 8.0, 15.0, rng), answers.varied(24, 22, 28, rng)
    times_s = np.arange(frames) / rate_hz
    later, less = answers.varied(0, 1, 4, rng), answers.varied(0, 1, 3, rng)
    for onset, offset, tolerance in ((5.3 + later, 9.8 + later, 2.6), (0.5, 6.2, 3.4), (frames - 5.7 - less, 40, 3.3)):
        onset_s, offset_s, tolerance_s = onset / rate_hz, offset / rate_hz, tolerance / rate_hz
        soft = _soft(times_s, onset_s, offset_s, tolerance_s)
        away_s = np.maximum(onset_s - times_s, times_s - offset_s)
        inside = np.maximum(0, np.minimum(times_s - onset_s, offset_s - times_s))
        mistakes = {
            "Beyond the tolerance the line goes on below 0.": 1 - np.maximum(0, away_s) / tolerance_s,
            "That is the hard window: 1 in the whole tolerance.": (away_s <= tolerance_s) * 1.0,
            "The window falls inside the note, so that the note itself is cut.": np.minimum(1, inside / tolerance_s),
            "Above 1 the line goes on inside the note.": np.maximum(0, 1 - away_s / tolerance_s),
            "The tolerance is missing.": (away_s <= 0) * 1.0,
            "The window falls after the note only; it may be early, too.": np.where(times_s < onset_s, 0, soft),
            "The window rises before the note only; it may be late, too.": np.where(times_s > offset_s, 0, soft),
            "That compares numbers of frames with seconds.": _soft(
                np.arange(frames, dtype=float), onset_s, offset_s, tolerance_s
            ),
        }
        wrong = answers.array(
            answers.call(answer, onset_s, offset_s, tolerance_s, frames, rate_hz),
            soft,
            "frames",
            name="the window",
            where="Draw it: where is it 1, where 0, and what lies between?",
            mistakes=mistakes,
        )
        if wrong:
            return wrong
    return None


def _late_score():
    """A mixture (1, samples) of a chorale, its notes, all moved by the same time, and this time in seconds."""
    from ... import audio
    from ...datasets import pieces
    from ...score import notes

    rng = answers.rng(93)
    piece = pieces.load(str(rng.choice(["chorale_a", "chorale_b"])))
    start_s, late_s = float(rng.uniform(1, 18)), float(rng.uniform(0.15, 0.45))
    first, last = (round(time_s * piece.sample_rate_hz) for time_s in (start_s, start_s + EXCERPT_S))
    mixture = audio.resample(piece.mixture[:1, first:last], piece.sample_rate_hz, RATE_HZ)
    # Notes that stay within the excerpt wherever they are moved.
    inside = [n for n in notes.shift(piece.score, -start_s).notes if 0.6 < n.onset_s < EXCERPT_S - 1.2]
    moved = [dataclasses.replace(n, onset_s=n.onset_s + late_s, offset_s=n.offset_s + late_s) for n in inside]
    return mixture, moved, late_s


def _late_score_handed_out():
    mixture, moved, _ = _late_score()
    rows = [(note.source, note.midi, note.onset_s, note.offset_s) for note in moved]
    return {"mixture": mixture, "sample_rate_hz": RATE_HZ, "notes": rows}


def _check_late(answer):
    late_s = _late_score()[2]
    return answers.number(
        answer,
        late_s,
        WITHIN_S,
        "s",
        name="the shift",
        where="Move the notes by as much the other way, and listen whether they begin with the sound.",
        mistakes={
            "The sign is turned round: a positive number means that the notes are late.": -late_s,
            "The notes as they stand catch less of the mixture than moved ones.": 0.0,
        },
    )


def _leakage(masks, stfts):
    powers = np.abs(stfts) ** 2
    return np.einsum("ikt,jkt->ij", masks**2, powers) / powers.sum(axis=(1, 2))


def _check_leakage(answer):
    rng = answers.rng(94)
    shape = answers.varied(3, 2, 4, rng), answers.varied(6, 5, 9, rng), answers.varied(7, 5, 9, rng)
    masks = rng.random(shape)
    stfts = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    stfts *= rng.uniform(0.3, 3, shape[0])[:, np.newaxis, np.newaxis]
    powers = np.abs(stfts) ** 2
    expected = _leakage(masks, stfts)
    passed = np.einsum("ikt,jkt->ij", masks**2, powers)
    return answers.array(
        answers.call(answer, masks, stfts),
        expected,
        "masks players",
        name="the table",
        where="Try it with masks of ones, and with two sources that never overlap.",
        mistakes={
            "Rows and columns are exchanged: the mask is the first index, the player the second.": expected.T,
            "A mask multiplies the magnitude. Its effect on the energy is another.": np.einsum(
                "ikt,jkt->ij", masks, powers
            )
            / powers.sum(axis=(1, 2)),
            "Those are energies; a share of each player's energy was expected.": passed,
            "Each row adds up to 1 there: that is what an estimate consists of, not what becomes of a player.": passed
            / passed.sum(axis=1, keepdims=True),
            "Those are shares of the energy of all players together.": passed / powers.sum(),
            "Those are shares of magnitudes, not of energies.": np.einsum("ikt,jkt->ij", masks, np.abs(stfts))
            / np.abs(stfts).sum(axis=(1, 2)),
        },
    )


EXERCISES = (
    _touching_exercise(),
    Exercise.from_files(
        __file__,
        number="9.2",
        kind="construct",
        task="Write `soft_window(onset_s, offset_s, tolerance_s, frames, frame_rate_hz)`: 1 in the frames of a note, "
        "falling on a straight line to 0 at a distance of the tolerance, on both sides.",
        check=_check_window,
        hints=(
            "First the time of every frame, in seconds; then how far each lies outside the note, 0 inside.",
            "The distance is the larger of two differences and 0. From it to the window is one line.",
        ),
        praise="A claim of one half at the edge: the mask of a doubtful moment is soft in time, too.",
    ),
    Exercise.from_files(
        __file__,
        number="9.3",
        kind="sound",
        task='By how many seconds are the notes of `lab.given("9.3")` late? Below 0 they are early.',
        check=_check_late,
        given=_late_score_handed_out,
        own_function=False,
        hints=(
            "Move the notes back by many candidates, and measure something for each of them.",
            "At the right time the claimed bins hold the most of the mixture's magnitude.",
            "score_claims gives the claims; a tolerance of 0 makes their edges sharp.",
        ),
        praise="Without one stem the masks themselves have found the time: a small alignment.",
        time_limit_s=30.0,
    ),
    Exercise.from_files(
        __file__,
        number="9.4",
        kind="construct",
        task="Write `leakage(masks, source_stfts)`: entry (i, j) is the share of player j's energy that mask i lets "
        "through.",
        check=_check_leakage,
        hints=(
            "An energy is a sum of squared magnitudes over bins and frames.",
            "Every mask meets every player: add an axis to one of the two arrays, or write two loops.",
        ),
        praise="The diagonal says what each player keeps, the rest who is in whose estimate.",
    ),
)
