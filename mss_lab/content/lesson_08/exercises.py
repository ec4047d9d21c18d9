"""Exercises of lesson 08, "NMF with a score"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_b"


def _windows(notes, frames, frame_rate_hz, tolerance_s, *, clipped=True, end=1, start=1, last_frame=np.ceil):
    windows = np.zeros((len(notes), frames))
    for row, (onset_s, offset_s) in enumerate(notes):
        first = int(np.floor((onset_s - tolerance_s * start) * frame_rate_hz))
        last = int(last_frame((offset_s + tolerance_s * end) * frame_rate_hz))
        windows[row, max(0, first) if clipped else first : last] = 1
    return windows


def _check_windows(answer):
    # At 8 frames a second every edge lies between two frames or on one, never beside it by a rounding error. The first
    # note begins less than the tolerance after the recording, the last ends behind it.
    rng = answers.rng(81)
    onset_s, offset_s = answers.varied(1, 0, 1, rng) / 8, answers.varied(4, 3, 6, rng) / 8
    later_s, tolerance_s = answers.varied(0, 1, 5, rng) / 8, answers.varied(2, 2, 4, rng) / 8
    frames = answers.varied(40, 41, 48, rng)
    notes = [(onset_s, offset_s), (1.0 + later_s, 2.0 + later_s), (1.8125 + later_s, 2.1875 + later_s)]
    notes += [(3.75 + later_s, answers.varied(9, 7, 12, rng) + 0.0)]
    arguments = (notes, frames, 8.0, tolerance_s)
    result = answers.call(answer, *arguments)
    wrong = answers.array(
        result,
        _windows(*arguments),
        "notes frames",
        name="the array of windows",
        where="From floor((onset - tolerance) * rate) up to, not including, ceil((offset + tolerance) * rate).",
        mistakes={
            "The first note starts before the recording, so its first frame is negative, and a negative index counts "
            "from the end. Cut it at 0.": _windows(*arguments, clipped=False),
            "The tolerance widens the start only. A note may also end late.": _windows(*arguments, end=0),
            "The tolerance widens the end only. A note may also start early.": _windows(*arguments, start=0),
            "Both edges are moved later: the window is shifted, not widened.": _windows(*arguments, start=-1),
            "The tolerance is not used at all.": _windows(*arguments, start=0, end=0),
            "The last frame that a note touches is missing: round the end up, not down.": _windows(
                *arguments, last_frame=np.floor
            ),
        },
    )
    beyond_s = answers.varied(50, 40, 90, rng) + 0.0
    return wrong or answers.array(
        answers.call(answer, [(beyond_s, beyond_s + 1)], frames, 8.0, tolerance_s),
        np.zeros((1, frames)),
        "notes frames",
        name="the window of a note beyond the recording",
        where="It has no frame here: its row is all zeros.",
    )


def _template(f0_hz, frequencies_hz, harmonics, cents, *, lowest_last=True, level=True, width="cents"):
    template = np.zeros(len(frequencies_hz))
    numbers = range(harmonics, 0, -1) if lowest_last else range(1, harmonics + 1)
    for m in numbers:
        centre_hz = m * f0_hz
        if width == "cents":
            low, high = centre_hz * 2 ** (-cents / 1200), centre_hz * 2 ** (cents / 1200)
        else:
            half = f0_hz * (2 ** (cents / 1200) - 1)
            low, high = centre_hz - half, centre_hz + half
        template[(frequencies_hz >= low) & (frequencies_hz <= high)] = 1 / m if level else 1
    return template


def _check_template(answer):
    # Enough harmonics, and wide enough bands, that the highest ones meet.
    rng = answers.rng(82)
    frequencies_hz = np.arange(0, 8000, answers.varied(5.1, 4.5, 5.5, rng))
    f0_hz, harmonics = answers.varied(196.3, 150.0, 250.0, rng), answers.varied(25, 23, 28, rng)
    cents = answers.varied(50, 46, 60, rng)
    arguments = (f0_hz, frequencies_hz, harmonics, cents)
    added = sum(
        _template(m * f0_hz, frequencies_hz, 1, cents) / m
        for m in range(1, harmonics + 1)  # Bands that meet are added up, not the larger taken.
    )
    wrong = answers.array(
        answers.call(answer, *arguments),
        _template(*arguments),
        "freq",
        name="the template",
        where="Bins from m f0 * 2**(-cents/1200) to m f0 * 2**(cents/1200) hold 1/m.",
        mistakes={
            "Where the bands of two harmonics meet, the higher one wins. The larger value, that of the lower harmonic, "
            "should: take the maximum, or fill from the highest down.": _template(*arguments, lowest_last=False),
            "Where bands meet, their values are added. Take the larger.": added,
            "Every band holds 1. The m-th should hold 1/m.": _template(*arguments, level=False),
            "All bands are as wide in Hz as the first. An interval in cents is a ratio: the m-th band is m times as "
            "wide.": _template(*arguments, width="hz"),
        },
    )
    high = (answers.varied(3000.0, 2500.0, 3500.0, rng), frequencies_hz, harmonics, cents)
    return wrong or answers.array(
        answers.call(answer, *high),
        _template(*high),
        "freq",
        name="the template of a high pitch",
        where="Harmonics above the last bin have no bins; they are left out.",
    )


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
        # What a template of zeros plays is heard by no one, and may be anything.
        updated, swapped = ((w, _without_silent(h)) for w, h in (updated, swapped))
        H, new_H = _without_silent(H), _without_silent(new_H)
    for returned, expected, mistakes, axes, name in (
        (
            new_H,
            updated[1],
            {"H is right for an update after W. Update H first.": swapped[1], "H is as it came.": H},
            "components frames",
            "H",
        ),
        (
            new_W,
            updated[0],
            {
                "W was updated with the model from before H changed. Compute W @ H again.": stale[0],
                "W was updated with H as it came, not with the new one.": swapped[0],
                "W is as it came.": W,
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
            where="Factor times (first / second); where second is 0 the factor stays.",
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
        "template of zeros adds up to 0. Divide only where the denominator is above 0.",
    ) or answers.truth(
        not new_W[W == 0].any() and not new_H[H == 0].any(),
        "A zero did not stay zero. Multiply the factor as it is; a small constant added to it lifts every zero.",
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


def _check_stiff(answer):
    return answers.number(
        answer,
        13,
        0.01,
        name="the first partial outside",
        where="1200 log2(sqrt(1 + B h^2)) is how many cents partial h is sharp. Where does it pass 50?",
        mistakes={
            "That one is still inside, by a little: the next is the first outside.": 12,
            "That counts 100 cents, a whole semitone. The band reaches half a semitone either way.": 18,
            "That leaves out the square root: the frequency goes with the root of 1 + B h^2.": 9,
            "That is where h is reached exactly; partials are whole numbers, so round up.": 12.2,
        },
    )


def _check_unison(answer):
    exact = 10 * np.log10(0.8)
    return answers.number(
        answer,
        exact,
        0.02,
        "dB",
        name="the SDR",
        where="The estimate is (a + b) / 2, so the error is (b - a) / 2, of power (4 + 1) / 4.",
        mistakes={
            "That is the louder player's, 10 log10(4 / 1.25).": 10 * np.log10(3.2),
            "The sign is turned round: source over error, 1 / 1.25.": -exact,
            "That takes the half of the other player for the whole error. The player's own missing half is error, "
            "too.": 0.0,
            "That is the mixture's SDR, before anything was divided.": 10 * np.log10(1 / 4),
            "That would be so for equal loudness, or in step; here powers add up: (4 + 1) / 4.": 20 * np.log10(2),
            "That ratio is right, but not in dB yet: take 10 log10 of it.": 0.8,
        },
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="8.1",
        task="Write `windows(notes, frames, frame_rate_hz, tolerance_s)`, where notes is a list of (onset_s, "
        "offset_s): an array (notes, frames) that is 1 where each note may sound and 0 elsewhere.",
        check=_check_windows,
        hints=(
            "One row for each note: found[row, first:last] = 1.",
            "first = floor((onset_s - tolerance_s) * frame_rate_hz), last = ceil((offset_s + tolerance_s) * "
            "frame_rate_hz).",
            "first may be negative: max(0, first).",
        ),
        praise="Everything outside is a promise that NMF cannot break.",
    ),
    Exercise.from_files(
        __file__,
        number="8.2",
        task="Write `template(f0_hz, frequencies_hz, harmonics, cents)`: 1/m in every bin within that many cents of "
        "harmonic m, 0 elsewhere; where two bands meet, the larger value.",
        check=_check_template,
        hints=(
            "The m-th band reaches from m * f0_hz * 2 ** (-cents / 1200) to m * f0_hz * 2 ** (cents / 1200).",
            "Fill from the highest harmonic down to the first: then the larger value comes last, and stays.",
        ),
        praise="From the seventeenth harmonic on, bands of half a semitone touch: up there this template forbids "
        "hardly anything.",
    ),
    Exercise.from_files(
        __file__,
        number="8.3",
        task="Write `safe_update(V, W, H)`: one round of multiplicative updates for the KL divergence, H first, then "
        "W. Zeros stay, and where nothing may play there is no nan. Return W and H.",
        check=_check_update,
        hints=(
            "H times (W.T @ (V / Y)) over the sums of W's columns; W times ((V / Y) @ H.T) over the sums of H's rows; "
            "Y = W @ H, computed anew for W.",
            "np.divide(a, b, out=np.zeros_like(a), where=b > 0) divides only where it can.",
            "Where the denominator of a factor is 0 the factor is 0 anyway, or has nothing to do: leave it as it is.",
        ),
        praise="Ten lines, and a score can be written into them.",
    ),
    Exercise.from_files(
        __file__,
        number="8.4",
        task="A piano string's partial h lies at h f0 sqrt(1 + B h^2), with B = 0.0004. Which is the first partial "
        "that leaves a band of 50 cents either way of h f0?",
        check=_check_stiff,
        hints=(
            "How many cents is a ratio r? 1200 log2(r).",
            "Solve 1200 log2(sqrt(1 + 0.0004 h^2)) = 50 for h, and round up.",
        ),
        praise="The first twelve lie where the comb expects them; higher ones fall into a gap, or into the next band.",
    ),
    Exercise.from_files(
        __file__,
        number="8.5",
        task="Two players hold one note in unison, with unrelated waveforms of power 4 and 1. Each is given half of "
        "the mixture. What is the SDR of the softer, in dB?",
        check=_check_unison,
        hints=(
            "Error: what the player played, b, less what came out, (a + b) / 2.",
            "The power of (b - a) / 2 is (4 + 1) / 4 for unrelated waveforms. The SDR is 10 log10 of 1 over it.",
        ),
        praise="Below 0 dB: for the softer player silence would have been nearer to the truth.",
    ),
)
