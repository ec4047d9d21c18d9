"""Exercises of lesson 07, "Scores and alignment"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_a"


def _mapped(times_s, score_s, recording_s, slope=None, first=0, last=-1):
    """The times in the recording; beyond the ends with a slope, by default that between two of the points."""
    if slope is None:
        slope = (recording_s[last] - recording_s[first]) / (score_s[last] - score_s[first])
    beyond_s = np.minimum(0, times_s - score_s[0]) + np.maximum(0, times_s - score_s[-1])
    return np.interp(times_s, score_s, recording_s) + slope * beyond_s


def _check_map(answer):
    rng = answers.rng(74)
    points = answers.varied(5, 4, 7, rng)
    score_s = 2 + np.cumsum(rng.uniform(0.5, 2.0, points))
    recording_s = 1 + np.cumsum(rng.uniform(0.4, 3.0, points))
    times_s = np.concatenate([[score_s[0] - 1.5], rng.uniform(score_s[0], score_s[-1], 6), score_s[-1] + [0.7, 2.0]])
    ends = {"first": -2, "last": -1}
    mistakes = {
        "Times beyond the last point were left at its time, as np.interp does it.": _mapped(
            times_s, score_s, recording_s, slope=0
        ),
        "Beyond the ends the map goes on with slope 1. The players' tempo is another.": _mapped(
            times_s, score_s, recording_s, slope=1
        ),
        "Beyond the ends the map goes on at the tempo of the last stretch, not at the mean tempo.": _mapped(
            times_s, score_s, recording_s, **ends
        ),
        "The mean tempo is turned round: seconds of the score for one second of the recording.": _mapped(
            times_s, score_s, recording_s, slope=np.ptp(score_s) / np.ptp(recording_s)
        ),
        "That is the map in the other direction, from the recording to the score.": _mapped(
            times_s, recording_s, score_s
        ),
    }
    return answers.array(
        answers.call(answer, times_s, score_s, recording_s),
        _mapped(times_s, score_s, recording_s),
        "times",
        name="the array of times",
        where="Look at times within the points and beyond them one by one.",
        mistakes=mistakes,
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
            where="Follow the small example of the task by hand.",
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
    return {
        "Nothing was left out that stands still on one side only.": path[last],
        "Each point is compared with the one just before it in the path, so that several steps of one side in a row "
        "are all lost.": path[np.append(True, (moved > 0).all(axis=1))],
        "Now every time in the recording has one in the score, but the score still stands still.": path[
            np.unique(path[:, 0], return_index=True)[1]
        ],
        "Now every time in the score has one in the recording, but the recording still stands still.": path[
            np.unique(path[:, 1], return_index=True)[1]
        ],
        "That clears up one column, and then the other among what is left. Points are lost that could stay.": (
            _one_by_one(path)
        ),
        "The first point is missing: the map starts where the path does.": _greedy(path)[1:],
    }


def _one_by_one(path):
    rows = path[np.unique(path[:, 0], return_index=True)[1]]
    return rows[np.unique(rows[:, 1], return_index=True)[1]]


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
        "That is the median with signs: early and late notes cancel.": float(np.median(errors_s)),
        "That is the mean of the absolute errors, not their median.": float(np.mean(np.abs(errors_s))),
        "That pairs the notes as they stand in the lists, which come in any order.": median(as_listed),
        "That pairs all notes in order of time, whatever their pitch, so that a note that comes late is paired with "
        "another.": median(in_time),
        "Those are sorted by pitch, but within a pitch they come as they did.": median(pitch_only[1] - pitch_only[0]),
        "Those are sorted by pitch, but within a pitch in no order at all.": median(pitch_only[3] - pitch_only[2]),
        "That pairs each note with the nearest one of its pitch, so that two may share one.": median(nearest),
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
        where="Try it on three notes, of which two have one pitch.",
        mistakes=mistakes,
    )


# The excerpt of exercise 7.4 is so long, in the piece's own time.
EXCERPT_S = 6.0
# No shipped piece is longer.
LONGEST_S = 60.0


def _excerpt():
    """A piece's name, where its excerpt begins in its score, in seconds, and how much faster and higher it is played.

    It is played from a record that turns too fast, or too slowly: by whole semitones, as the score finder expects it.
    """
    rng = answers.rng(177)
    semitones = int(rng.choice([-3, -2, 2, 3]))
    return str(rng.choice(["chorale_a", "chorale_b"])), float(rng.uniform(8, 13.4)), 2 ** (semitones / 12)


def _excerpt_handed_out():
    from ...datasets import pieces

    name, start_s, faster = _excerpt()
    piece = pieces.load(name)
    first, last = (round(time_s * piece.sample_rate_hz) for time_s in (start_s, start_s + EXCERPT_S))
    return {
        "recording": piece.mixture[:1, first:last],
        "sample_rate_hz": round(piece.sample_rate_hz * faster),
    }


def _check_start(answer):
    _, start_s, _ = _excerpt()
    if isinstance(answer, int | float | np.number) and answer > LONGEST_S:
        return f"No piece lasts so long: {answer:.6g} is no time of a score in seconds."
    return answers.number(
        answer,
        start_s,
        0.5,
        "s",
        name="the start",
        where="Listen: does the score, from there on, go with the excerpt?",
        mistakes={
            "That is where the excerpt ends.": start_s + EXCERPT_S,
        },
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="7.1",
        kind="construct",
        task="Write `to_recording(times_s, score_s, recording_s)`: the times in the recording of some times in the "
        "score, by a map through given points; before the first and after the last at the mean tempo.",
        check=_check_map,
        hints=(
            "np.interp joins the points by straight lines, and stands still beyond them.",
            "How far is each time beyond an end? np.maximum(0, ...) is 0 for all that are not.",
            "The mean tempo has the first and the last point; what is beyond an end is multiplied by it and added.",
        ),
        praise="The last player who slows down does not slow down for ever: the mean tempo is a mild guess.",
    ),
    Exercise.from_files(
        __file__,
        number="7.2",
        kind="construct",
        task="Write `strictly(path)`: the first point, then each that lies later than the last one kept, in both "
        "columns.",
        check=_check_strictly,
        hints=(
            "Begin with a list that holds the first point, and go through the others one by one.",
            "A comparison of two points gives two truth values; both must hold.",
        ),
        praise="Now the path can be turned into a map, and the map round: np.interp works both ways.",
    ),
    Exercise.from_files(
        __file__,
        number="7.3",
        kind="construct",
        task="Write `median_onset_error_s(true_midi, true_onsets_s, estimated_midi, estimated_onsets_s)`: notes paired "
        "by pitch, and then in order of time; the median of the absolute errors.",
        check=_check_median,
        hints=(
            "Bring both lists into the same order first: by pitch, and by time within a pitch.",
            "np.lexsort sorts by several keys; the last one counts most.",
        ),
        praise="The median is not moved by a few notes that are far off. Look at those on their own.",
    ),
    Exercise.from_files(
        __file__,
        number="7.4",
        kind="sound",
        task='`lab.given("7.4")` holds some seconds of one of the workbook\'s pieces, from a record that turns at the '
        "wrong speed, two or three semitones too fast or too slowly. At which time of its score does it begin?",
        check=_check_start,
        given=_excerpt_handed_out,
        own_function=False,
        hints=(
            "Part 10 has a function that searches scores. Which of its options is for a recording in another key?",
            "Try all transpositions from three semitones down to three up, and look at the best match of all pieces.",
        ),
        praise="A few seconds, a wrong speed, a wrong key, and yet the harmonies are enough to find the place.",
        time_limit_s=30.0,
    ),
)
