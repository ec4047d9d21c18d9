"""Exercises of lesson 04, "Is it better?"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "song"


def _db(above, below):
    return float(10 * np.log10(np.sum(np.square(above)) / np.sum(np.square(below))))


def _check_si_sdr(answer):
    rng = answers.rng(41)
    # Channels of different levels and errors, so that a multiple for each channel is another answer.
    source = rng.standard_normal((2, answers.varied(800, 700, 900, rng))) * [[1.0], [0.3]] + 0.2
    estimate = source * [[0.5], [1.4]] + 0.2 * rng.standard_normal(source.shape)
    target = np.sum(source * estimate) / np.sum(source**2) * source
    gain = np.sum(source * estimate) / np.sum(estimate**2)
    each = np.sum(source * estimate, axis=1, keepdims=True) / np.sum(source**2, axis=1, keepdims=True) * source
    centred, wished = (waveform - waveform.mean(axis=1, keepdims=True) for waveform in (source, estimate))
    without_mean = np.sum(centred * wished) / np.sum(centred**2) * centred
    by_channel = np.mean([_db(each[c], each[c] - estimate[c]) for c in range(2)])
    return answers.number(
        answers.call(answer, source, estimate),
        _db(target, target - estimate),
        1e-6,
        "dB",
        name="the SI-SDR",
        where="a is the sum of source * estimate over the sum of source ** 2; compare a * source with the estimate.",
        mistakes={
            "That is the plain SDR; nothing is scaled yet.": _db(source, source - estimate),
            "That scales the estimate to the source: the SDR at the best level, 1 more before the logarithm. SI-SDR "
            "scales the source.": _db(source, source - gain * estimate),
            "The numerator is still the source itself. It must be the target, a times the source.": _db(
                source, target - estimate
            ),
            "That takes a multiple for each channel. One multiple serves all channels, or a change of the stereo "
            "image would be forgiven.": _db(each, each - estimate),
            "That averages the SI-SDR of the channels. Sum the energies of all channels first.": by_channel,
            "That subtracts the means first. This definition does not: a constant offset is an error too.": _db(
                without_mean, without_mean - wished
            ),
            "That is 20 log10; energies are squared already, so 10 log10.": 2 * _db(target, target - estimate),
        },
    )


def _check_gap(answer):
    si_sdr, sdr = 10 * np.log10(0.64 / 0.04), 10 * np.log10(1 / (0.04 + 0.04))
    return answers.number(
        answer,
        si_sdr - sdr,
        0.006,
        "dB",
        name="the difference",
        where="SDR: the error is 0.2 of the source plus the noise. SI-SDR: the target is 0.8 of the source.",
        mistakes={
            "That is the SI-SDR alone; subtract the SDR.": si_sdr,
            "That is the SDR alone; subtract it from the SI-SDR.": sdr,
            "That is the SDR minus the SI-SDR: the sign is turned round.": sdr - si_sdr,
            "That leaves the target at full level. The foot of the perpendicular is 0.8 of the source.": 10
            * np.log10(1 / 0.04)
            - sdr,
            "The error of the level is 0.2 of the amplitude, so 0.04 of the energy, not 0.2.": si_sdr
            - 10 * np.log10(1 / 0.24),
            "That leaves the noise out of the SDR's error.": si_sdr - 10 * np.log10(1 / 0.04),
        },
    )


def _check_sir(answer):
    rng = answers.rng(43)
    samples = answers.varied(500, 400, 600, rng)
    source = rng.standard_normal(samples)
    other = 0.6 * source + rng.standard_normal(samples)
    estimate = 0.9 * source + 0.3 * other + 0.2 * rng.standard_normal(samples)

    def on(*references):
        basis = np.stack(references, axis=1)
        return basis @ np.linalg.lstsq(basis, estimate, rcond=None)[0]

    target = on(source)
    return answers.number(
        answers.call(answer, estimate, source, other),
        _db(target, on(source, other) - target),
        1e-6,
        "dB",
        name="the SIR",
        where="Project the estimate on the source, and on both sources together; the interference is the difference.",
        mistakes={
            "That projects on the other source alone. As the two have something in common, part of the target is "
            "counted as interference. Project on both together, then subtract the target.": _db(target, on(other)),
            "The interference must not contain the artefacts: it is the projection on both minus the target, not the "
            "estimate minus the target.": _db(target, estimate - target),
            "The numerator is the source at its true level. BSS Eval takes the target, the projection.": _db(
                source, on(source, other) - target
            ),
            "That compares the target with the artefacts: that would be an SAR.": _db(
                target, estimate - on(source, other)
            ),
            "That is 20 log10; energies are squared already, so 10 log10.": 2 * _db(target, on(source, other) - target),
        },
    )


def _check_average(answer):
    excerpts = np.array([457, 554]) / 1011
    ensemble, baseline = np.array([0.5249, 0.5084]), np.array([0.5350, 0.4965])
    gain = float(excerpts @ (ensemble - baseline))
    return answers.number(
        answer,
        gain,
        0.00006,
        name="the gain",
        where="For each system: (457 times strings plus 554 times winds) over 1011.",
        mistakes={
            "That is the difference of the two printed averages. The first is weighted by the number of excerpts, the "
            "second is not: they must not be compared.": 0.0002,
            "That is the unweighted difference: right in that both systems are treated alike, but strings and winds "
            "have not the same number of excerpts.": float(np.mean(ensemble - baseline)),
            "The sign is turned round: ensemble minus baseline.": -gain,
            "The weights are exchanged: 457 excerpts are of strings.": float(excerpts[::-1] @ (ensemble - baseline)),
            "That is the ensemble's average; subtract the baseline's.": float(excerpts @ ensemble),
            "That is the baseline's average; subtract it from the ensemble's.": float(excerpts @ baseline),
        },
    )


def _check_keep(answer):
    rng = answers.rng(45)
    trials = 20 * answers.varied(1, 1, 3, rng)
    ratings = np.full((6, trials), float(answers.varied(97, 96, 100, rng)))
    first, second = answers.varied(5, 0, 15, rng), answers.varied(2, 0, 15, rng)
    ratings[1, first : first + trials * 3 // 20] = answers.varied(70, 40, 89, rng)  # exactly 15 percent
    ratings[2, second : second + trials // 5] = answers.varied(85, 75, 89, rng)  # 20 percent, and a good mean
    ratings[3, :] = 90  # just good enough, always
    ratings[4, : trials // 5] = answers.varied(10, 0, 30, rng)  # a bad start
    ratings[5, :] = answers.varied(88, 85, 89, rng)  # always a little below
    # Elsewhere there are more listeners, of the same kinds, in any order.
    more = answers.varied(0, 1, 4, rng)
    kinds = answers.usually(np.arange(6), lambda: rng.permutation([*range(6), *rng.integers(0, 6, more)]))
    ratings = ratings[kinds]
    misses = np.mean(ratings < 90, axis=1)
    kept = answers.call(answer, ratings)
    expected = misses <= 0.15
    if isinstance(kept, np.ndarray | list | tuple) and np.shape(kept) == ratings.shape:
        return "That is one answer for each trial. Ask for the share of bad trials of each listener, over axis 1."
    return answers.array(
        kept,
        expected,
        "listeners",
        name="the answer",
        where="np.mean(ratings < 90, axis=1) is the share of bad trials of each listener.",
        mistakes={
            "That is True for those who are to be dropped. Turn it round: True stays.": ~expected,
            "Exactly 15 percent of bad trials is not more than 15 percent: that listener stays.": misses < 0.15,
            "A rating of exactly 90 is not below 90: that listener stays.": np.mean(ratings <= 90, axis=1) <= 0.15,
            "That goes by the mean rating. A listener can have a good mean and miss the reference in many trials, "
            "or the other way round: count the trials below 90.": ratings.mean(axis=1) >= 90,
            "That drops everybody who missed the reference once. Up to 15 percent of the trials are allowed.": misses
            == 0,
        },
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="4.1",
        task="Write `si_sdr(source, estimate)` for waveforms (channels, samples), with one multiple of the source for "
        "all channels.",
        check=_check_si_sdr,
        hints=(
            "a = np.sum(source * estimate) / np.sum(source**2); the target is a * source.",
            "10 log10 of the energy of the target over that of target minus estimate, both summed over everything.",
        ),
        praise="Four operations, and the figure behind most tables of the last years.",
    ),
    Exercise.from_files(
        __file__,
        number="4.2",
        task="An estimate is 0.8 times the source plus unrelated noise of 0.04 times its energy. By how many dB is its "
        "SI-SDR higher than its SDR?",
        check=_check_gap,
        hints=(
            "Errors that have nothing in common add their energies. What is the energy of s - 0.8 s?",
            "SDR: 1 over (0.04 + 0.04). SI-SDR: 0.64 over 0.04.",
        ),
        praise="A level error of 2 dB halved the SDR's ratio, and the ear would hardly notice.",
    ),
    Exercise.from_files(
        __file__,
        number="4.3",
        task="Write `sir(estimate, source, other)` for arrays (samples,), with projections on plain multiples.",
        check=_check_sir,
        hints=(
            "The target is the projection of the estimate on the source alone.",
            "For the projection on both use np.linalg.lstsq with np.stack([source, other], axis=1).",
            "The interference is the projection on both, minus the target.",
        ),
        praise="What both sources share is counted for the target: in tune, SIR is kinder than the ear.",
    ),
    Exercise.from_files(
        __file__,
        number="4.4",
        task="Recompute both averages weighted by the number of excerpts (457 strings, 554 winds). By how much is the "
        "ensemble better than the baseline?",
        check=_check_average,
        hints=(
            "Ensemble: (457 * 0.5249 + 554 * 0.5084) / 1011. It is the printed 0.5159.",
            "Baseline: (457 * 0.5350 + 554 * 0.4965) / 1011. It is not the printed 0.5157.",
        ),
        praise="The baseline's weighted average is 0.5139, so the gain is 0.0020, ten times what the printed averages "
        "say. It is small all the same: strings got worse and winds better.",
    ),
    Exercise.from_files(
        __file__,
        number="4.5",
        task="Write `keep(ratings)` for ratings of the hidden reference (listeners, trials): True for listeners who "
        "rated it below 90 in no more than 15 percent of their trials.",
        check=_check_keep,
        hints=(
            "ratings < 90 is True for every bad trial; its mean over a listener's trials is a share.",
            "np.mean(ratings < 90, axis=1) <= 0.15",
        ),
        praise="The rule was settled before anybody listened. That is what keeps it honest.",
    ),
)
