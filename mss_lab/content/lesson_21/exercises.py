"""Exercises of lesson 21, "Separate and transcribe"."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from ...lessons import Exercise, answers
from ...lessons.drawn_quartet import PLAYERS

PIECE = "chorale_a"

RATE_HZ, WINDOW, HOP = 16_000, 1024, 256
# How high a player's roll goes at its true notes, and at notes that are none.
CEILINGS, FALSE = (0.92, 0.34, 0.62, 0.16), 0.55
LEAST_SHARE = 0.97
TRIO, LEAST_DB, RANGE_DB = ("violin", "clarinet", "bassoon"), 8.0, -40.0


# 21.1


def _starts(sounding):
    return np.flatnonzero(sounding & ~np.concatenate([[False], sounding[:-1]]))


def _struck(frames, onsets, threshold, *, runs=True, ends_at_start=True, needs_onset=True):
    """Notes of two rolls; with one of the options off, by a typical mistake."""
    notes = []
    for pitch, (row, begins) in enumerate(zip(frames >= threshold, onsets >= threshold, strict=True)):
        starts = [int(t) for t in (_starts(begins) if runs else np.flatnonzero(begins)) if row[t]]
        if not needs_onset:
            starts = sorted({*starts, *map(int, _starts(row))})
        for t in starts:
            below = np.flatnonzero(~row[t:])
            end = t + int(below[0]) if len(below) else len(row)
            later = [other for other in starts if other > t]
            if ends_at_start and later:
                end = min(end, later[0])
            notes.append((pitch, t, end))
    return notes


def _draw_rolls(rng):
    pitches, length = 4, answers.varied(70, 60, 90, rng)
    frames, onsets = rng.uniform(0, 0.3, (2, pitches, length))
    for pitch in range(pitches):
        t = int(rng.integers(0, 4))
        while t + 12 < length:
            lasts = int(rng.integers(5, 11))
            frames[pitch, t : t + lasts] = rng.uniform(0.6, 1.0, lasts)
            if rng.random() < 0.75:
                onsets[pitch, t : t + 2] = rng.uniform(0.6, 1.0, 2)
            # A third of the notes follow each other without a gap.
            t += lasts + (0 if rng.random() < 0.4 else int(rng.integers(1, 4)))
        # An onset where nothing sounds.
        silent = np.flatnonzero(frames[pitch] < 0.5)
        onsets[pitch, silent[-1]] = 0.9
    return frames, onsets


def _check_struck(answer):
    rng = answers.rng(211)
    threshold = answers.varied(0.5, 0.4, 0.55, rng)
    wrong = {
        "Each frame of a run of onsets starts a note of its own here.": {"runs": False},
        "A note goes on where the next one of its pitch has started.": {"ends_at_start": False},
        "What sounds without an onset counts as a note here.": {"needs_onset": False},
    }

    def results(rolls):
        return {words: _struck(rolls[0], rolls[1], threshold, **option) for words, option in wrong.items()}

    rolls = answers.telling(
        lambda: _draw_rolls(rng),
        lambda drawn: all(result != _struck(drawn[0], drawn[1], threshold) for result in results(drawn).values()),
    )
    expected = _struck(rolls[0], rolls[1], threshold)
    result = answers.call(answer, *rolls, threshold)
    try:
        notes = [tuple(int(value) for value in note) for note in result]
    except (TypeError, ValueError):
        return "Return a list of notes (pitch, first frame, frame after the last)."
    for words, other in results(rolls).items():
        if sorted(notes) == sorted(other):
            return words
    if notes == [(pitch, first, last - 1) for pitch, first, last in expected]:
        return "The last frame is given, not the frame after it."
    if sorted(notes) == expected and notes != expected:
        return "The notes are right, and not in ascending order."
    silent = answers.call(answer, np.zeros((2, 5)), np.ones((2, 5)), threshold)
    if notes == expected and list(silent):
        return "Where no pitch sounds in frames there is no note, whatever the onsets are."
    return answers.truth(
        notes == expected,
        f"Of {len(expected)} notes, {len(set(expected) - set(notes))} are missing, and "
        f"{len(set(notes) - set(expected))} are none.",
    )


# 21.2


def _unsure():
    """Rolls of a network that is surer of some players than of others, and the true notes."""
    rng = answers.rng(212)
    frame_rate_hz, frames = RATE_HZ / HOP, 500
    rolls = rng.uniform(0, 0.02, (len(PLAYERS), 128, frames))
    rows = []
    for player, ceiling in enumerate(CEILINGS):
        t = int(rng.integers(5, 20))
        while t + 60 < frames:
            lasts, pitch = int(rng.integers(18, 50)), 72 - 8 * player + int(rng.integers(0, 8))
            rows.append((player, pitch, t / frame_rate_hz, (t + lasts) / frame_rate_hz))
            # It rises and falls within two frames of the edges, and wavers between.
            shape = np.minimum(1, (1 + np.minimum(np.arange(lasts), np.arange(lasts)[::-1])) / 2)
            rolls[player, pitch, t : t + lasts] = ceiling * shape * rng.uniform(0.88, 1.0, lasts)
            if rng.random() < 0.6:
                false = pitch + (12 if rng.random() < 0.5 else -12)
                rolls[player, false, t : t + lasts] = FALSE * ceiling * rng.uniform(0.8, 1.0, lasts)
            t += lasts + int(rng.integers(3, 12))
    return {
        "rolls": rolls.astype(np.float32),
        "frame_rate_hz": frame_rate_hz,
        "players": list(PLAYERS),
        "notes": np.array(rows),
    }


def _f1_of(inputs, player, threshold):
    from ...metrics import transcription
    from ...score.from_roll import score_of_roll

    score = score_of_roll(
        inputs["rolls"][player : player + 1], inputs["frame_rate_hz"], ["player"], threshold=float(threshold)
    )
    notes = np.array([(note.midi, note.onset_s, note.offset_s) for note in score.notes]).reshape(-1, 3)
    true = inputs["notes"][inputs["notes"][:, 0] == player, 1:]
    return transcription.note_scores(true, notes).f1


def _check_thresholds(answer):
    inputs = _unsure()
    count = len(inputs["players"])
    thresholds = np.ravel(np.asarray(answer, float))
    if len(thresholds) != count:
        return f"The answer must be {count} thresholds, one for each player, and has {len(thresholds)}."
    if not np.all((thresholds >= 0) & (thresholds <= 1)):
        return "A threshold lies between 0 and 1, as the values of a roll do."
    best = [max(_f1_of(inputs, player, value) for value in np.arange(0.04, 1.0, 0.04)) for player in range(count)]
    each = [_f1_of(inputs, player, value) for player, value in enumerate(thresholds)]
    if np.mean(each) >= LEAST_SHARE * np.mean(best):
        return None
    reach = f"F1 is {np.mean(each):.2f} here, and {LEAST_SHARE * np.mean(best):.2f} is needed"
    if np.ptp(thresholds) < 1e-9:
        return f"One threshold for all players is not enough: {reach}."
    lowest = inputs["players"][int(np.argmin(np.array(each) / best))]
    return f"{reach}; the player that lacks most is the {lowest}."


# 21.3


def _right(true_notes, notes, *, pitches=True):
    near = np.abs(true_notes[:, None, 1] - notes[None, :, 1]) <= 0.05 + 1e-9
    if pitches:
        near &= true_notes[:, None, 0] == notes[None, :, 0]
    return int(np.sum(maximum_bipartite_matching(csr_array(near.astype(np.int8))) >= 0)) if near.any() else 0


def _first_free(true_notes, notes, *, once=True):
    free, count = list(range(len(true_notes))), 0
    for pitch, onset_s, _ in notes:
        near = [i for i in free if true_notes[i, 0] == pitch and abs(true_notes[i, 1] - onset_s) <= 0.05 + 1e-9]
        if near:
            count += 1
            if once:
                free.remove(near[0])
    return count


def _draw_tremolo(rng):
    onsets_s = np.round(np.cumsum(rng.uniform(0.05, 0.08, answers.varied(24, 18, 40, rng))), 3)
    true = np.stack([60 + 2 * (rng.random(len(onsets_s)) < 0.2), onsets_s, onsets_s + 0.05], axis=1)
    # Each transcribed note is off by almost all that is allowed, in one direction or the other, and they come unsorted.
    late_s = np.round(rng.choice([-0.045, 0.045], len(true)), 3)
    notes = true + np.stack([0 * late_s, late_s, late_s], axis=1)
    others = np.add(notes[::3], [3, 0, 0])
    again = np.add(notes[1:6], [0, 0.002, 0])
    return true, rng.permutation(np.concatenate([notes[rng.random(len(notes)) < 0.7], others, again]))


def _check_right(answer):
    rng = answers.rng(213)

    def results(drawn):
        return {
            "That is the count of part 5: the first true note that fits is not always the best choice.": _first_free(
                *drawn
            ),
            "A true note is used more than once here.": _first_free(*drawn, once=False),
            "Notes of different pitches count as pairs here.": _right(*drawn, pitches=False),
        }

    for _ in range(3):
        inputs = answers.telling(
            lambda: _draw_tremolo(rng),
            lambda drawn: len({_right(*drawn), *results(drawn).values()}) == 1 + len(results(drawn)),
        )
        number = answers.call(answer, *inputs)
        wrong = answers.number(number, _right(*inputs), 0, name="the number of pairs", mistakes=results(inputs))
        if wrong:
            return wrong
    nothing = np.zeros((0, 3))
    return answers.number(answers.call(answer, inputs[0], nothing), 0, 0, name="the number of pairs without a note")


# 21.4


def _trio():
    """Stems of three players, and embeddings that say in audible bins who is loudest."""
    from ... import transforms
    from ...datasets import engines, pieces
    from ...score.notes import Score

    whole, seconds = pieces.load("chorale_b").score, 4.0
    notes = tuple(note for note in whole.notes if note.source in TRIO and note.onset_s < seconds - 0.2)
    engine = engines.make("harmonic")
    timbres = {name: engine.draw_timbre(np.random.default_rng([214, i]), PLAYERS[name]) for i, name in enumerate(TRIO)}
    stems = engine.play(Score(notes, TRIO), sample_rate_hz=RATE_HZ, rng=np.random.default_rng(214), timbres=timbres)
    stems = {name: wave[:, : round(seconds * RATE_HZ)].astype(np.float32) for name, wave in stems.items()}
    rng = np.random.default_rng(214)
    magnitudes = np.stack(
        [np.abs(transforms.stft(wave, window_samples=WINDOW, hop_samples=HOP)[0]) for wave in stems.values()]
    )
    mixture = np.sum(list(stems.values()), axis=0)
    level = np.abs(transforms.stft(mixture, window_samples=WINDOW, hop_samples=HOP)[0])
    corners = np.array([[1.0, 0.15, 0.15, 0.0], [0.15, 1.0, 0.15, 0.0], [0.15, 0.15, 1.0, 0.0]])
    vectors = corners[magnitudes.argmax(axis=0)] + rng.normal(0, 0.12, (*level.shape, 4))
    # Training gave bins that are not audible no weight: there the network gives one vector for all sources.
    silent = level < level.max() * 10 ** (RANGE_DB / 20)
    vectors[silent] = np.array([0.0, 0.0, 0.0, 1.0]) + rng.normal(0, 0.05, (int(silent.sum()), 4))
    vectors = np.clip(vectors, 0, None)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return stems, {
        "mixture": mixture,
        "sample_rate_hz": RATE_HZ,
        "window_samples": WINDOW,
        "hop_samples": HOP,
        "embeddings": vectors.astype(np.float32),
    }


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="21.1",
        task="Write `struck(frames, onsets, threshold)`: the notes of a roll of frames and a roll of onsets as a list "
        "of (pitch, first frame, frame after the last), in ascending order.",
        check=_check_struck,
        kind="construct",
        hints=(
            "Go through the pitches one by one, and first list all frames at which a note starts.",
            "A run starts where a value is at least the threshold and the one before it is not.",
            "The end is the smaller of two numbers: the next start, and the next frame that does not sound.",
        ),
        praise="Networks of today for the piano have a head for onsets, for just this reason.",
    ),
    Exercise.from_files(
        __file__,
        number="21.2",
        task='Choose a threshold for each player of `lab.given("21.2")`. Answer with a list of four, whose F1 is at '
        f"least {LEAST_SHARE:.0%} of the best that four thresholds can reach.",
        check=_check_thresholds,
        given=_unsure,
        kind="construct",
        time_limit_s=60.0,
        hints=(
            "Look at the largest values of each player's roll: how high does it go?",
            "Try many thresholds for one player, and keep the best; then the next player.",
        ),
        praise="The thesis, too, has a threshold of its own for drums: 0.1 beside 0.8.",
    ),
    Exercise.from_files(
        __file__,
        number="21.3",
        task="Write `right_notes(true_notes, notes)`: the largest number of pairs of a true and a transcribed note "
        "with equal pitches and onsets at most 0.05 s apart, each note used once at most.",
        check=_check_right,
        kind="construct",
        hints=(
            "Pairs of different pitches never compete: take one pitch at a time.",
            "Of one pitch, sort both by onset. Which true note can be used by the fewest later ones?",
            "Go through both lists at once: if the two first fit, pair them; if not, drop the earlier one.",
        ),
        praise="mir_eval solves the general case, with pitches and ends, as a matching in a graph.",
    ),
    Exercise.from_files(
        __file__,
        number="21.4",
        task='Separate the three players of `lab.given("21.4")` by the embeddings of their bins: three estimates with '
        f"a mean SDR of at least {LEAST_DB:g} dB.",
        check=lambda answer: answers.reached(answer, _trio()[0], LEAST_DB),
        given=lambda: _trio()[1],
        kind="sound",
        time_limit_s=60.0,
        hints=(
            "Three groups of vectors, three binary masks, three inverse transforms.",
            "Which bins did the loss of training weigh, and which not?",
            "Draw the vectors: there are more than three heaps.",
        ),
        praise="Bins without weight must not decide where the groups lie.",
    ),
)
