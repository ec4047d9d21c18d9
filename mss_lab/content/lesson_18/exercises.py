"""Exercises of lesson 18, "With a score, from a score"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_a"

SILENCE = 0.01
BIN_HZ, BIN, OFFSET, FUNDAMENTAL_HZ = 3.90625, 170, 0.4, 221.0


def _roll(notes, frames, frame_rate_hz, *, first=np.floor, last=np.ceil, more=0, added=False):
    roll = np.zeros((frames, 128))
    for midi, onset_s, offset_s in notes:
        start = min(frames, max(0, int(first(onset_s * frame_rate_hz))))
        stop = min(frames, max(0, int(last(offset_s * frame_rate_hz)) + more))
        roll[start:stop, midi] = roll[start:stop, midi] + 1 if added else 1
    return roll


def _check_roll(answer):
    # At 8 frames a second every edge lies between two frames or on one, never beside it by a rounding error. Of the two
    # notes on one pitch, the second begins before the first is over.
    rng = answers.rng(181)
    higher, later_s = answers.varied(0, 1, 12, rng), answers.varied(0, 1, 3, rng) / 8
    frames = answers.varied(24, 25, 30, rng)
    written = [(60, 0.125, 0.5), (64, 0.3125, 0.9375), (64, 0.8125, 1.6875), (72, 2.4375, 9.0)]
    notes = [(midi + higher, onset_s + later_s, offset_s + later_s) for midi, onset_s, offset_s in written]
    arguments = (notes, frames, 8.0)
    wrong = answers.array(
        answers.call(answer, *arguments),
        _roll(*arguments),
        "frames pitches",
        name="the roll",
        where="From floor(onset * rate) up to, not including, ceil(offset * rate), and no further than the frames go.",
        mistakes={
            "Pitches stand in rows and frames in columns. A network reads frame after frame: transpose.": _roll(
                *arguments
            ).T,
            "Where two notes of one pitch meet, they are added up. A roll says whether, not how often: set it to "
            "1.": _roll(*arguments, added=True),
            "The last frame that a note touches is missing: round the offset up, not down.": _roll(
                *arguments, last=np.floor
            ),
            "The first frame that a note touches is missing: round the onset down, not up.": _roll(
                *arguments, first=np.ceil
            ),
            "Edges are rounded to the nearest frame. A frame that a note touches at all is 1: floor at the start, ceil "
            "at the end.": _roll(*arguments, first=np.rint, last=np.rint),
            "Every note is a frame too long: the frame ceil(offset * rate) itself is not included.": _roll(
                *arguments, more=1
            ),
        },
    )
    return wrong or answers.array(
        answers.call(answer, [(60 + higher, 5.0 + later_s, 6.0 + later_s)], frames, 8.0),
        np.zeros((frames, 128)),
        "frames pitches",
        name="the roll of a note beyond the frames",
        where="It is all zeros.",
    )


def _song_figure(source, estimate, window, *, gated=True, middle=np.median, tail=False, loud="peak"):
    count = -(-len(source) // window) if tail else len(source) // window
    ratios = []
    for index in range(count):
        s, e = (x[index * window : (index + 1) * window] for x in (source, estimate))
        level = np.abs(s).max() if loud == "peak" else np.sqrt(np.mean(s**2))
        if not gated or level > SILENCE:
            ratios.append(10 * np.log10(np.sum(s**2) / np.sum((s - e) ** 2)))
    return float(middle(ratios))


def _check_figure(answer):
    rng = answers.rng(182)
    window = answers.varied(50, 40, 60, rng)
    # Peaks above the gate whose mean power lies below it, windows that stay within it, and one that is cut off.
    levels = np.array([0.5, 0.3, 0.004, 0.0045, 0.4, 0.012, 0.2, 0.006, 0.0035, 0.6, 0.35])
    wave = np.concatenate([level * rng.choice([-1.0, 1.0], window) for level in levels])
    wave[5 * window : 6 * window] *= np.linspace(0.02, 1, window)
    errors = np.repeat([0.11, 0.16, 0.0061, 0.0035, 0.23, 0.002, 0.031, 0.0085, 0.0036, 0.41, 0.3], window)
    source = wave[: 10 * window + 20]
    estimate = source + errors[: len(source)] * rng.standard_normal(len(source))
    arguments = (source, estimate, window)
    result = answers.call(answer, *arguments)
    swapped = _song_figure(estimate, source, window)
    whole = _song_figure(source, estimate, len(source))
    return answers.number(
        result,
        _song_figure(*arguments),
        1e-6,
        "dB",
        name="the figure",
        where="10 log10 of the source's energy over the error's, window by window; leave out windows whose largest "
        "|sample| is at most 0.01; then the median.",
        mistakes={
            "No window was left out: where the source is silent, its SDR says nothing.": _song_figure(
                *arguments, gated=False
            ),
            "That is the mean of the windows. The protocol takes their median.": _song_figure(
                *arguments, middle=np.mean
            ),
            "The window at the end that is cut off was judged, too. Only whole windows count.": _song_figure(
                *arguments, tail=True
            ),
            "The gate looks at the mean power. A window is silent if no sample in it exceeds 0.01.": _song_figure(
                *arguments, loud="power"
            ),
            "That is the SDR of the whole song at once. Cut it into windows first.": whole,
            "Source and estimate are exchanged.": swapped,
            "That is half of it: powers take 10 log10 of a ratio of energies, 20 log10 of a ratio of amplitudes.": 0.5
            * _song_figure(*arguments),
            "That is twice as much: energies take 10 log10, not 20.": 2 * _song_figure(*arguments),
        },
    )


def _refined(models, corrections, exponent, strength):
    logits = exponent * np.log(models) + strength * corrections
    weighed = np.exp(logits - logits.max(axis=0))
    return weighed / weighed.sum(axis=0)


def _check_refined(answer):
    rng = answers.rng(183)
    shape = answers.varied(3, 2, 5, rng), answers.varied(5, 4, 8, rng), answers.varied(4, 3, 7, rng)
    models = rng.uniform(0.05, 1.0, shape)
    corrections = rng.normal(0, 1.0, models.shape)
    exponent, strength = answers.varied(2.0, 1.5, 3.0, rng), answers.varied(0.5, 0.3, 0.8, rng)
    arguments = (models, corrections, exponent, strength)
    powers = models**exponent * np.exp(strength * corrections)
    moved = np.exp(exponent * (np.log(models) + strength * corrections))
    across = np.exp(exponent * np.log(models) + strength * corrections)
    wrong = answers.array(
        answers.call(answer, *arguments),
        _refined(*arguments),
        "players freq frames",
        name="the masks",
        where="M**exponent times exp(strength * correction), over the same summed over players.",
        mistakes={
            "They do not add up to 1: divide by the sum over players.": powers,
            "They do not add up to 1. The largest logarithm is taken away, but the sum over players is still to be "
            "divided by.": powers / powers.max(axis=0),
            "The exponent raises the corrections, too. It belongs to the models alone.": moved / moved.sum(axis=0),
            "The sum goes over frequencies. Masks add up to 1 over players: axis 0.": across
            / across.sum(axis=1, keepdims=True),
            "The models have no exponent.": _refined(models, corrections, 1.0, strength),
            "The strength is not used.": _refined(models, corrections, exponent, 1.0),
            "The corrections are not used.": _refined(models, corrections, exponent, 0.0),
            "The correction multiplies the model as it is. It is a logarithm: take its exponential.": models**exponent
            * (strength * corrections)
            / (models**exponent * (strength * corrections)).sum(axis=0),
        },
    )
    if wrong:
        return wrong
    with np.errstate(all="ignore"):
        large = answers.call(answer, models, 2000 * np.sign(corrections), 2.0, 1.0)
    wrong = answers.truth(
        np.shape(large) == models.shape and np.isfinite(np.asarray(large, float)).all(),
        "With corrections of 2000 there is a nan or an infinity: exp(2000) is larger than any number. Add up the "
        "logarithms, take away their largest over players, and only then take the exponential.",
    )
    return wrong or answers.array(
        large,
        _refined(models, 2000 * np.sign(corrections), 2.0, 1.0),
        "players freq frames",
        name="the masks for corrections of 2000",
        where="Take away the largest logarithm over players before the exponential.",
    )


def _cents(frequency_hz, harmonic_hz):
    return 1200 * np.log2(frequency_hz / harmonic_hz)


def _check_cents(answer):
    true_hz = (BIN + OFFSET) * BIN_HZ
    third_hz = 3 * FUNDAMENTAL_HZ
    return answers.number(
        answer,
        _cents(true_hz, third_hz),
        0.1,
        "cents",
        name="the offset",
        where="First the true frequency of the bin's sound, then the nearest multiple of the fundamental, then 1200 "
        "log2 of their ratio.",
        mistakes={
            "That is the middle of the bin. The sound lies 0.4 bins higher.": _cents(BIN * BIN_HZ, third_hz),
            "The reassignment was taken away, not added.": _cents((BIN - OFFSET) * BIN_HZ, third_hz),
            "That is measured from the fundamental. The nearest harmonic is another.": _cents(true_hz, FUNDAMENTAL_HZ),
            "That is in Hz. Cents are 1200 log2 of a ratio.": true_hz - third_hz,
            "The sign is turned round: it should be positive where the sound is higher than the harmonic.": _cents(
                third_hz, true_hz
            ),
            "That is in semitones; a semitone has 100 cents.": _cents(true_hz, third_hz) / 100,
            "That is the offset from the bin's middle. It is asked for from the harmonic.": _cents(
                true_hz, BIN * BIN_HZ
            ),
        },
    )


def _check_choice(answer):
    return answers.text(
        answer,
        "refined-nmf",
        ("xumx", "xumx-informed", "xumx-score-only", "refined-nmf"),
        mistakes={
            "xumx": "It looks for a violin, a clarinet, a saxophone and a bassoon. There is a horn, and there are two "
            "violins, which it could not tell apart by their sound.",
            "xumx-informed": "It has one branch for the violin, and refuses a second. The horn has none at all.",
            "xumx-score-only": "It need not know how they sound, but it has one roll for a violin and none for a horn. "
            "Whoever stands in for them gets an average clarinet's mask.",
        },
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="18.1",
        task="Write `roll(notes, frames, frame_rate_hz)`, where notes is a list of (midi, onset_s, offset_s): an array "
        "(frames, 128) that is 1 where a pitch sounds and 0 elsewhere.",
        check=_check_roll,
        hints=(
            "One slice for each note: roll[first:last, midi] = 1.",
            "first = floor(onset_s * frame_rate_hz), last = ceil(offset_s * frame_rate_hz).",
            "A slice that reaches beyond the end of an array stops there by itself.",
        ),
        praise="These zeros and ones are all that the score-only student ever gets.",
    ),
    Exercise.from_files(
        __file__,
        number="18.2",
        task="Write `song_figure(source, estimate, window_samples)` for arrays (samples,): the median over whole "
        "windows of the SDR in dB, without windows in which the source stays within 0.01.",
        check=_check_figure,
        hints=(
            "Cut both to len(source) // window_samples whole windows and reshape them to (windows, window_samples).",
            "heard = np.abs(source).max(axis=1) > 0.01 tells which windows count.",
            "SDR is 10 log10 of the sum of source**2 over the sum of (source - estimate)**2.",
        ),
        praise="Change any of these steps, and the same estimates get another figure: never compare across protocols.",
    ),
    Exercise.from_files(
        __file__,
        number="18.3",
        task="Write `refined_masks(models, corrections, exponent, strength)` for arrays (players, freq, frames): "
        "models to the power `exponent`, times exp(strength * corrections), divided by their sum over players.",
        check=_check_refined,
        hints=(
            "logits = exponent * np.log(models) + strength * corrections.",
            "A softmax over players: np.exp(logits) over its sum along axis 0.",
            "What all players' logits lose alike cancels: take away their largest, and nothing overflows.",
        ),
        praise="With strength 0 this is the Wiener filter of NMF: a refiner has nothing to lose when it starts.",
    ),
    Exercise.from_files(
        __file__,
        number="18.4",
        task="Bins are 3.90625 Hz apart; bin 170 is reassigned by +0.4 bins; the fundamental is 221.0 Hz. How many "
        "cents is the bin's sound off the nearest harmonic?",
        check=_check_cents,
        hints=(
            "The sound lies at 170.4 times 3.90625 Hz.",
            "Divide by the fundamental and round: that is the number of the nearest harmonic.",
            "1200 log2 of the sound's frequency over the harmonic's.",
        ),
        praise="A bin is ten cents wide here, and yet its phase says more.",
    ),
    Exercise.from_files(
        __file__,
        number="18.5",
        task='Two violins and a horn, with an aligned score: which of "xumx", "xumx-informed", "xumx-score-only", '
        '"refined-nmf" do you take?',
        check=_check_choice,
        hints=(
            "Which of them have one place for each instrument that they know?",
            "Which of them learns the timbres from the recording itself?",
        ),
        praise="Two violins in unison will still be hard for it: listen to what it gives before you trust it.",
    ),
)
