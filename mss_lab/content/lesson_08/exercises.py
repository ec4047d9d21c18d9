"""Exercises of lesson 08, "NMF with a score"."""

import dataclasses

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_b"

# The excerpt of exercise 8.1, and the rate of its mixture.
EXCERPT_S, RATE_HZ = 6.0, 22_050
# The rate and the length of the piano of exercise 8.2, and the mean SDR to be reached there.
PIANO_RATE_HZ, PIANO_S, LEAST_SDR_DB = 16_000, 5.5, 14.0


def _excerpt_with_a_wrong_note():
    """A mixture (1, samples), the notes of its score, one of them with a wrong pitch, and the index of that one."""
    from ... import audio
    from ...datasets import pieces
    from ...score import notes

    rng = answers.rng(81)
    piece = pieces.load(str(rng.choice(["chorale_a", "chorale_b"])))
    start_s = float(rng.uniform(0, 20))
    first, last = (round(time_s * piece.sample_rate_hz) for time_s in (start_s, start_s + EXCERPT_S))
    mixture = audio.resample(piece.mixture[:1, first:last], piece.sample_rate_hz, RATE_HZ)
    inside = [n for n in notes.shift(piece.score, -start_s).notes if 0.1 < n.onset_s < EXCERPT_S - 0.6]
    wrong = int(rng.choice([k for k, note in enumerate(inside) if note.offset_s - note.onset_s > 0.3]))
    inside[wrong] = dataclasses.replace(inside[wrong], midi=inside[wrong].midi + int(rng.choice([-2, -1, 1, 2])))
    return mixture, inside, wrong


def _excerpt_handed_out():
    mixture, inside, _ = _excerpt_with_a_wrong_note()
    rows = [(note.source, note.midi, note.onset_s, note.offset_s) for note in inside]
    return {"mixture": mixture, "sample_rate_hz": RATE_HZ, "notes": rows}


def _check_wrong_note(answer):
    _, inside, wrong = _excerpt_with_a_wrong_note()
    words = answers.number(answer, wrong, 0.01, name="the index", where="Listen to the notes one by one.")
    if words is None or not isinstance(answer, int | float | np.integer | np.floating):
        return words
    if answer % 1 or not 0 <= answer < len(inside):
        return f"The list has {len(inside)} notes; {answer:g} is the index of none of them."
    note = inside[int(answer)]
    return f"Note {int(answer)}, {note.source} from {note.onset_s:.2f} s on, is played as it is written."


def _hand(pitches, start_s, stiffness):
    """A note a second, each with the partials of a stiff string, float32 (1, samples)."""
    from ... import signals, units

    times_s = np.arange(PIANO_RATE_HZ) / PIANO_RATE_HZ
    q = np.arange(1, 41)[:, np.newaxis]
    waveform = np.zeros((1, round(PIANO_S * PIANO_RATE_HZ)))
    for k, pitch in enumerate(pitches):
        partials_hz = q * units.midi_to_hz(pitch) * np.sqrt(1 + stiffness * q**2)
        weights = (partials_hz < PIANO_RATE_HZ / 2) / q**0.5
        note = np.sum(weights * np.sin(2 * np.pi * partials_hz * times_s), axis=0)
        first = round((start_s + k) * PIANO_RATE_HZ)
        waveform[0, first : first + PIANO_RATE_HZ] = 0.05 * np.exp(-3 * times_s) * note
    return signals.fade(waveform.astype(np.float32), 0.01, PIANO_RATE_HZ)


def _two_hands():
    """The two hands, their notes and the stiffness of the strings."""
    rng = answers.rng(82)
    stiffness = 1e-4 * float(rng.integers(8, 13))
    pitches = {
        "left": rng.choice(np.arange(38, 52), 5, replace=False),
        "right": rng.choice(np.arange(58, 76), 5, replace=False),
    }
    starts_s = {"left": 0.0, "right": 0.5}
    hands = {hand: _hand(pitches[hand], starts_s[hand], stiffness) for hand in pitches}
    rows = [
        (hand, int(pitch), starts_s[hand] + k, starts_s[hand] + k + 1)
        for hand in pitches
        for k, pitch in enumerate(pitches[hand])
    ]
    return hands, rows, stiffness


def _piano_handed_out():
    hands, rows, stiffness = _two_hands()
    mixture = hands["left"] + hands["right"]
    return {"mixture": mixture, "sample_rate_hz": PIANO_RATE_HZ, "notes": rows, "stiffness": stiffness}


def _check_hands(answer):
    from ...metrics import energy

    hands, _, _ = _two_hands()
    if not isinstance(answer, dict) or set(answer) != set(hands):
        return f'The answer must be a dict with "left" and "right", got {answers.describe(answer)}.'
    shape = hands["left"].shape
    for hand, estimate in answer.items():
        if np.shape(estimate) != shape or not np.all(np.isfinite(estimate)):
            return f"The {hand} hand must be a waveform {shape} of finite numbers, got shape {np.shape(estimate)}."
    estimates = {hand: np.asarray(answer[hand], dtype=float) for hand in hands}
    reached_db = np.mean([energy.sdr(hands[hand], estimates[hand]) for hand in hands])
    exchanged = {"left": estimates["right"], "right": estimates["left"]}
    exchanged_db = np.mean([energy.sdr(hands[hand], exchanged[hand]) for hand in hands])
    if reached_db >= LEAST_SDR_DB:
        return None
    if exchanged_db >= LEAST_SDR_DB:
        return "The two hands are exchanged."
    return f"The mean SDR is {reached_db:.1f} dB; {LEAST_SDR_DB:g} dB were to be reached. Where do the partials lie?"


def _check_update(answer):
    rng = answers.rng(84)
    freq, frames = answers.varied(12, 9, 15, rng), answers.varied(9, 7, 12, rng)
    V = rng.random((freq, frames)) + 0.1
    W, H = rng.random((freq, 3)), rng.random((3, frames))
    W[:5, 0] = H[1, 4:] = 0
    # No template may play here, and one template may play nowhere.
    V[:, 0] = 0.5
    H[:, 0] = 0
    W[:, 2] = 0
    with np.errstate(all="ignore"):
        result = answers.call(answer, V, W, H)
    wrong = answers.truth(
        isinstance(result, tuple | list) and len(result) == 2,
        "Return two arrays: the templates W and the activations H.",
    )
    if wrong:
        return wrong
    new_W, new_H = result
    updated = _update(V, W, H)
    with np.errstate(all="ignore"):
        stale = _update(V, W, H, stale=True)
        swapped = _update(V, W, H, swapped=True)
    wrong = _check_zeros(np.asarray(new_W), np.asarray(new_H), W, H)
    if not wrong:
        # The activations of a template of zeros change nothing, and may be anything.
        updated, swapped = ((w, _without_silent(h)) for w, h in (updated, swapped))
        H, new_H = _without_silent(H), _without_silent(new_H)
    for returned, expected, mistakes, axes, name in (
        (
            new_H,
            updated[1],
            {"H is right for an update after W. Update H first.": swapped[1], "H is unchanged.": H},
            "components frames",
            "H",
        ),
        (
            new_W,
            updated[0],
            {
                "W was updated with the model from before H changed.": stale[0],
                "W was updated with the old H, not with the new one.": swapped[0],
                "W is unchanged.": W,
            },
            "freq components",
            "W",
        ),
    ):
        wrong = wrong or answers.array(
            returned,
            expected,
            axes,
            tolerance=1e-6,
            name=name,
            where="Compare with part 2 on a small matrix without zeros.",
            mistakes=mistakes,
        )
    return wrong


def _without_silent(H):
    H = np.array(H)
    H[2] = 0
    return H


def _check_zeros(new_W, new_H, W, H):
    if new_W.shape != W.shape or new_H.shape != H.shape:
        return f"W must stay {W.shape} and H {H.shape}, got {new_W.shape} and {new_H.shape}; return W, H in this order."
    return answers.truth(
        np.isfinite(new_W).all() and np.isfinite(new_H).all(),
        "There is a nan or an infinity, from a division by 0: in frames where nothing may play the model is 0, and a "
        "template of zeros adds up to 0.",
    ) or answers.truth(
        not new_W[W == 0].any() and not new_H[H == 0].any(),
        "A zero did not stay zero.",
    )


def _quotient(first, second):
    return np.divide(first, second, out=np.zeros(np.broadcast(first, second).shape), where=second > 0)


def _factor(first, second):
    return np.divide(first, second, out=np.ones(first.shape), where=np.broadcast_to(second > 0, first.shape))


def _update(V, W, H, stale=False, swapped=False):
    before = W @ H

    def new_h(W):
        return H * _factor(W.T @ _quotient(V, W @ H), W.sum(axis=0)[:, np.newaxis])

    def new_w(H, model):
        return W * _factor(_quotient(V, model) @ H.T, H.sum(axis=1))

    if swapped:
        W = new_w(H, before)
        return W, new_h(W)
    H = new_h(W)
    return new_w(H, before if stale else W @ H), H


def _unison_exercise(louder=4, softer=1):
    def sdr_db(own):
        return 10 * np.log10(4 * own / (louder + softer))

    exact = sdr_db(softer)

    def check(answer):
        return answers.number(
            answer,
            exact,
            0.02,
            "dB",
            name="the SDR",
            where="What is wrong in the estimate, beside what the other player left in it?",
            mistakes={
                "That is the louder player's.": sdr_db(louder),
                "That takes what is left of the other player for the whole error.": 10 * np.log10(4 * softer / louder),
                "That is the mixture's SDR, before anything was divided.": 10 * np.log10(softer / louder),
                "The sign is turned round.": -exact,
                "That ratio is not in dB yet.": 4 * softer / (louder + softer),
                "That is twice as many dB as there are: these are powers, not amplitudes.": 2 * exact,
            },
        )

    return Exercise.from_files(
        __file__,
        number="8.4",
        kind="number",
        task=f"Two players hold one note in unison, with unrelated waveforms of power {louder} and {softer}. Each is "
        "given half of the mixture. What is the SDR of the softer, in dB?",
        check=check,
        hints=(
            "Write down the estimate: half of the sum of both. What must be added to it to get the softer player?",
            "The error holds half of each player. Powers of unrelated waveforms add up.",
        ),
        values={"louder": louder, "softer": softer},
        praise="Half of the mixture has a missing half too, and that is an error like the other.",
        drawn=_draw_unison,
    )


def _draw_unison(rng):
    def draw():
        softer = int(rng.integers(1, 9))
        return softer + int(rng.integers(1, 12)), softer

    def distinguishes(powers):
        louder, softer = powers
        ratio = 4 * softer / (louder + softer)
        values_db = 10 * np.log10([ratio, ratio * louder / softer, 4 * softer / louder, softer / louder, 1 / ratio])
        values_db = np.sort([*values_db, ratio, 20 * np.log10(ratio)])
        return np.diff(values_db).min() > 0.05 and powers != (4, 1)

    return _unison_exercise(*answers.telling(draw, distinguishes))


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="8.1",
        kind="sound",
        task='One note of `lab.given("8.1")` has a wrong pitch. Which index does it have in the list of notes?',
        check=_check_wrong_note,
        given=_excerpt_handed_out,
        own_function=False,
        hints=(
            "A note that is not played leaves no energy at its harmonics. Which quantity of NMF would show that?",
            "Give each note a player of its own, so that each has its own template and activation.",
            "Compare the energy of each note's component, for the length of the note.",
        ),
        praise="A score with a wrong note is a hypothesis, and NMF has tested it.",
        time_limit_s=30.0,
    ),
    Exercise.from_files(
        __file__,
        number="8.2",
        kind="sound",
        task='Separate the two hands of `lab.given("8.2")`, a piano with stiff strings, with a mean SDR of at least '
        f'{LEAST_SDR_DB:g} dB: a dict with "left" and "right", waveforms (1, samples).',
        check=_check_hands,
        given=_piano_handed_out,
        own_function=False,
        hints=(
            "Everything of part 4 stays, except the templates to start from.",
            "A band must lie where part 10 says that the partial lies, for every q.",
            "Build W by a loop over keys and partials, as lesson 00 built a claim; the rest is in parts 3 and 4.",
        ),
        praise="One number for each string, and the piano comes back.",
        time_limit_s=30.0,
    ),
    Exercise.from_files(
        __file__,
        number="8.3",
        kind="construct",
        task="Write `safe_update(V, W, H)`: one round of multiplicative updates for the KL divergence, H first, then "
        "W. Zeros stay, and where nothing may play there is no nan. Return W and H.",
        check=_check_update,
        hints=(
            "Three quotients can be 0 / 0: V over the model, and one in each of the two updates.",
            "np.divide has an argument `where`, and leaves the other places as they are in `out`.",
            "Where the denominator of an update is 0, the factor is 0 anyway, or has nothing to do.",
        ),
        praise="A few lines, and a score can be written into them.",
    ),
    _unison_exercise(),
)
