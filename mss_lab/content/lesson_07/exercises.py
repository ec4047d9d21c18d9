"""Exercises of lesson 07, "Scores and alignment"."""

import math
from fractions import Fraction

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_a"

# Notes of exercise 7.1: onset and offset in seconds, and frames a second, in an order that distinguishes each mistake
# from the others. The third and fourth lie on whole frames, but their products do not, quite; the last is so short that
# rounding would lose it.
NOTES = (
    (1.0, 2.0, 50),
    (0.287, 0.297, 100),
    (0.29, 0.35, 100),
    (0.57, 1.1, 100),
    (0.243, 0.892, 43.066),
    (3.012, 3.013, 10),
)


def _other_notes(rng):
    """Notes of the same six kinds."""
    # Hundredths of a second that a computer's product puts a little before, or behind, the frame they lie on.
    before = [k for k in range(10, 300) if k / 100 * 100 < k]
    behind = [k for k in range(300, 600) if k / 100 * 100 > k]
    onset, short = (int(frame) for frame in rng.integers(10, 60, 2))
    rate_hz = round(float(rng.uniform(35, 60)), 3)
    return (
        (float(rng.integers(1, 5)), float(rng.integers(6, 9)), int(rng.integers(40, 60))),
        ((onset + 0.7) / 100, (onset + int(rng.integers(1, 4)) + 0.7) / 100, 100),
        (int(rng.choice(before)) / 100, float(rng.integers(3, 9)), 100),
        (int(rng.choice(before)) / 100, int(rng.choice(behind)) / 100, 100),
        (round((onset + 0.4) / rate_hz, 4), round((onset + short + 0.4) / rate_hz, 4), rate_hz),
        (short / 10 + 0.012, short / 10 + 0.013, 10),
    )


def _filled(onset_s, offset_s, frame_rate_hz):
    """The first frame that a note fills and the first after it, by fractions, which have no rounding errors."""
    start, stop = (Fraction(repr(time_s)) * Fraction(repr(frame_rate_hz)) for time_s in (onset_s, offset_s))
    return math.floor(start), math.ceil(stop)


def _check_frames(answer):
    rng = answers.rng(71)
    for onset_s, offset_s, frame_rate_hz in answers.usually(NOTES, lambda: _other_notes(rng)):
        expected = _filled(onset_s, offset_s, frame_rate_hz)
        case = f"the answer for {onset_s} to {offset_s} s at {frame_rate_hz} frames a second"
        start, stop = onset_s * frame_rate_hz, offset_s * frame_rate_hz
        mistakes = {
            f"For a note on whole frames, {case.removeprefix('the answer for ')}, the products are "
            f"{start!r} and {stop!r} to a computer. Add a millionth of a frame before rounding down, and subtract it "
            "before rounding up.": (math.floor(start), math.ceil(stop)),
            f"The onset is right. The product of the offset is {stop!r} to a computer: subtract a millionth of a "
            "frame before rounding up.": (math.floor(start + 1e-6), math.ceil(stop)),
            f"The offset is right. The product of the onset is {start!r} to a computer: add a millionth of a frame "
            "before rounding down.": (math.floor(start), math.ceil(stop - 1e-6)),
            "Both ends are rounded to the nearest frame. A frame that a note only touches is filled too: round the "
            "onset down and the offset up.": (round(start), round(stop)),
            "Both ends are rounded the wrong way, so the note loses the frames that it only touches. Round the onset "
            "down and the offset up.": (math.ceil(start), math.floor(stop)),
            "Frames are whole numbers: round the onset down and the offset up.": (start, stop),
            "Both ends are rounded down. The frame in which the note ends is filled too: round the offset up.": (
                math.floor(start + 1e-6),
                math.floor(stop + 1e-6),
            ),
            "The second number is the last frame that is filled. Give the first one after it, as for a slice.": (
                expected[0],
                expected[1] - 1,
            ),
            "The second number counts frames. Give the first frame after the note.": (
                expected[0],
                expected[1] - expected[0],
            ),
            "Those are all the frames of the note. Give two numbers: the first, and the first after the last.": tuple(
                range(*expected)
            ),
        }
        wrong = answers.array(
            answers.call(answer, onset_s, offset_s, frame_rate_hz),
            np.array(expected),
            "ends",
            name=case,
            where="math.floor of onset times rate, math.ceil of offset times rate.",
            mistakes={words: np.array(mistake) for words, mistake in mistakes.items()},
        )
        if wrong:
            return wrong
    return None


def _check_cell(answer):
    return answers.number(
        answer,
        11.5,
        0.01,
        name="D",
        where="There are three ways to the cell. Each costs what has accumulated, and its weight times the distance.",
        mistakes={
            "That is the way along the diagonal, 6 + 2 * 3. Another is cheaper.": 12.0,
            "That is the way from the left, 9 + 1.5 * 3. Another is cheaper.": 13.5,
            "That takes weight 1 for every step, 6 + 3. A step of both has weight 2, a step of one 1.5.": 9.0,
            "That takes the way from above with weight 1. A step of one costs 1.5 times the distance.": 10.0,
            "That is the accumulated cost of the best neighbour; the step to this cell is still to be paid.": 7.0,
            "That is what has accumulated on the diagonal; the step to this cell is still to be paid.": 6.0,
            "That adds the distance twice for the step from above; a step of one has weight 1.5.": 13.0,
            "That takes weight 1.5 for the diagonal. A step of both has weight 2.": 10.5,
        },
    )


def _greedy(path):
    kept = [path[0]]
    for point in path[1:]:
        if (point > kept[-1]).all():
            kept.append(point)
    return np.array(kept)


def _check_strictly(answer):
    rng = answers.rng(73)
    steps = np.array([(1, 1), (1, 0), (0, 1)])[rng.choice(3, size=60, p=[0.3, 0.35, 0.35])]
    long_way = np.cumsum([(2, 5), *steps], axis=0)
    begin = [answers.varied(0, 1, 9, rng), answers.varied(0, 1, 9, rng)]
    only = [[answers.varied(3, 5, 9, rng), answers.varied(4, 0, 9, rng)]]
    for path in (np.array([[0, 0], [0, 1], [1, 1], [1, 2], [2, 2]]) + begin, long_way, np.array(only)):
        wrong = answers.array(
            answers.call(answer, path),
            _greedy(path),
            "points axes",
            name="the answer",
            where="Keep a point only if both its numbers are larger than those of the last point that was kept.",
            mistakes=_strict_mistakes(path),
        )
        if wrong:
            return wrong
    return None


def _strict_mistakes(path):
    moved = np.diff(path, axis=0)
    last = [0]
    for k in range(1, len(path)):
        if (path[k] != path[last[-1]]).any():
            last.append(k)
    one_sided = {
        "Now every time in the recording has one in the score, but the score still stands still: compare both "
        "columns.": path[np.unique(path[:, 0], return_index=True)[1]],
        "Now every time in the score has one in the recording, but the recording still stands still: compare both "
        "columns.": path[np.unique(path[:, 1], return_index=True)[1]],
    }
    return {
        "Nothing was left out that stands still on one side only. Both numbers must grow from point to point.": path[
            last
        ],
        "Each point is compared with the one just before it in the path, so steps of one side after another are all "
        "lost. Compare with the last point that was kept.": path[np.append(True, (moved > 0).all(axis=1))],
        **one_sided,
        "That clears up one column, and then the other among what is left. Both must be looked at together, point by "
        "point.": _one_by_one(path),
        "The first point is missing: the map starts where the path does.": _greedy(path)[1:],
    }


def _one_by_one(path):
    rows = path[np.unique(path[:, 0], return_index=True)[1]]
    return rows[np.unique(rows[:, 1], return_index=True)[1]]


def _check_length(answer):
    onset_s, mean_tempo = 7.5, 7 / 6
    return answers.number(
        answer,
        8 + mean_tempo - onset_s,
        0.006,
        "s",
        name="the length",
        where="Send both ends through the map: 5 s lies half-way between 4 and 6, 7 s is 1 s beyond the last point.",
        mistakes={
            "The end was left at the last point, as np.interp does. Beyond it the map goes on at the mean tempo.": 0.5,
            "That goes on with the slope of the last stretch, 1/2. Beyond the end the mean tempo counts: from the "
            "first point to the last.": 1.0,
            "That goes on with slope 1. The mean tempo is (8 - 1) / (6 - 0).": 1.5,
            "That is the length as written. Send both ends through the map.": 2.0,
            "That is the length as written at the mean tempo. The onset lies between two points, where the tempo is "
            "another.": 2 * mean_tempo,
            "The mean tempo is turned round: seconds of the recording for a second of the score, 7 / 6.": 0.5 + 6 / 7,
            "That is the end in the recording; subtract the onset there.": 8 + mean_tempo,
            "That is the onset in the recording; send the end through the map, too.": onset_s,
        },
    )


def _median_error(true_midi, true_s, estimated_midi, estimated_s):
    true_order, order = np.lexsort((true_s, true_midi)), np.lexsort((estimated_s, estimated_midi))
    return estimated_s[order] - true_s[true_order]


def _draw_notes(rng):
    count = answers.varied(41, 35, 45, rng)
    true_midi = rng.choice([48.0, 60.0, 64.0, 67.0], size=count)
    true_s = np.sort(rng.uniform(0, 20, count))
    late_s = 0.03 + rng.exponential(0.2, count) * rng.choice([-1, 1, 1], count)
    shuffle = rng.permutation(count)
    return true_midi, true_s, true_midi[shuffle], (true_s + late_s)[shuffle]


def _medians(*notes):
    """The right median error, and those that typical mistakes give, each under what to say about it."""
    errors_s = _median_error(*notes)
    pitch_only = [notes[k + 1][np.argsort(notes[k], kind=kind)] for kind in ("stable", None) for k in (0, 2)]
    as_listed, in_time = notes[3] - notes[1], np.sort(notes[3]) - np.sort(notes[1])
    nearest = np.array([np.abs(notes[1][notes[0] == m] - t).min() for m, t in zip(notes[2], notes[3], strict=True)])

    def median(values):
        return float(np.median(np.abs(values)))

    return median(errors_s), {
        "That is the median with signs: early and late notes cancel. Take absolute values first.": float(
            np.median(errors_s)
        ),
        "That is the mean of the absolute errors; take the median.": float(np.mean(np.abs(errors_s))),
        "That pairs the notes as they stand in the lists. They come in any order: sort first.": median(as_listed),
        "That pairs all notes in order of time, whatever their pitch, so a note that comes late is paired with "
        "another. Sort by pitch first, then by time.": median(in_time),
        "Those are sorted by pitch, and within a pitch they come as they did. Sort by pitch, then by time.": median(
            pitch_only[1] - pitch_only[0]
        ),
        "Those are sorted by pitch, and within a pitch in no order at all. Sort by pitch, then by time.": median(
            pitch_only[3] - pitch_only[2]
        ),
        "That pairs each note with the nearest one of its pitch, so two may share one. Pair them in order.": median(
            nearest
        ),
        "That is in milliseconds; the answer is expected in seconds.": 1000 * median(errors_s),
    }


def _check_median(answer):
    rng = answers.rng(75)

    def distinguishes(notes):
        # A median is the error of one or two notes, which a wrong pairing may happen to leave together.
        expected, mistakes = _medians(*notes)
        return all(abs(mistake - expected) > 1e-6 for mistake in mistakes.values())

    notes = answers.telling(lambda: _draw_notes(rng), distinguishes)
    expected, mistakes = _medians(*notes)
    return answers.number(
        answers.call(answer, *notes),
        expected,
        1e-9,
        "s",
        name="the median error",
        where="Sort both lists by pitch and, within a pitch, by time; np.lexsort((onsets_s, midi)) gives that order.",
        mistakes=mistakes,
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="7.1",
        task="Write `frames_of(onset_s, offset_s, frame_rate_hz)`: the first frame that a note fills, and the first "
        "after it.",
        check=_check_frames,
        hints=(
            "Round the onset down and the offset up, both times the frame rate.",
            "0.29 * 100 is 28.999999999999996. Add 1e-6 before rounding down, subtract 1e-6 before rounding up.",
        ),
        praise="Two rounding errors of a computer, and a note would have been a frame too long.",
    ),
    Exercise.from_files(
        __file__,
        number="7.2",
        task="Distance 3; accumulated 6 on the diagonal, 7 above, 9 to the left; weights 2, 1.5 and 1.5. What is D?",
        check=_check_cell,
        hints=(
            "The way along the diagonal costs 6 + 2 * 3.",
            "The way from above costs 7 + 1.5 * 3. Take the least of the three.",
        ),
        praise="The diagonal had accumulated least, and yet it was not the best way: its step is the dearest.",
    ),
    Exercise.from_files(
        __file__,
        number="7.3",
        task="Write `strictly(path)`: the first point, then each that lies later than the last one kept, in both "
        "columns.",
        check=_check_strictly,
        hints=(
            "Start with kept = [path[0]] and go through the rest one by one.",
            "Keep a point if np.all(point > kept[-1]).",
        ),
        praise="Now the path can be turned into a map, and the map round: np.interp works both ways.",
    ),
    Exercise.from_files(
        __file__,
        number="7.4",
        task="Score 0, 4, 6 s are recording 1, 7, 8 s; beyond the ends the mean tempo. How long does a note written "
        "from 5 to 7 s last in the recording?",
        check=_check_length,
        hints=(
            "The onset, 5 s, lies half-way between 4 and 6, so half-way between 7 and 8.",
            "The mean tempo is (8 - 1) / (6 - 0) seconds of the recording for one of the score; the end is 1 s beyond.",
        ),
        praise="The player hurries in the last stretch; that this does not go on for ever is a guess, and a mild one.",
    ),
    Exercise.from_files(
        __file__,
        number="7.5",
        task="Write `median_onset_error_s(true_midi, true_onsets_s, found_midi, found_onsets_s)`: notes paired by "
        "pitch, and then in order of time; the median of the absolute errors.",
        check=_check_median,
        hints=(
            "np.lexsort((onsets_s, midi)) gives an order by pitch and, within a pitch, by time.",
            "Sort both lists that way, subtract, and take np.median(np.abs(...)).",
        ),
        praise="The median is not moved by a few notes that are far off. Look at those on their own.",
    ),
)
