"""Exercises of lesson 20, "DSIS: steer a network by its notes"."""

import numpy as np

from ...lessons import Exercise, answers, drawn_quartet
from ...lessons.drawn_quartet import PLAYERS, RATE_HZ

PIECE = "chorale_b"

NEAR_S, INSTRUMENTS = 0.15, (202, 618)
ABSENT, CHOSEN, LEAST_SHARE = 8, 3, 0.85


def _union_s(notes):
    """The time that intervals (onset, offset) cover together."""
    covered, until = 0.0, -np.inf
    for onset_s, offset_s in sorted(map(tuple, notes)):
        covered += max(0.0, offset_s - max(onset_s, until))
        until = max(until, offset_s)
    return covered


def _cut(one, other):
    """The intervals in which both are."""
    return [(max(a[0], b[0]), min(a[1], b[1])) for a in one for b in other if max(a[0], b[0]) < min(a[1], b[1])]


def _missing(true_notes, written_notes):
    true_notes, written_notes = (np.reshape(notes, (-1, 3)) for notes in (true_notes, written_notes))
    total = covered = 0.0
    for pitch in np.unique(true_notes[:, 0]):
        true, written = (notes[notes[:, 0] == pitch, 1:] for notes in (true_notes, written_notes))
        total += _union_s(true)
        covered += _union_s(_cut(true, written))
    return 1 - covered / total if total else 0.0


def _drawn_notes(rng, count):
    onsets_s = np.sort(rng.uniform(0, 6, count))
    return np.stack([rng.integers(60, 63, count), onsets_s, onsets_s + rng.uniform(0.2, 1.5, count)], axis=1)


def _check_missing(answer):
    rng = answers.rng(201)
    true_notes = _drawn_notes(rng, answers.varied(9, 8, 12, rng))
    kept = true_notes[rng.random(len(true_notes)) < 0.7]
    written = np.concatenate([np.add(kept, [0, 0.1, 0.3]), _drawn_notes(rng, 6), np.add(kept[:2], [0, 0.15, 0.05])])
    every_pitch = [notes * [0, 1, 1] for notes in (true_notes, written)]
    overlaps = [
        sum(min(a[2], b[2]) - max(a[1], b[1]) for b in written if a[0] == b[0] and min(a[2], b[2]) > max(a[1], b[1]))
        for a in true_notes
    ]
    length_s = np.sum(true_notes[:, 2] - true_notes[:, 1])
    matched = [np.any((written[:, 0] == note[0]) & (np.abs(written[:, 1] - note[1]) < 0.05)) for note in true_notes]
    right = _missing(true_notes, written)
    mistakes = {
        "Time that several notes cover is counted several times.": 1 - np.sum(overlaps) / length_s,
        "Notes of another pitch count as if they covered the true ones.": _missing(*every_pitch),
        "That is the share that is covered, not the share that is missing.": 1 - right,
        "That is what the true notes lack of the written ones: the two are exchanged.": _missing(written, true_notes),
        "Notes are counted here, not time.": 1 - np.mean(matched),
    }
    wrong = answers.number(
        answers.call(answer, true_notes, written), right, 1e-6, name="the missing share", mistakes=mistakes
    )
    if wrong:
        return wrong
    nothing = np.zeros((0, 3))
    for notes, expected, words in (
        ((true_notes, nothing), 1.0, "the missing share of an empty score"),
        ((nothing, written), 0.0, "the missing share where there is no true note"),
        ((true_notes, true_notes[::-1]), 0.0, "the missing share of the true notes themselves"),
    ):
        wrong = answers.number(answers.call(answer, *notes), expected, 1e-6, name=words)
        if wrong:
            return wrong
    return None


def _exchanged():
    """A mixture, and its notes with one of the violin and one of the clarinet exchanged: and when that was."""
    seconds = 7.0
    score = drawn_quartet.score("chorale_a", seconds, 0.2)
    # Instruments and notes that are easily distinguished.
    stems = drawn_quartet.stems(score, seconds, INSTRUMENTS)
    rows = drawn_quartet.rows(score)
    violin, clarinet = ([index for index, row in enumerate(rows) if row[0] == player] for player in (0, 1))
    pairs = [
        (a, b)
        for a in violin
        for b in clarinet
        if abs(rows[a, 2] - rows[b, 2]) < 0.08
        and min(rows[a, 3] - rows[a, 2], rows[b, 3] - rows[b, 2]) > 0.35
        and rows[a, 2] > 1.0
    ]
    a, b = pairs[0]
    rows[[a, b], 0] = rows[[b, a], 0]
    inputs = {
        "mixture": stems.sum(axis=0, keepdims=True),
        "sample_rate_hz": RATE_HZ,
        "players": list(PLAYERS),
        "notes": rows,
    }
    return inputs, (rows[a, 2] + rows[b, 2]) / 2


def _check_exchanged(answer):
    inputs, onset_s = _exchanged()
    rows = inputs["notes"]
    last_s = max(rows[np.abs(rows[:, 2] - onset_s) < NEAR_S, 3])
    return answers.number(
        answer,
        onset_s,
        NEAR_S,
        name="the onset of the exchanged notes",
        mistakes={
            "That is where the exchanged notes end.": last_s,
            "That is a number of samples, not of seconds.": onset_s * RATE_HZ,
        },
    )


def _sounding(rows, span):
    """What sounds in a span of time, as a set of pieces of notes."""
    inside = (max(span[0], row[2]) < min(span[1], row[3]) for row in rows)
    return {
        (int(row[0]), float(row[1]), float(max(span[0], row[2])), float(min(span[1], row[3])))
        for row, is_inside in zip(rows, inside, strict=True)
        if is_inside
    }


def _changed(before, after, spans):
    return [index for index, span in enumerate(spans) if _sounding(before, span) != _sounding(after, span)]


def _changed_by(before, after, spans, touches, *, both=True):
    """Chunks that any note touches which is in one score only, by some rule."""
    here, there = ({tuple(row) for row in rows.tolist()} for rows in (before, after))
    notes = here ^ there if both else there - here
    return [index for index, span in enumerate(spans) if any(touches(note, span) for note in notes)]


def _draw_scores(rng):
    count = answers.varied(40, 35, 60, rng)
    onsets_s = np.cumsum(rng.uniform(0.2, 0.5, count))
    before = np.stack([np.arange(count) % 3, rng.integers(50, 80, count), onsets_s, onsets_s + 0.15], axis=1)
    chosen = rng.permutation(count)
    after = before.copy()
    # Removed, moved to another player, longer by a second that reaches into the next chunk, and in another order.
    after[chosen[0], 0] = (after[chosen[0], 0] + 1) % 3
    after[chosen[1], 3] += 1.2
    after = np.delete(after, chosen[2], axis=0)
    after = after[rng.permutation(len(after))]
    starts_s = np.arange(0, onsets_s[-1] + 2, 1.0)
    return before, after, np.stack([starts_s, starts_s + 1.3], axis=1)


def _check_changed(answer):
    rng = answers.rng(203)

    def results(inputs):
        before, after, spans = inputs
        return {
            "Chunks of notes that were only removed are not counted.": _changed_by(
                before, after, spans, lambda note, span: note[2] < span[1] and note[3] > span[0], both=False
            ),
            "A note counts only for the chunk in which it begins.": _changed_by(
                before, after, spans, lambda note, span: span[0] <= note[2] < span[1]
            ),
            "A note that is longer now also counts for chunks in which it sounds as before.": _changed_by(
                before, after, spans, lambda note, span: note[2] < span[1] and note[3] > span[0]
            ),
            "All chunks are counted: the order of the notes is no change.": list(range(len(spans))),
        }

    inputs = answers.telling(
        lambda: _draw_scores(rng),
        lambda drawn: all(result != _changed(*drawn) for result in results(drawn).values()),
    )
    expected = _changed(*inputs)
    result = answers.call(answer, *inputs)
    try:
        numbers = [int(number) for number in result]
    except (TypeError, ValueError):
        return "Return a list of the numbers of chunks."
    for words, wrong in results(inputs).items():
        if numbers == wrong:
            return words
    if sorted(numbers) == expected and numbers != expected:
        return "The numbers are right, and not in ascending order."
    return answers.truth(
        numbers == expected,
        f"Of {len(expected)} changed chunks, {len(set(expected) - set(numbers))} are missing, and "
        f"{len(set(numbers) - set(expected))} have not changed.",
    )


def _few_notes():
    """True stems and notes, and the numbers of notes that are not written yet."""
    rng = answers.rng(204)
    seconds = 5.0
    score = drawn_quartet.score("chorale_a", seconds, 0.2)
    rows = drawn_quartet.rows(score)
    absent = np.sort(rng.permutation(len(rows))[:ABSENT])
    return {
        "sources": drawn_quartet.stems(score, seconds, [204, int(rng.integers(1000))]),
        "sample_rate_hz": RATE_HZ,
        "players": list(PLAYERS),
        "notes": rows,
        "missing": absent.tolist(),
    }


def _gain_of(inputs):
    """A function from numbers of notes to the mean SI-SDR when these are written in, in dB."""
    from ...metrics import energy
    from ...neural import edit, weights
    from ...score.notes import Note, Score

    sources, names = inputs["sources"], inputs["players"]
    editor = edit.Editor(weights.shipped("dsis"), sources.sum(axis=0, keepdims=True), RATE_HZ)

    def quality_db(numbers):
        absent = set(inputs["missing"]) - set(numbers)
        notes = (Note(names[int(j)], *row) for k, (j, *row) in enumerate(inputs["notes"].tolist()) if k not in absent)
        estimates = editor.separate(Score(tuple(notes), tuple(names)))
        return np.mean([energy.si_sdr(stem[None], estimates[name]) for name, stem in zip(names, sources, strict=True)])

    return quality_db


def _check_few(answer):
    inputs = _few_notes()
    try:
        numbers = [int(number) for number in np.ravel(answer)]
    except (TypeError, ValueError):
        return f"The answer must be a list of {CHOSEN} numbers of notes."
    if len(set(numbers)) != CHOSEN or len(numbers) != CHOSEN:
        return f"The answer must be {CHOSEN} different numbers, and has {len(set(numbers))}."
    if not set(numbers) <= set(inputs["missing"]):
        return "One of the numbers is none of the missing notes: they count in `notes`, from 0."
    quality_db = _gain_of(inputs)
    best: list[int] = []
    for _ in range(CHOSEN):
        best.append(max(set(inputs["missing"]) - set(best), key=lambda number: quality_db([*best, number])))
    nothing_db = quality_db([])
    share = (quality_db(numbers) - nothing_db) / (quality_db(best) - nothing_db)
    return answers.truth(
        share >= LEAST_SHARE,
        f"These three bring {max(share, 0):.0%} of what the best choice brings: other notes are worth more.",
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="20.1",
        task="Write `missing(true_notes, written_notes)` for arrays (notes, 3) of pitch, onset and offset: the share "
        "of the time of the true notes that written notes of the same pitch do not cover.",
        check=_check_missing,
        kind="construct",
        hints=(
            "Go through the pitches one by one.",
            "Of one pitch: how long does at least one true note sound, and how long does at the same time at least one "
            "written note sound?",
            "Sort intervals by their onsets, and keep in mind up to which time all is counted already.",
        ),
        praise="With ever shorter frames the Hamming distance comes to this.",
    ),
    Exercise.from_files(
        __file__,
        number="20.2",
        task='In the notes of `lab.given("20.2")` one note of the violin and one of the clarinet, which sound at the '
        "same time, have been exchanged. Answer with their onset in seconds.",
        check=_check_exchanged,
        given=lambda: _exchanged()[0],
        kind="sound",
        time_limit_s=60.0,
        hints=(
            "Make a Score of the notes, separate with the network, and play violin and clarinet.",
            "The clarinet has little of the even harmonics. Where does it have much of them?",
            "Exchange two notes back that begin together, and hear whether both players sound alike throughout.",
        ),
        praise="A wrong score can be found by ear because the sound follows the notes.",
    ),
    Exercise.from_files(
        __file__,
        number="20.3",
        task="Write `changed(before, after, spans)`: the numbers of the spans of time in which the sounding notes "
        "differ between two scores, as a list in ascending order.",
        check=_check_changed,
        kind="construct",
        hints=(
            "The order of notes in a score means nothing. Sets have no order.",
            "A note that became longer changes only the spans into which the new end reaches.",
            "Cut all notes to the span first, then compare.",
        ),
        praise="That is what the package's editor does, frame by frame.",
    ),
    Exercise.from_files(
        __file__,
        number="20.4",
        task=f'Which {CHOSEN} of the missing notes of `lab.given("20.4")` bring the most SI-SDR when they are written '
        "in? Answer with a list of their numbers.",
        check=_check_few,
        given=_few_notes,
        kind="sound",
        time_limit_s=120.0,
        hints=(
            "Separate with one note more at a time, and measure the mean SI-SDR of the players.",
            "With an Editor each trial takes a fraction of a second.",
            "Keep the best note, and look for the next one beside it.",
        ),
        praise="An editor that proposes the next note to correct would do this without knowing the stems.",
    ),
)
