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


# 4.4: an average


def _average_exercise(
    strings=457,
    winds=554,
    ensemble_strings=0.5249,
    ensemble_winds=0.5084,
    baseline_strings=0.5350,
    baseline_winds=0.4965,
):
    share = np.array([strings, winds]) / (strings + winds)
    ensemble, baseline = np.array([ensemble_strings, ensemble_winds]), np.array([baseline_strings, baseline_winds])
    gain = float(share @ (ensemble - baseline))
    # As in the report: one average is weighted, the other is not; the last digit of the report's own is cut off.
    printed = np.round(share @ ensemble, 4), np.floor(1e4 * np.mean(baseline) + 1e-6) / 1e4

    def check(answer):
        return answers.number(
            answer,
            gain,
            0.00006,
            name="the gain",
            where="Check one average at a time.",
            mistakes={
                "That is the difference of the two printed averages. They were not made in the same way, so they must "
                "not be compared.": float(printed[0] - printed[1]),
                "That is the unweighted difference: both systems are treated alike, but strings and winds "
                "have not the same number of excerpts.": float(np.mean(ensemble - baseline)),
                "The sign is turned round: ensemble minus baseline.": -gain,
                "The weights are exchanged.": float(share[::-1] @ (ensemble - baseline)),
                "That is the ensemble's average alone.": float(share @ ensemble),
                "That is the baseline's average alone.": float(share @ baseline),
            },
        )

    return Exercise.from_files(
        __file__,
        number="4.4",
        kind="number",
        task=f"A report judges an ensemble on {strings} excerpts of strings ({ensemble_strings:.4f}) and {winds} of "
        f"winds ({ensemble_winds:.4f}), its baseline scores {baseline_strings:.4f} and {baseline_winds:.4f}. It prints "
        f"the averages {printed[0]:.4f} and {printed[1]:.4f}, of which only one is weighted by the number of excerpts. "
        "Weight both: by how much is the ensemble better?",
        check=check,
        hints=(
            "An average is weighted by the number of excerpts if every excerpt counts once.",
            "Which of the two printed averages do you get in this way, and which by taking the mean of the two scores?",
        ),
        values={
            "strings": strings,
            "winds": winds,
            "ensemble_strings": ensemble_strings,
            "ensemble_winds": ensemble_winds,
            "baseline_strings": baseline_strings,
            "baseline_winds": baseline_winds,
        },
        praise="Differences of this size are small against what the ear notices, and two ways of averaging are enough "
        "to make or hide them.",
        drawn=_draw_averages,
    )


def _draw_averages(rng):
    def draw():
        scores = [round(float(score), 4) for score in rng.uniform(0.48, 0.56, 4)]
        return int(rng.integers(200, 420)), int(rng.integers(520, 900)), *scores

    def tells(numbers):
        strings, winds, *scores = numbers
        share = np.array([strings, winds]) / (strings + winds)
        ensemble, baseline = np.array(scores[:2]), np.array(scores[2:])
        gain = share @ (ensemble - baseline)
        others = [
            share @ ensemble - np.mean(baseline),
            np.mean(ensemble - baseline),
            share[::-1] @ (ensemble - baseline),
            -gain,
            0.0020,
        ]
        return np.min(np.abs(np.diff(np.sort([gain, *others])))) > 0.0005

    return _average_exercise(*answers.telling(draw, tells))


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
            "Look at the spectrogram strips: one has nothing at the top, one has holes, one has lines that the "
            "reference lacks.",
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
    _average_exercise(),
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
