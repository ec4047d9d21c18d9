"""Exercises of lesson 10, "Edit the notes, hear the change"."""

from collections import Counter

import numpy as np

from ...lessons import Exercise, answers, drawn_quartet
from ...lessons.drawn_quartet import PLAYERS, RATE_HZ

PIECE = "chorale_a"

SECONDS = 8.0
WRONG_NOTES = 5
# With the wrong notes NMF reaches 5.4 dB, with the right ones 7.4 dB.
LEAST_DB = 6.6


def _edits(before, after):
    gone, come = (Counter(map(tuple, rows.tolist())) for rows in (before, after))
    gone, come = gone - come, come - gone
    by_time = [Counter(row[1:] for row in side.elements()) for side in (gone, come)]
    given = sum((by_time[0] & by_time[1]).values())
    return given, sum(gone.values()) - given, sum(come.values()) - given


def _draw_edits(rng):
    count = answers.varied(40, 36, 50, rng)
    onsets_s = np.cumsum(rng.choice([0.25, 0.5], count))
    before = np.stack([np.arange(count) % 3, rng.integers(50, 70, count), onsets_s, onsets_s + 0.25], axis=1)
    # A unison: two players, one pitch, one time; of these one is given away. And a row that stands there twice.
    before = np.concatenate([before, before[:2] * [0, 1, 1, 1] + [[3, 0, 0, 0], [4, 0, 0, 0]], before[2:3]])
    after = before.copy()
    given_count, moved_count, deleted_count, added_count = rng.integers(2, 8, 4)
    chosen = rng.permutation(np.arange(3, count))
    given, moved, deleted = np.split(chosen, np.cumsum([given_count, moved_count]))
    after[[*given, count], 0] = [*((after[given, 0] + 1) % 3), 5]
    # Moved in pitch or in time, and deleted; the second of two equal rows, too.
    after[moved[::2], 1] += 30
    after[moved[1::2], 2:] += 0.125
    after = np.delete(after, [*deleted[:deleted_count], count + 2], axis=0)
    new_onsets_s = rng.uniform(0, 9, added_count)
    new = np.stack([rng.integers(0, 3, added_count), 0 * new_onsets_s + 90, new_onsets_s, new_onsets_s + 1], axis=1)
    after = np.concatenate([after, new, new[:1]])
    return before, after[rng.permutation(len(after))]


def _check_edits(answer):
    before, after = _draw_edits(answers.rng(101))
    right = _edits(before, after)
    sets = [set(map(tuple, rows.tolist())) for rows in (before, after)]
    gone, come = sets[0] - sets[1], sets[1] - sets[0]
    together = {row[1:] for row in gone} & {row[1:] for row in come}
    alike = (len(together), len(gone) - len(together), len(come) - len(together))
    result = answers.call(answer, before, after)
    try:
        numbers = tuple(int(number) for number in result)
    except (TypeError, ValueError):
        return "Return three numbers: given, deleted, added."
    if len(numbers) != 3:
        return f"Return three numbers, got {len(numbers)}."
    given, deleted, added = right
    mistakes = {
        "Rows that stand in an array several times count only once.": alike,
        "Notes that were given count as deleted and added, too.": (given, deleted + given, added + given),
        "The order must be given, deleted, added.": (given, added, deleted),
        "Rows are compared place by place, but the order of the notes means nothing.": _by_place(before, after),
    }
    for words, wrong in mistakes.items():
        if numbers == wrong and wrong != right:
            return words
    for words, one, other in (
        ("given", numbers[0], given),
        ("deleted", numbers[1], deleted),
        ("added", numbers[2], added),
    ):
        if one != other:
            return f"Of {len(before)} notes before and {len(after)} after, {one} are said to be {words}: that is wrong."
    same = answers.call(answer, before, before[::-1])
    return answers.truth(tuple(same) == (0, 0, 0), "Between a score and itself in another order something is edited.")


def _by_place(before, after):
    count = min(len(before), len(after))
    differ = (before[:count] != after[:count]).any(axis=1)
    given = int(np.sum(differ & (before[:count, 1:] == after[:count, 1:]).all(axis=1)))
    return given, int(differ.sum()) - given + len(before) - count, int(differ.sum()) - given + len(after) - count


def _supports(stems, rows):
    from ...score import support
    from ...score.notes import Note, Score

    # A player of its own for each note, so that a Score keeps their order.
    notes = tuple(Note("all", *row[1:]) for row in rows.tolist())
    measure = support.prepared(stems.sum(axis=0, keepdims=True), RATE_HZ)
    return np.array([measure(Score((note,)))[0] for note in notes])


def _wrong_rows(number, count, steps):
    """Stems, right rows, rows of which some have wrong pitches that the recording does not support, and which."""
    rng = answers.rng(number)
    score = drawn_quartet.score("chorale_b", SECONDS, 0.4)
    right = drawn_quartet.rows(score)
    stems = drawn_quartet.stems(score, SECONDS, [number, int(rng.integers(1000))])
    step = rng.choice(steps, len(right))
    moved = right + np.stack([0 * step, step, 0 * step, 0 * step], axis=1)
    # Only notes that can be recognised: long, supported where they are right, and not where they are wrong.
    long = right[:, 3] - right[:, 2] > 0.3
    clear = np.flatnonzero(long & (_supports(stems, right) > 0.6) & (_supports(stems, moved) < 0.1))
    chosen = np.sort(rng.permutation(clear)[:count])
    rows = right.copy()
    rows[chosen] = moved[chosen]
    return stems, right, rows, chosen


def _one_wrong():
    # The least supported note is the wrong one also where a right one is doubtful.
    stems, _, rows, chosen = _wrong_rows(102, 1, [-3, -2, 2, 3])
    inputs = {
        "mixture": stems.sum(axis=0, keepdims=True),
        "sample_rate_hz": RATE_HZ,
        "players": list(PLAYERS),
        "notes": rows,
    }
    return inputs, int(chosen[0])


def _check_one_wrong(answer):
    inputs, row = _one_wrong()
    rows = inputs["notes"]
    try:
        number = int(answer)
    except (TypeError, ValueError):
        return "The answer must be the number of a row of `notes`."
    if not 0 <= number < len(rows):
        return f"There is no row {number}: `notes` has {len(rows)} rows, and the first of them is 0."
    if number == row:
        return None
    if abs(rows[number, 2] - rows[row, 2]) < 0.15:
        return "The time is right: the wrong note starts together with this one."
    if number == rows[row, 1]:
        return "That is the pitch of the wrong note, not the number of its row."
    return "At the pitch of this note, and at its time, something sounds in the mixture."


def _five_wrong():
    stems, _, rows, _ = _wrong_rows(103, WRONG_NOTES, [-3, -2, -1, 1, 2, 3])
    inputs = {
        "mixture": stems.sum(axis=0, keepdims=True),
        "sample_rate_hz": RATE_HZ,
        "players": list(PLAYERS),
        "notes": rows,
        "least_db": LEAST_DB,
    }
    return inputs, dict(zip(PLAYERS, stems[:, np.newaxis], strict=True))


def _check_five_wrong(answer):
    inputs, sources = _five_wrong()
    return answers.reached(answer, sources, inputs["least_db"])


BIN_HZ = 4.0


def _spectrum(rng, *tones):
    """Peaks at the harmonics of tones (f0 in Hz, level of each harmonic), over a little noise."""
    bins = np.arange(2000)
    levels = 0.01 * rng.random(len(bins))
    for f0_hz, amplitudes in tones:
        for q, amplitude in enumerate(amplitudes, 1):
            levels += amplitude * np.exp(-0.5 * ((bins - q * f0_hz / BIN_HZ) / 1.2) ** 2)
    return levels


def _octave_cases(rng):
    """(spectrum, f0 of the written note, whether it is an octave too high, what is special about it)."""
    for number in range(8):
        f0_hz = rng.uniform(300, 600)
        falling = rng.uniform(0.5, 1.0, 12) / np.arange(1, 13)
        few = falling * (np.arange(12) < 5)
        # The note as it is written, alone; the note an octave lower; with a tone a fifth above or a third below.
        loud = rng.uniform(0.8, 2.0)
        other_hz = f0_hz * (1.498 if number % 2 else 1.26)
        yield _spectrum(rng, (f0_hz, few)), f0_hz, False, "alone"
        yield _spectrum(rng, (f0_hz / 2, falling)), f0_hz, True, "alone"
        yield _spectrum(rng, (f0_hz, few), (other_hz, loud * falling)), f0_hz, False, "among others"
        yield _spectrum(rng, (f0_hz / 2, falling), (other_hz, loud * few)), f0_hz, True, "among others"
        weak = falling.copy()
        weak[0] *= 0.05
        yield _spectrum(rng, (f0_hz / 2, weak)), f0_hz, True, "with a weak fundamental"
        # A clarinet has odd harmonics only: written right, it has nothing between them either.
        odd = falling * (np.arange(12) % 2 == 0)
        yield _spectrum(rng, (f0_hz, odd)), f0_hz, False, "of a clarinet"
        yield 1e-3 * _spectrum(rng, (f0_hz / 2, falling)), f0_hz, True, "at a low level"


def _check_octave(answer):
    rng = answers.rng(104)
    cases = list(_octave_cases(rng))
    for index in rng.permutation(len(cases)):
        levels, f0_hz, right, special = cases[index]
        result = answers.call(answer, levels, BIN_HZ, f0_hz)
        if not isinstance(result, bool | np.bool_):
            return "Return True or False."
        if bool(result) != right:
            said = "is said to be right" if right else "is said to be an octave too high"
            is_what = "is an octave too high" if right else "is right"
            return f"A note {special}, written at {f0_hz:.0f} Hz, {is_what}, and {said}."
    return None


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="10.1",
        task="Write `edits_between(before, after)` for two arrays (notes, 4) of player, pitch, onset and offset: the "
        "numbers of notes that were given to another player, deleted, and added.",
        check=_check_edits,
        kind="construct",
        hints=(
            "What both scores have with the same player is no edit. Remove it from both, as often as it is there.",
            "`collections.Counter` counts rows, and can be subtracted.",
            "Of what is left, compare the rows without their first column.",
        ),
        praise="An editor that says what it has done needs exactly this.",
    ),
    Exercise.from_files(
        __file__,
        number="10.2",
        task='One note of `lab.given("10.2")` has a wrong pitch. Answer with the number of its row.',
        check=_check_one_wrong,
        given=lambda: _one_wrong()[0],
        kind="sound",
        time_limit_s=60.0,
        hints=(
            "Make a Score of the notes, and open it in an editor over the mixture.",
            "Where is a bar without light? Which player has a hole there?",
            "`mss_lab.score.support.support` measures every note of a Score.",
        ),
        praise="There is nothing to hear at its pitch, and its player is silent there.",
    ),
    Exercise.from_files(
        __file__,
        number="10.3",
        task=f'{WRONG_NOTES} notes of `lab.given("10.3")` have wrong pitches, by 1 to 3 semitones. Correct the score, '
        "separate, and answer with the estimates: their mean SDR must reach `least_db`.",
        check=_check_five_wrong,
        given=lambda: _five_wrong()[0],
        kind="sound",
        time_limit_s=120.0,
        hints=(
            "Find the most doubtful notes first: a right note may be a little doubtful, too.",
            "For each of them: at which of the pitches near it is there light at its time?",
            "Not each method reaches it, even with the right notes: lesson 09 compares masks and NMF.",
        ),
        praise="The recording itself has said which notes were wrong, and what they should be.",
    ),
    Exercise.from_files(
        __file__,
        number="10.4",
        task="Write `octave_too_high(levels, bin_hz, f0_hz)` for a magnitude spectrum and the fundamental of a written "
        "note: True if the note that sounds is an octave lower than written.",
        check=_check_octave,
        kind="construct",
        hints=(
            "Where are the harmonics of the lower note that the written one does not have?",
            "Its fundamental may be weak, and one of its harmonics may coincide with that of another tone. "
            "Several of them together are hardly ever both.",
            "Compare each with the levels at a small distance beside it, so that the loudness does not count.",
        ),
        praise="Built into the support, this would find most octaves.",
    ),
)
