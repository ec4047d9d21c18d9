"""Exercises of lesson 19, "The score-filtered CNN"."""

import itertools

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_b"

REACHED_DB, PLAIN_DB = 30.0, 0.0
CORRELATION, LAGS_S = 0.5, 0.05
ORDER = ("CNN-T", "filter", "CNN")
NAMES = ("first", "second", "third")


def _kept(masks, claims):
    claimed = claims * masks
    total, claimants = claimed.sum(axis=0), claims.sum(axis=0)
    equal = claims / np.maximum(claimants, 1)
    kept = np.where(total > 0, claimed / np.where(total > 0, total, 1), equal)
    return np.where(claimants > 0, kept, masks)


def _check_kept(answer):
    rng = answers.rng(191)
    shape = answers.varied(3, 2, 5, rng), answers.varied(6, 5, 8, rng), answers.varied(8, 6, 9, rng)
    masks = rng.random(shape) + 0.05
    masks /= masks.sum(axis=0)
    claims = (rng.random(shape) < 0.45).astype(float)
    claims[:, 0, :2] = 0
    claims[:2, 1, 1], claims[2:, 1, 1] = 1, 0
    claims[:, 2, 2] = 1
    multiplied = masks * claims
    total = multiplied.sum(axis=0)
    with np.errstate(all="ignore"):
        nowhere = np.where(total > 0, multiplied / total, 0)
        mistakes = {
            "The masks no longer add up to 1: what is taken from the others is lost.": multiplied,
            "What no player claims is given to no player, and is lost.": nowhere,
            "Where no player claims anything there is NaN.": multiplied / total,
            "What no player claims is shared equally. It should stay as the network gave it.": np.where(
                claims.any(axis=0), nowhere, 1 / len(masks)
            ),
            "The proportions of the network are lost: all claimants get the same.": np.where(
                claims.any(axis=0), claims / np.maximum(claims.sum(axis=0), 1), masks
            ),
            "Nothing has changed: players who claim nothing still have a share of claimed bins.": masks,
            "They add up to 1 over frequencies. Masks add up to 1 over the players.": multiplied
            / multiplied.sum(axis=1, keepdims=True),
        }
        result = answers.call(answer, masks, claims)
    wrong = answers.array(result, _kept(masks, claims), "players freq frames", name="the masks", mistakes=mistakes)
    if wrong:
        return wrong
    # A claimant to whom the network gave nothing.
    claims = np.zeros((4, 2, 2))
    claims[1:, 0, 0], claims[3, 1, 1] = 1, 1
    masks = rng.random(claims.shape) + 0.05
    masks[1:, 0, 0] = masks[3, 1, 1] = 0
    masks /= masks.sum(axis=0)
    with np.errstate(all="ignore"):
        result = answers.call(answer, masks, claims)
    return answers.array(
        result,
        _kept(masks, claims),
        "players freq frames",
        name="the masks where the network gave all claimants 0",
        mistakes={
            "Where the network gave all claimants 0 there is NaN.": np.where(claims.any(axis=0), np.nan, masks),
            "Where the network gave all claimants 0, the bin goes to no player.": masks * ~claims.any(axis=0),
            "Where the network gave all claimants 0, the bin stays with players who do not claim it.": masks,
        },
    )


def _separations():
    """One mixture on drawn instruments, and what three methods make of its saxophone, in a drawn order."""
    # Imported here, since a lesson's exercises are listed without the libraries of networks.
    from ...datasets import engines, pieces
    from ...neural import apply, weights
    from ...score.notes import Score

    rng = answers.rng(192)
    rate_hz, length_s = 16_000, 6.0
    whole = pieces.load("chorale_b").score
    score = Score(tuple(note for note in whole.notes if note.onset_s < length_s), whole.sources)
    engine = engines.make("harmonic")
    timbres = {source: engine.draw_timbre(rng) for source in score.sources}
    stems = engine.play(score, sample_rate_hz=rate_hz, rng=rng, timbres=timbres)
    mixture = np.sum(list(stems.values()), axis=0)[:1, : round(length_s * rate_hz)].astype(np.float32)
    source = "saxophone"
    estimates = {
        "CNN-T": apply.separate(weights.shipped("score-cnn-timbre"), mixture, rate_hz, score)[source],
        "CNN": apply.separate(weights.shipped("score-cnn"), mixture, rate_hz, score)[source],
        "filter": _filtered(weights.shipped("score-cnn"), mixture, rate_hz, score)[source],
    }
    handed_out = {name: estimates[method] for name, method in zip(NAMES, ORDER, strict=True)}
    return {"mixture": mixture, **handed_out, "sample_rate_hz": rate_hz}


def _filtered(network, mixture, rate_hz, score):
    """The estimates of the score's masks alone, as in part 1 of the lesson."""
    from ... import transforms
    from ...neural import apply, score_filter, segments

    settings, samples = network.settings, mixture.shape[1]
    grid = {"window_samples": settings.window_samples, "hop_samples": settings.hop_samples}
    seats = apply.players_for(network.sources, score)
    rows = np.array([(seats[note.source], note.midi, note.onset_s, note.offset_s) for note in score.notes])
    rows[:, 2] -= settings.tolerance_s
    rows[:, 3] += settings.tolerance_s
    frame_rate_hz = rate_hz / settings.hop_samples
    rolls = segments.roll_of(rows, len(network.sources), 1 + samples // settings.hop_samples, frame_rate_hz)
    claims = (rolls @ score_filter.pitch_claims(settings.window_samples, rate_hz) > 0).astype(float)
    claimants = claims.sum(axis=0)
    masks = np.where(claimants > 0, claims / np.maximum(claimants, 1), 1 / len(claims)).transpose(0, 2, 1)
    transform = transforms.stft(mixture, **grid)
    return {name: transforms.istft(masks[seat] * transform, samples, **grid) for name, seat in seats.items()}


def _check_order(answer):
    if isinstance(answer, list | tuple) and all(isinstance(name, str) for name in answer):
        answer = ", ".join(answer)
    choices = tuple(", ".join(order) for order in itertools.permutations(ORDER))
    if isinstance(answer, str):
        answer = ", ".join(name.strip() for name in answer.split(","))
    return answers.text(
        answer,
        ", ".join(ORDER),
        choices,
        mistakes={choice: _order_words(choice) for choice in choices},
    )


def _order_words(choice):
    names = choice.split(", ")
    right = [name for name, answered, true in zip(NAMES, names, ORDER, strict=True) if answered == true]
    if not right:
        return "None of the three is right."
    return "One of the three is right, and the two others are exchanged."


def _correlation(source, estimate, lags):
    """The largest normalised correlation, whatever its sign, at lags of up to so many samples, early or late."""
    length = len(source) + lags
    products = np.fft.irfft(np.conj(np.fft.rfft(source, length)) * np.fft.rfft(estimate, length), length)
    near = np.r_[products[: lags + 1], products[-lags:]]
    return np.abs(near).max() / np.sqrt(np.sum(source**2) * np.sum(estimate**2))


def _check_fooling(answer):
    from ...metrics.bss_eval import bss_eval

    rng = answers.rng(193)
    rate_hz, samples = 8000, answers.varied(12_000, 11_000, 13_000, rng)
    players = answers.varied(2, 2, 3, rng)
    sources = rng.standard_normal((players, samples)) * rng.uniform(0.3, 1.0, (players, 1))
    sources[:, :800] = sources[:, -800:] = 0  # silence at both ends: an estimate may be late or early
    wrong = answers.array(
        answers.call(answer, sources), sources, "players samples", tolerance=np.inf, name="the estimates"
    )
    if wrong:
        return wrong
    estimates = np.asarray(answers.call(answer, sources), float)
    if not estimates.any(axis=1).all():
        return "An estimate is silent. Silence has no SDR by the paper's metric."
    with np.errstate(all="ignore"):
        plain_db = 10 * np.log10(np.sum(sources**2, axis=1) / np.sum((sources - estimates) ** 2, axis=1))
    names = [str(player) for player in range(players)]
    true, estimated = (dict(zip(names, waves[:, np.newaxis], strict=True)) for waves in (sources, estimates))
    reached_db = bss_eval(true, estimated, rate_hz, window_s=None, version="sources").sdr[:, 0]
    if np.max(plain_db) >= PLAIN_DB:
        return f"The plain SDR is not below {PLAIN_DB:g} dB for every player: the highest is {np.max(plain_db):.1f} dB."
    if not np.min(reached_db) >= REACHED_DB:
        return (
            f"BSS Eval 3 is not fooled: its lowest SDR is {np.min(reached_db):.1f} dB. It forgives what a short filter "
            "does to a player, not what comes from another."
        )
    largest = max(_correlation(*pair, round(LAGS_S * rate_hz)) for pair in zip(sources, estimates, strict=True))
    if largest >= CORRELATION:
        return (
            f"An estimate is still like its player: at a lag of at most {1000 * LAGS_S:.0f} ms their correlation is "
            f"{largest:.2f}."
        )
    return None


def _weights(
    bins, frames, players, filters, frequency_kernel, stride, time_kernel, bottleneck, *, mistake=""
):  # one screen of terms
    positions = (bins - frequency_kernel) // stride + (mistake != "positions")
    moments = frames - time_kernel + (mistake != "moments")
    units = filters * moments * positions
    along_frequency = filters * (players * frequency_kernel + 1)
    along_time = filters * (filters * time_kernel + 1)
    if mistake == "depthwise":
        along_time = filters * (time_kernel + 1)
    if mistake == "one channel":
        along_frequency = filters * (frequency_kernel + 1)
    branches = (1 if mistake == "one branch" else players) * units * (bottleneck + 1)
    total = along_frequency + along_time + units * bottleneck + bottleneck + branches + players
    if mistake == "back":
        total += along_frequency + along_time - 2 * filters
    if mistake == "no biases":
        total -= 2 * filters + bottleneck + players * units + players
    if mistake == "no last bias":
        total -= players
    return total


def _check_weights(answer):
    rng = answers.rng(194)
    sizes = {
        "bins": answers.varied(101, 80, 120, rng),
        "frames": answers.varied(12, 11, 15, rng),
        "players": answers.varied(3, 2, 5, rng),
        "filters": answers.varied(5, 3, 8, rng),
        "frequency_kernel": answers.varied(10, 8, 12, rng),
        "stride": answers.varied(4, 3, 5, rng),
        "time_kernel": answers.varied(7, 5, 9, rng),
        "bottleneck": answers.varied(9, 6, 12, rng),
    }
    mistakes = {
        "The kernels are counted again on the way back. They are the same ones, turned round.": "back",
        "All players share one branch here. Each has its own.": "one branch",
        "The biases are missing.": "no biases",
        "The last biases are missing, those of E.": "no last bias",
        "There is a position too few.": "positions",
        "There is a moment too few.": "moments",
        "The convolution along time reads one filter only.": "depthwise",
        "The convolution along frequency reads one channel only.": "one channel",
    }
    wrong = answers.number(
        answers.call(answer, *sizes.values()),
        _weights(**sizes),
        0.5,
        name="the number of weights",
        mistakes={words: _weights(**sizes, mistake=mistake) for words, mistake in mistakes.items()},
    )
    paper = (2049, 30, 4, answers.varied(30, 31, 40, rng), 30, 4, 20, answers.varied(256, 200, 300, rng))
    return wrong or answers.number(
        answers.call(answer, *paper), _weights(*paper), 0.5, name="the number of weights of the paper's network"
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="19.1",
        task="Write `keep_to_score(masks, claims)` for arrays (players, freq, frames): where players claim a bin, only "
        "they share it, in the network's proportions (equally where it gave them 0); other bins stay as they are.",
        check=_check_kept,
        kind="construct",
        hints=(
            "masks * claims is what the claimants had.",
            "There are three kinds of bins: with a claimant who had something, with claimants who had nothing, without "
            "a claimant.",
            "np.where chooses bin by bin; divide by something that is never 0.",
        ),
        praise="The setting masks_times_score trains a network with this behind it.",
    ),
    Exercise.from_files(
        __file__,
        number="19.2",
        task='Which of the first, the second and the third estimate of `lab.given("19.2")` is the filter alone, which '
        'CNN-T, which CNN? Answer with one text in that order, such as "filter, CNN-T, CNN".',
        check=_check_order,
        given=_separations,
        kind="sound",
        time_limit_s=60.0,
        hints=(
            "CNN-T has no score: it can let whole notes of other players through.",
            "An estimate's magnitudes over those of the mixture are its mask. The filter alone halves, or divides by "
            "3 or 4.",
            "A histogram of the masks where the mixture is loud shows which of the three has only a few values.",
        ),
        praise="You distinguished three methods by their faults: that is what listening tests are for.",
    ),
    Exercise.from_files(
        __file__,
        number="19.3",
        task="Write `fooling(sources)`: from true players (players, samples) estimates with an SDR of at least "
        f"{REACHED_DB:g} dB by BSS Eval 3, a plain SDR below {PLAIN_DB:g} dB, and a correlation with the player below "
        f"{CORRELATION:g} at every lag up to {1000 * LAGS_S:.0f} ms, for every player.",
        check=_check_fooling,
        kind="construct",
        hints=(
            "Part 7 damaged four players; three of the damages cost nothing by that metric.",
            "A gain, a change of sign and a delay are filters with one tap each. With one tap, the correlation at that "
            "tap's lag is 1.",
            "For a player like noise, the correlation at a lag is the tap there over the root of the sum of all taps "
            "squared.",
        ),
        praise="By this metric a player in a very reverberant room is perfect, too; where that matters, use another.",
    ),
    Exercise.from_files(
        __file__,
        number="19.4",
        task="Write `weights_of(bins, frames, players, filters, frequency_kernel, stride, time_kernel, bottleneck)`: "
        "the number of weights of the network of part 3, biases included, with one branch for each player.",
        check=_check_weights,
        kind="formula",
        hints=(
            "units = filters * (1 + frames - time_kernel) * (1 + (bins - frequency_kernel) // stride).",
            "A layer from a to b numbers has a * b weights and b biases; a convolution from a to b channels with "
            "kernels of k has a * b * k weights and b biases.",
            "The way back through the convolutions adds nothing except one bias for each player.",
        ),
        praise="Halve the code or the filters, and nearly half of all weights go; halve a kernel, and hardly any.",
    ),
)
