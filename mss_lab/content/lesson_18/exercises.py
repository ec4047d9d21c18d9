"""Exercises of lesson 18, "With a score, from a score"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_a"

RATE_HZ = 8000
LENGTH_S = 8.0
REACHED_DB = 8.0
PARTIALS = 9

FRAME, FRAME_RATE_HZ = 4096, 16_000
RIGHT_SHARE = 0.95


def _frequency_hz(midi):
    return 440 * 2 ** ((midi - 69) / 12)


def _tone(midi, length_s, levels, phases):
    """Partials that fade in and out within 20 ms and lose some level while they last."""
    t_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    envelope = np.minimum(1, np.minimum(t_s, length_s - t_s) / 0.02) * np.exp(-0.8 * t_s)
    partials = np.arange(1, len(levels) + 1)
    partials = partials[partials * _frequency_hz(midi) < 0.45 * RATE_HZ]
    turns = partials[:, np.newaxis] * _frequency_hz(midi) * t_s + phases[: len(partials), np.newaxis]
    return envelope * (levels[: len(partials)] @ np.sin(2 * np.pi * turns))


def _played(rows, players, rng):
    """Notes (player, midi, onset, offset) as stems (players, samples); every player has a timbre of its own."""
    stems = np.zeros((players, round(LENGTH_S * RATE_HZ)))
    # No partial is missing, so that each note shows its own fundamental and not the octave above.
    numbers = np.arange(1, PARTIALS + 1)
    levels = [0.1 / numbers ** rng.uniform(0.6, 1.3) * rng.uniform(0.7, 1.3, PARTIALS) for _ in range(players)]
    for player, midi, onset_s, offset_s in rows:
        tone = _tone(midi, offset_s - onset_s, levels[int(player)], rng.random(PARTIALS))
        first = round(onset_s * RATE_HZ)
        room = stems[int(player), first : first + len(tone)]
        room += tone[: len(room)]
    return stems


def _melody(rng, player, low, high, notes, start_s, beat_s):
    pitches = [int(rng.integers(low, high))]
    while len(pitches) < notes:
        step = int(rng.choice([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]))
        if low <= pitches[-1] + step < high:
            pitches.append(pitches[-1] + step)
    onsets_s = start_s + beat_s * np.arange(notes) + rng.uniform(0, 0.05, notes)
    lengths_s = beat_s * rng.uniform(0.65, 0.9, notes)
    return [(player, midi, on, on + length) for midi, on, length in zip(pitches, onsets_s, lengths_s, strict=True)]


def _three_players(rng, start_s=0.75):
    rows = []
    for player, (low, high) in enumerate(((72, 82), (60, 70), (47, 57))):
        rows += _melody(rng, player, low, high, 10, start_s + 0.13 * player, 0.6)
    return np.array(rows)


def _lateness_inputs(rng, players):
    rows = _three_players(rng)
    rows = rows[rows[:, 0] < players]
    stems = _played(rows, players, rng)
    mixture = stems.sum(axis=0) + 1e-4 * rng.standard_normal(stems.shape[1])
    return mixture, rows


def _check_lateness(answer):
    rng = answers.rng(181)
    for players, usual in ((1, 0.31), (3, -0.22), (2, 0.0)):
        mixture, rows = _lateness_inputs(rng, players)
        late_s = answers.varied(usual, -0.45, 0.45, rng)
        written = [(float(midi), float(on + late_s), float(off + late_s)) for _, midi, on, off in rows]
        wrong = answers.number(
            answers.call(answer, mixture, RATE_HZ, written),
            late_s,
            0.03,
            "s",
            name=f"the lateness for {players} player{'s' if players > 1 else ''}",
            mistakes={}
            if abs(late_s) < 0.1
            else {
                "The sign is the other way round: a score that is late has a positive lateness.": -late_s,
                "That is in samples. The task requires seconds.": late_s * RATE_HZ,
                "That is in milliseconds. The task requires seconds.": late_s * 1000,
                "The notes are taken as they are written, as if the score were in time.": 0.0,
            },
        )
        if wrong:
            return wrong
    return None


def _duet(seed):
    """Notes of two players, the mixture, the row that will be written an octave too high, and the highest row then."""
    rng = np.random.default_rng(seed)

    def draw():
        rows = np.array(_melody(rng, 0, 67, 79, 14, 0.2, 0.52) + _melody(rng, 1, 48, 59, 14, 0.35, 0.52))
        rows = rows[np.lexsort((rows[:, 0], rows[:, 2]))]
        # Some notes do leap by an octave, so that the written notes alone do not show which leap is wrong.
        leaps = rng.permutation(len(rows))[: len(rows) // 4]
        rows[leaps, 1] += 12
        row = int(rng.choice([index for index in range(1, len(rows) - 1) if index not in leaps]))
        written = rows.copy()
        written[row, 1] += 12
        return written, row, _played(rows, 2, rng).sum(axis=0)

    def tells(inputs):
        written, row, wave = inputs
        highest = int(written[:, 1].argmax())
        doubts = np.array([_between(wave, *note[1:]) for note in written])
        return highest not in (row, row + 1) and doubts[row] > 1.5 * np.delete(doubts, row).max()

    return answers.telling(draw, tells)


def _between(wave, midi, onset_s, offset_s):
    """What sounds between the harmonics of a written note, beside what sounds at its fundamental."""
    excerpt = wave[round((onset_s + 0.02) * RATE_HZ) : round((offset_s - 0.02) * RATE_HZ)]
    spectrum = np.abs(np.fft.rfft(excerpt * np.hanning(len(excerpt)), 8192))
    bins = _frequency_hz(midi) / 2 * np.array([1, 2, 3, 5]) * 8192 / RATE_HZ
    half, whole, *others = (spectrum[int(position) - 2 : int(position) + 4].max() for position in bins)
    return min(half, *others) / whole


def _octave_exercise(seed=1820):
    written, row, mixture = _duet(seed)

    def handed_out():
        return {"mixture": mixture[np.newaxis], "sample_rate_hz": RATE_HZ, "notes": written}

    def check(answer):
        return answers.number(
            answer,
            row,
            0.1,
            name="the row",
            where="Rows are those of `notes`, counted from 0.",
            mistakes={
                "Rows are counted from 0, and this is counted from 1.": row + 1,
                "That is the highest note that is written, and it sounds as it is written.": int(
                    written[:, 1].argmax()
                ),
            },
        )

    return Exercise.from_files(
        __file__,
        number="18.2",
        task='One note of `lab.given("18.2")` is written an octave too high. Which row of `notes` is it, counted '
        "from 0?",
        check=check,
        given=handed_out,
        kind="sound",
        hints=(
            "A note that is written an octave too high has harmonics between those that are written for it.",
            "Cut out one note, take its spectrum, and look at half the written fundamental and at odd multiples of it.",
            "The other player may have a harmonic at one of these places. It has none at all of the first three.",
        ),
        praise="A program that does this for every note repairs what transcription gets wrong most often.",
        drawn=lambda rng: _octave_exercise(int(rng.integers(1, 100_000))),
    )


def _faulty_score():
    rng = answers.rng(183)
    rows = _three_players(rng)
    stems = _played(rows, 3, rng)
    late_s = answers.varied(-0.27, -0.4, -0.2, rng)
    written = rows.copy()
    written[:, 2:] += late_s
    written[rows[:, 0] == answers.varied(1, 0, 2, rng), 1] += 12
    return stems, {"mixture": stems.sum(axis=0)[np.newaxis], "sample_rate_hz": RATE_HZ, "notes": written}


def _sdrs_db(stems, estimates):
    energies = np.sum(stems**2, axis=1), np.sum((stems - estimates) ** 2, axis=1) + 1e-12
    return 10 * np.log10(energies[0] / energies[1])


def _check_estimates(answer):
    stems, inputs = _faulty_score()
    if isinstance(answer, np.ndarray) and answer.ndim == 3 and answer.shape[1] == 1:
        answer = answer[:, 0]
    wrong = answers.array(answer, stems, "players samples", tolerance=np.inf, name="the estimates")
    if wrong:
        return wrong
    estimates = np.asarray(answer, float)
    reached_db = _sdrs_db(stems, estimates)
    orders = [_sdrs_db(stems, estimates[list(order)]).mean() for order in ((0, 2, 1), (1, 0, 2), (2, 1, 0), (1, 2, 0))]
    listed = ", ".join(f"{value:.1f}" for value in reached_db)
    if reached_db.mean() >= REACHED_DB:
        return None
    if max(orders) >= REACHED_DB:
        return "The estimates are good, but not in the order of the players: row 0 must be player 0."
    if np.abs(estimates - inputs["mixture"]).max() < 1e-6:
        return "All three estimates are the mixture itself."
    words = "The mean SDR does not reach the limit yet"
    good = np.flatnonzero(reached_db >= REACHED_DB - 2)
    if 0 < len(good) < 3:
        words += "; one of the two faults of the score is probably still there, because the players differ much"
    return f"{words}: it is {reached_db.mean():.1f} dB (the players have {listed} dB)."


def _unison(rng):
    """One frame of two players in unison, their fundamentals in Hz, and which player is the louder in each harmonic."""
    first_hz = rng.uniform(180, 400)
    second_hz = first_hz + rng.uniform(0.5, 0.9) * (1 if rng.random() < 0.5 else -1)
    numbers = np.arange(1, PARTIALS)[:, np.newaxis]
    levels = rng.uniform(0.3, 1.0, len(numbers))
    louder_db = rng.uniform(1, 6, len(numbers)) * rng.choice([-1, 1], len(numbers))  # the second player
    t_s = np.arange(FRAME) / FRAME_RATE_HZ
    first, second = (
        np.sin(2 * np.pi * (numbers * hz * t_s + rng.random(numbers.shape))) for hz in (first_hz, second_hz)
    )
    return levels @ first + (levels * 10 ** (louder_db / 20)) @ second, first_hz, second_hz, (louder_db > 0).astype(int)


def _check_unison(answer):
    rng = answers.rng(184)
    right = []
    for _ in range(20):
        frame, first_hz, second_hz, louder = _unison(rng)
        given = answers.call(answer, frame, FRAME_RATE_HZ, first_hz, second_hz)
        wrong = answers.array(given, louder, "harmonics", tolerance=np.inf, name="the players")
        if wrong:
            return wrong
        given = np.asarray(given, float)
        if not np.isin(given, (0, 1)).all():
            return "The players must be 0 for the first and 1 for the second, and nothing else."
        right.append(given == louder)
    share = np.mean(right)
    if share >= RIGHT_SHARE:
        return None
    if share <= 1 - RIGHT_SHARE:
        return "The two players are exchanged, or the sign of the frequency's offset is the other way round."
    lower, upper = np.mean(np.array(right)[:, :2]), np.mean(np.array(right)[:, -4:])
    words = f"Only {share:.0%} of the harmonics are right"
    if lower > RIGHT_SHARE:
        return f"{words}; among the two lowest {lower:.0%}, among the four highest {upper:.0%}."
    return f"{words}. To call every harmonic alike, or to guess, gives about half."


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="18.1",
        task="Write `lateness_s(mixture, sample_rate_hz, notes)`: by how many seconds the notes, a list of (midi, "
        "onset_s, offset_s), are late for the mixture, an array (samples,); between -0.5 and 0.5, to 0.03 s.",
        check=_check_lateness,
        kind="construct",
        hints=(
            "Try many shifts. For each, ask how much of the mixture lies where the moved notes say.",
            "The magnitude of an STFT at the harmonics of each note, summed over the frames of the note, is such a "
            "measure.",
            "Steps of 10 ms and a window of about 0.1 s are enough; the shift of the notes is minus the lateness.",
        ),
        praise="With this, a score that is late as a whole costs nothing any more. Lesson 07 does it note by note.",
    ),
    _octave_exercise(),
    Exercise.from_files(
        __file__,
        number="18.3",
        task='The score of `lab.given("18.3")` is late or early as a whole, and all notes of one player are an octave '
        f"off. Repair it, separate, and reach a mean SDR of {REACHED_DB:g} dB. The answer is an array (3, samples).",
        check=_check_estimates,
        given=lambda: _faulty_score()[1],
        kind="sound",
        time_limit_s=40.0,
        hints=(
            "18.1 measures the shift. An octave off, a player's notes still lie on every second harmonic, so the shift "
            "can be found before the octave.",
            "For the octave, try each player an octave lower, and ask whether the new harmonics are there.",
            "notes.Note and notes.Score make a score of the repaired rows; fixed_pitch.separate gives one estimate for "
            "each of its sources, (1, samples).",
        ),
        praise="Nothing was wrong with the method, and all with its input: so it is often with real scores.",
    ),
    Exercise.from_files(
        __file__,
        number="18.4",
        task="Write `louder_of(frame, sample_rate_hz, first_hz, second_hz)`: two steady players in nearly perfect "
        "unison sound in `frame`, an array (samples,); their fundamentals are given exactly. Which of them is the "
        f"louder in each of the first {PARTIALS - 1} harmonics: 0 for the first, 1 for the second? "
        f"{RIGHT_SHARE:.0%} must be right.",
        check=_check_unison,
        kind="construct",
        hints=(
            "The rule of part 7: what a bin reports is nearer to the louder of two steady tones.",
            "The report must come from a frequency at which both tones count alike. A bin of the FFT mostly lies "
            "nearer to one of them.",
            "One value of a transform at any frequency f is the sum of frame * window * exp(-2j pi f n / f_s). The "
            "report is then f minus f_s / (2 pi) times the imaginary part of the ratio.",
        ),
        praise="With the frequencies known exactly, phase tells two players apart inside one bin. In a recording "
        "nobody knows them so well.",
    ),
)
