"""Exercises of lesson 04, "Is it better?"."""

import functools
import itertools

import numpy as np

from ...lessons import Exercise, answers

PIECE = "song"

# 4.1: the fault behind each letter, and seconds of the song in which the singer sings.
FAULTS = {"A": "artefacts", "B": "level", "C": "interference", "D": "dull"}
SUNG_S = (2.1, 6.1)

# 4.3: what both estimates, the first, and the second must reach.
SAME_DB, WITHIN_DB, CLEAN_DB, NOISY_DB = 10.0, 0.1, 60.0, 10.5


def _db(above, below):
    return float(10 * np.log10(np.sum(np.square(above)) / np.sum(np.square(below))))


# 4.1: faults by ear


@functools.cache
def _sung(start_s=SUNG_S[0], stop_s=SUNG_S[1]):
    """The rate, and a section of each source of the song."""
    from ...datasets import pieces

    song = pieces.load(PIECE)
    section = slice(round(start_s * song.sample_rate_hz), round(stop_s * song.sample_rate_hz))
    return song.sample_rate_hz, {name: waveform[:, section] for name, waveform in song.sources.items()}


def faulty_estimates():
    """The voice, and an estimate with each fault, by the fault's name."""
    from ... import masks, transforms
    from ...metrics import listening

    rate_hz, sources = _sung()
    voice = sources["voice"]
    settings = transforms.settings_for(rate_hz)
    stfts = np.stack([transforms.stft(waveform, **settings) for waveform in sources.values()])
    # Only bins where the voice is alone are kept, and of those every third is lost.
    kept = (masks.ideal_ratio(stfts, exponent=2)[0] > 0.97) & (np.random.default_rng(0).random(stfts[0].shape) < 2 / 3)
    return voice, {
        "artefacts": transforms.istft(kept * stfts.sum(axis=0), voice.shape[1], **settings),
        "level": 0.1 * voice,
        "interference": voice + 0.3 * sources["guitar"],
        "dull": listening.anchor(voice, rate_hz, 1500.0),
    }


def _hand_out_faults():
    voice, estimates = faulty_estimates()
    return {"reference": voice} | {letter: estimates[fault] for letter, fault in FAULTS.items()}


SOUNDS_LIKE = {
    "interference": "a string instrument would be audible beside the voice",
    "artefacts": "the sound would break up and bubble",
    "dull": "it would sound as if behind a door",
    "level": "the player would make it equal to the reference",
}


def _check_faults(answer):
    if not isinstance(answer, dict):
        return (
            f'The answer must be a dict such as {{"A": "dull"}} with all four letters, got {answers.describe(answer)}.'
        )
    named = {str(letter).strip().upper(): answer[letter] for letter in answer}
    missing = [letter for letter in FAULTS if letter not in named]
    if missing:
        return f"The answer lacks {', '.join(missing)}: give a fault for each of the four letters."
    for letter in FAULTS:
        fault = named[letter]
        if not isinstance(fault, str) or fault.strip().casefold() not in SOUNDS_LIKE:
            listed = ", ".join(f'"{one}"' for one in SOUNDS_LIKE)
            return f"{letter} must be one of {listed}, got {answers.describe(fault)}."
    wrong = [letter for letter, fault in FAULTS.items() if named[letter].strip().casefold() != fault]
    if not wrong:
        return None
    claimed = named[wrong[0]].strip().casefold()
    first = f"With the fault {claimed!r}, {SOUNDS_LIKE[claimed]}; {wrong[0]} is not so."
    return f"{len(wrong)} of the four are not right. {first}"


# 4.2: the delay is taken away first


def _moved(estimate, samples):
    """An estimate that comes so many samples later (earlier below 0), with zeros coming in."""
    length = estimate.shape[1]
    if samples >= 0:
        return np.pad(estimate, ((0, 0), (samples, 0)))[:, :length]
    return np.pad(estimate, ((0, 0), (0, -samples)))[:, -samples:]


def _best_sdr(source, estimate, delays):
    return max(_db(source, source - _moved(estimate, delay)) for delay in delays)


def _overlapping_sdr(source, estimate, most):
    values = []
    for delay in range(-most, most + 1):
        moved = _moved(estimate, delay)
        inside = slice(max(0, delay), moved.shape[1] + min(0, delay))
        values.append(_db(source[:, inside], (source - moved)[:, inside]))
    return max(values)


def _check_aligned(answer):
    rng = answers.rng(42)
    samples, most = answers.varied(400, 360, 440, rng), answers.varied(12, 9, 15, rng)
    # A smooth sound, so that neighbouring delays differ little, that begins and ends in full swing.
    source = np.apply_along_axis(np.convolve, 1, rng.standard_normal((2, samples + 8)), np.hanning(9), "valid")
    for late in (answers.varied(7, 4, 8, rng), -answers.varied(5, 4, 8, rng)):
        side = "late" if late > 0 else "early"
        estimate = _moved(source, late) + 0.1 * rng.standard_normal(source.shape)
        both_ways = range(-most, most + 1)
        wrong = answers.number(
            answers.call(answer, source, estimate, most),
            _best_sdr(source, estimate, both_ways),
            1e-6,
            "dB",
            name=f"for an estimate that comes {abs(late)} samples {side}, the largest SDR",
            where="Try every delay, one after the other, and look at the values.",
            mistakes={
                f"That is the SDR as it is. This estimate comes {side}: nothing has been moved in the other "
                "direction.": _db(source, source - estimate),
                "What is moved beyond one end comes in again at the other; zeros must come in.": max(
                    _db(source, source - np.roll(estimate, delay, axis=1)) for delay in both_ways
                ),
                "That compares only where both overlap. The source stays as long as it is.": _overlapping_sdr(
                    source, estimate, most
                ),
                "That is the smallest SDR of all delays.": min(
                    _db(source, source - _moved(estimate, delay)) for delay in both_ways
                ),
            },
        )
        if wrong:
            return wrong
    return None


# 4.3: one SDR, two sounds


def _hand_out_voice():
    _, sources = _sung(3.3, 6.3)
    return sources["voice"]


def _check_two_sounds(answer):
    from ...metrics import energy

    voice = _hand_out_voice()
    if not isinstance(answer, list | tuple) or len(answer) != 2:
        return f"The answer must be a pair of two estimates, got {answers.describe(answer)}."
    estimates = [np.asarray(estimate) for estimate in answer]
    for place, estimate in zip(("first", "second"), estimates, strict=True):
        if estimate.dtype.kind not in "fiu" or estimate.shape != voice.shape:
            return f"The {place} estimate must be a waveform of shape {voice.shape}, got {answers.describe(estimate)}."
        if not np.all(np.isfinite(estimate)):
            return f"The {place} estimate holds NaN or infinite values."
        sdr_db = energy.sdr(voice, estimate)
        if not abs(sdr_db - SAME_DB) <= WITHIN_DB:
            return f"The {place} estimate has an SDR of {sdr_db:.2f} dB; it must be {SAME_DB:g} dB."
    clean_db, noisy_db = (energy.si_sdr(voice, estimate) for estimate in estimates)
    if clean_db < CLEAN_DB:
        return (
            f"The first estimate has the SDR, but an SI-SDR of {clean_db:.1f} dB: its error is audible whatever its "
            "level. Which error is it that SI-SDR forgives?"
        )
    return answers.truth(
        noisy_db <= NOISY_DB,
        f"The second estimate has the SDR, but an SI-SDR of {noisy_db:.1f} dB: a listener would not call it noisy.",
    )


# 4.4: another order of two systems

SONG_LENGTHS_S, LONG_S = (8, 40, 8, 8, 40, 8), 20
AHEAD_DB = 0.2


def _scores_of_two(rng):
    """The scores of A and B, (songs, windows), NaN where a song has ended; A is better in the two long songs only."""

    def draw():
        lengths = rng.permutation(SONG_LENGTHS_S)
        scores = np.full((2, len(lengths), max(lengths)), np.nan)
        for song, length in enumerate(lengths):
            ahead_db = 1.5 if length > LONG_S else -2.0
            means = rng.uniform(5, 9) + np.array([[0.5], [-0.5]]) * ahead_db
            scores[:, song, :length] = means + rng.standard_normal((2, length))
        return scores

    def tells(scores):
        a, b = scores
        pooled = np.nanmean(a) - np.nanmean(b), np.nanmedian(a) - np.nanmedian(b)
        by_song = np.mean(np.nanmean(b, axis=1) - np.nanmean(a, axis=1))
        return min(pooled) > AHEAD_DB and by_song > 1.5 * AHEAD_DB

    return answers.telling(draw, tells)


def _hand_out_scores():
    a, b = _scores_of_two(answers.rng(44))
    return {"A": a, "B": b}


def _check_aggregate(answer):
    rng = answers.rng(44)
    a, b = _scores_of_two(rng)

    def value(scores):
        with np.errstate(all="ignore"):
            result = np.asarray(answers.call(answer, scores.copy(), name="aggregate"))
        return float(result) if result.shape == () and result.dtype.kind in "iuf" else np.nan

    results = value(a), value(b)
    if not np.all(np.isfinite(results)):
        return "The result must be one finite number for each table. (A song that has ended is NaN.)"
    if results[1] - results[0] < AHEAD_DB:
        return f"Under your rule A is still ahead, or B is ahead by less than {AHEAD_DB:g} dB."
    same_db = float(rng.uniform(3, 8))
    if abs(value(np.where(np.isnan(a), a, same_db)) - same_db) > 1e-6:
        return "That is not fair: with the same score in all windows of all songs, the result is another number."
    turned = np.stack([np.concatenate([row[~np.isnan(row)][::-1], row[np.isnan(row)]]) for row in b[::-1]])
    if abs(value(turned) - results[1]) > 1e-6:
        return "That is not fair: the result changes when songs or windows come in another order."
    for song, window in zip(rng.permutation(len(b)), rng.permutation(min(SONG_LENGTHS_S)), strict=False):
        better = b.copy()
        better[song, window] += rng.uniform(1, 9)
        if value(better) < results[1] - 1e-6:
            return "That is not fair: a better score in one window makes the result worse."
    a, b = _scores_of_two(rng)
    return answers.truth(
        value(b) - value(a) >= AHEAD_DB,
        "Your rule is fair, but on other scores of this kind B is not ahead by it: here it was by chance.",
    )


# 4.5: could it be chance


def _all_means(differences):
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    return signs @ differences / len(differences)


def _draw_ratings(rng):
    listeners = answers.varied(8, 7, 9, rng)
    habits = rng.integers(30, 80, listeners)  # some listeners rate everything high, some everything low
    second = np.clip(habits + rng.integers(-6, 7, listeners), 0, 100).astype(float)
    first = np.clip(second + rng.integers(-7, 12, listeners), 0, 100).astype(float)
    return first, second


def _chances(first, second):
    """The right share, and those of typical mistakes, each under what to say about it."""
    differences = first - second
    means, true = _all_means(differences), float(np.mean(differences))
    return float(np.mean(np.abs(means) >= abs(true) - 1e-9)), {
        "That counts one side only. A mean as far below 0 would be as surprising.": float(
            np.mean(means >= true - 1e-9)
        ),
        "That counts only the means that are farther from 0; those that are as far count, too.": float(
            np.mean(np.abs(means) > abs(true) + 1e-9)
        ),
        "That is the share of the means that are nearer to 0: it must be small if chance is a poor explanation.": float(
            np.mean(np.abs(means) < abs(true) - 1e-9)
        ),
    }


def _unpaired_chance(first, second):
    """The share for all ways to deal out the ratings, as if each were by another listener."""
    together = np.concatenate([first, second])
    halves = np.array(list(itertools.combinations(range(len(together)), len(first))))
    apart = 2 * together[halves].sum(axis=1) - together.sum()
    return float(np.mean(np.abs(apart) >= abs(first.sum() - second.sum()) - 1e-9))


def _check_chance(answer):
    rng = answers.rng(45)

    def tells(inputs):
        right, mistakes = _chances(*inputs)
        return 0.01 < right < 0.5 and all(abs(value - right) > 1e-6 for value in mistakes.values())

    first, second = answers.telling(lambda: _draw_ratings(rng), tells)
    right, mistakes = _chances(first, second)
    mistakes["That forgets which ratings are by the same listener: each listener has one difference."] = (
        _unpaired_chance(first, second)
    )
    wrong = answers.number(
        answers.call(answer, first, second),
        right,
        1e-9,
        name="the share",
        where="Two listeners have four ways: both as they are, the one flipped, the other flipped, both flipped.",
        mistakes=mistakes,
    )
    if wrong:
        return wrong
    # The ways with signs all flipped must count, and 0 differences must not be a special case.
    same = np.array([float(answers.varied(60, 40, 70, rng)), 50.0, 70.0])
    return answers.number(
        answers.call(answer, same, same), 1.0, 1e-9, name="for two systems with the same ratings, the share"
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="4.1",
        kind="sound",
        task='`lab.given("4.1")` returns a reference and four estimates, A to D, with one fault each: "interference", '
        '"artefacts", "dull" or "level". Which is which? A dict with a fault for each letter.',
        check=_check_faults,
        given=_hand_out_faults,
        hints=(
            "Switch between the reference and one letter after the other. The player has matched their loudness.",
            "Draw the spectrogram of each (`plots.spectrogram`): one has nothing at the top, one has holes, one has "
            "lines that the reference lacks.",
        ),
        praise="The one that you cannot hear has by far the lowest SDR of the four: measure it.",
    ),
    Exercise.from_files(
        __file__,
        number="4.2",
        kind="construct",
        task="Write `aligned_sdr(source, estimate, most)`: the largest SDR of an estimate that may be moved by up to "
        "`most` samples, earlier or later, with zeros coming in.",
        check=_check_aligned,
        hints=(
            "Move the estimate by each number of samples in turn, and keep the largest SDR.",
            "An estimate that comes too late must be moved to earlier times, one that comes too early to later times.",
            "np.pad makes room at either end; a slice of the source's length cuts off what is moved beyond the other.",
        ),
        praise="A network with a latency of a few samples needs this before any table is made.",
    ),
    Exercise.from_files(
        __file__,
        number="4.3",
        kind="construct",
        task='Make two estimates of the voice of `lab.given("4.3")`, both with an SDR of 10 dB: the first with an '
        "SI-SDR of at least 60 dB, the second with one of at most 10.5 dB.",
        check=_check_two_sounds,
        given=_hand_out_voice,
        own_function=False,
        hints=(
            "An SDR of 10 dB means that the error has a tenth of the source's energy. Which fraction of its amplitude?",
            "The first may differ from the voice in nothing that a listener minds. What does the player take away?",
            "The second: add something unrelated to the voice, of the right energy.",
        ),
        praise="Print 10 dB beside both, play them, and ask a friend what the number means.",
    ),
    Exercise.from_files(
        __file__,
        number="4.4",
        kind="construct",
        task='Write `aggregate(scores)` for the tables of `lab.given("4.4")`, (songs, windows) in dB, NaN where a song '
        "has ended: one number, fair to both, by which B is ahead by at least 0.2 dB, although A is ahead in the mean "
        "and in the median of all windows.",
        check=_check_aggregate,
        given=_hand_out_scores,
        hints=(
            "Print for each song how many windows it has, and by how much B is ahead in them. What do you notice?",
            "In the mean over all windows, a song of 40 s counts five times as much as one of 8 s. Need it be so?",
        ),
        praise="Both numbers are honest, and they name different winners. So a paper must say over what it has "
        "averaged, and in which order.",
    ),
    Exercise.from_files(
        __file__,
        number="4.5",
        kind="construct",
        task="Write `chance(first, second)`: of all ways to flip the signs of the listeners' differences, the share in "
        "which the mean is at least as far from 0 as the true one.",
        check=_check_chance,
        hints=(
            "With n listeners there are 2 to the power of n ways; itertools.product((1, -1), repeat=n) lists them.",
            "The mean of each way is compared with the true mean, both without their signs.",
            "Allow for rounding: two means that are equal on paper may differ in the last digit.",
        ),
        praise="It is an exact test: it assumes nothing about how ratings are distributed.",
    ),
)
