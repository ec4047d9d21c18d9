"""Exercises of lesson 01, "Sound into matrices"."""

from typing import Any

import numpy as np

from ... import signals, transforms, units
from ...lessons import Exercise, answers
from ...metrics import energy

PIECE = "chorale_a"

# 1.1: two low notes, a whole tone apart.
BASS_RATE_HZ, BASS_LENGTH_S = 8000, 1.5
# 1.3: a melody with a whistle and a siren.
DIRTY_RATE_HZ, DIRTY_LENGTH_S, ENOUGH_DB = 16_000, 4.0, 12.0
WHISTLE_HZ, SIREN_HZ = 1870.0, (700.0, 3100.0)
MELODY = (57, 61, 64, 69, 66, 62, 59, 57)


def _bass_exercise(lower: int = 40) -> Exercise:
    upper = lower + 2

    def given() -> dict[str, Any]:
        notes = [
            signals.harmonic_tone(units.midi_to_hz(pitch), BASS_LENGTH_S, BASS_RATE_HZ, harmonics=6, amplitude=0.3)
            for pitch in (lower, upper)
        ]
        return {"recording": signals.fade(notes[0] + notes[1], 0.05, BASS_RATE_HZ), "sample_rate_hz": BASS_RATE_HZ}

    def check(answer: Any) -> str | None:
        return answers.number(
            answer,
            upper,
            0.3,
            name="the pitch",
            where="Is your window long enough to show two hills, and is its axis in Hz right?",
            mistakes={
                "That lies between the two notes: they are still one hill. The window is too short.": lower + 1,
                "That is the lower of the two notes.": lower,
                "That is an octave above the upper note: a second harmonic.": upper + 12,
                "That is an octave above the lower note: a second harmonic.": lower + 12,
                "That is an octave below the upper note. Bin N / 2 is half the sample rate, not the whole.": upper - 12,
                "That is an octave below the lower note. Bin N / 2 is half the sample rate, not the whole.": lower - 12,
            },
        )

    return Exercise.from_files(
        __file__,
        number="1.1",
        kind="sound",
        task='Two low notes, a whole tone apart, are held in `lab.given("1.1")`. Which MIDI pitch has the upper one?',
        check=check,
        given=given,
        hints=(
            "How many Hz lie between two notes a whole tone apart, at 100 Hz? How long must a Hann window be for that?",
            "Nothing changes in this recording, so that one window over all of it does no harm.",
            "Find the two strongest peaks of the spectrum, and turn the frequency of the upper one into a pitch: "
            "lesson 00 has the equation, or use `mss_lab.units.hz_to_midi`.",
        ),
        praise="In a melody you could not take so long a window: the next note would fall into the same column.",
        drawn=lambda rng: _bass_exercise(int(rng.integers(36, 50))),
    )


def _check_amplitude(answer: Any) -> str | None:
    rng = answers.rng(12)
    other_start = rng.uniform(0, 2 * np.pi)
    for samples, disturbed in (
        (answers.varied(800, 700, 900, rng), False),
        (answers.varied(1001, 900, 1100, rng), False),
        (answers.varied(2000, 1800, 2200, rng), True),
        (answers.varied(2000, 1800, 2200, rng), True),
    ):
        rate = answers.varied(8000, 7000, 9000, rng)
        # Between two bins, where a transform has no number for it.
        hz = (answers.varied(60, 50, 70, rng) + 0.5) * rate / samples
        amplitude, start = float(rng.uniform(0.1, 0.9)), rng.uniform(0.2, 1.3)
        times_s = np.arange(samples) / rate
        x = amplitude * np.cos(2 * np.pi * hz * times_s + start)
        if disturbed:
            # A quarter of a turn further at the second time, so that one of the two leaks wherever it starts.
            other_start += np.pi / 2
            other_hz = hz + 20.5 * rate / samples
            x = x + 3 * np.cos(2 * np.pi * other_hz * times_s + start + other_start)
        window = transforms.make_window("hann", samples)
        wave = np.exp(-2j * np.pi * hz * times_s)
        nearest = 2 * np.abs(np.fft.rfft(window * x))[round(hz * samples / rate)] / window.sum()
        wrong = answers.number(
            answers.call(answer, x, hz, rate, name="amplitude_of"),
            amplitude,
            0.01 * amplitude,
            name="the amplitude",
            where=f"({samples} samples at {rate} Hz, the tone at {hz:.1f} Hz.)",
            mistakes={
                "That is half of it: a cosine's energy lies at its frequency and at minus its frequency.": amplitude
                / 2,
                "That is the value of the nearest bin, but this tone lies between two bins.": float(nearest),
                "That is the value of a bin beside the tone, without a factor of 2 as well.": float(nearest) / 2,
                "That is the sum, not yet divided by what the window adds up to.": float(
                    np.abs(np.sum(window * x * wave))
                ),
                "That is right for a tone alone, but here another one leaks into the sum: a frame needs fading.": float(
                    2 * np.abs(np.mean(x * wave))
                ),
                "That is the cosine's sum alone, which depends on where the tone starts.": float(
                    2 * np.abs(np.sum(window * x * wave.real)) / window.sum()
                ),
            },
        )
        if wrong:
            return wrong
    return None


def _clean_and_dirty() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The music of 1.3, and what disturbs it."""
    rate = DIRTY_RATE_HZ
    length_s = DIRTY_LENGTH_S / len(MELODY)
    notes = [
        signals.fade(
            signals.harmonic_tone(units.midi_to_hz(pitch), length_s, rate, harmonics=12, slope=1.2), 0.03, rate
        )
        for pitch in MELODY
    ]
    music = np.concatenate(notes, axis=1)
    disturbances = {
        "whistle": signals.tone(WHISTLE_HZ, DIRTY_LENGTH_S, rate, amplitude=0.3),
        "siren": signals.chirp(*SIREN_HZ, DIRTY_LENGTH_S, rate, amplitude=0.3),
    }
    return music, disturbances


def _dirty_recording() -> dict[str, Any]:
    music, disturbances = _clean_and_dirty()
    return {"recording": music + sum(disturbances.values()), "sample_rate_hz": DIRTY_RATE_HZ}


def _check_clean(answer: Any) -> str | None:
    music, disturbances = _clean_and_dirty()
    if answers.is_blank(answer):
        raise answers.Blank
    estimate = np.asarray(answer)
    if estimate.dtype.kind not in "iuf" or estimate.size != music.size or estimate.ndim > 2:
        return f"The answer must be an array of shape {music.shape}, real numbers, got {answers.describe(answer)}."
    estimate = estimate.reshape(music.shape).astype(float)
    if not np.all(np.isfinite(estimate)) or not estimate.any():
        return "The answer is silent, or holds NaN or infinite values."
    reached_db = energy.sdr(music, estimate)
    if reached_db >= ENOUGH_DB:
        return None
    # How much of each disturbance is still there: the factor that fits the error best.
    left = {name: np.vdot(wave, estimate - music) / np.vdot(wave, wave) for name, wave in disturbances.items()}
    audible = [name for name, factor in left.items() if factor > 0.15]
    if audible:
        names = " and the ".join(audible)
        return f"The SDR is {reached_db:.1f} dB. Still there, as loud as before or nearly: the {names}."
    return f"The SDR is {reached_db:.1f} dB. Whistle and siren are gone, and too much of the music with them."


def _check_overlap_add(answer: Any) -> str | None:
    rng = answers.rng(14)
    quarter, half, whole = (answers.varied(usual, usual - 1, usual + 2, rng) for usual in (4, 6, 8))
    for analysis_name, synthesis_name, samples, hop, count in (
        ("hann", "hamming", 4 * quarter, quarter, answers.varied(7, 5, 9, rng)),
        ("sine", "hann", 2 * half, half, 5),
        ("hamming", "sine", answers.varied(10, 7, 12, rng), 3, 6),
        # One of the samples is covered by no window.
        ("hann", "hann", whole, whole, 3),
    ):
        analysis, synthesis = (transforms.make_window(name, samples) for name in (analysis_name, synthesis_name))
        total = (count - 1) * hop + samples
        x = rng.standard_normal(total)
        frames = np.stack([analysis * x[t * hop : t * hop + samples] for t in range(count)], axis=1)
        result = answers.call(answer, frames, analysis, synthesis, hop, name="overlap_add")
        wrong = answers.array(
            result,
            _overlap_add(frames, synthesis, analysis * synthesis, hop),
            "samples",
            tolerance=1e-9,
            name="the waveform",
            where=f"(Analysis {analysis_name}, synthesis {synthesis_name}, {samples} samples, hop {hop}.)",
            mistakes={
                "The frames are added, but nothing is divided.": _overlap_add(frames, synthesis, None, hop),
                "The frames are added as they are, without the window of the synthesis.": _overlap_add(
                    frames, np.ones(samples), analysis * synthesis, hop
                ),
                "The divisor is that of the lesson's inverse, where both windows are one. Each sample was multiplied "
                "by another pair here.": _overlap_add(frames, synthesis, synthesis**2, hop),
                "The divisor has the window of the analysis twice.": _overlap_add(frames, synthesis, analysis**2, hop),
                "The divisor is a sum of windows; each sample was multiplied by a window twice.": _overlap_add(
                    frames, synthesis, synthesis, hop
                ),
            },
        )
        if wrong:
            return wrong
    return None


def _overlap_add(frames: np.ndarray, fade: np.ndarray, divisor: np.ndarray | None, hop: int) -> np.ndarray:
    """Overlap-add with a window and a divisor of one frame, or without a divisor; 0 where the divisor adds up to 0."""
    samples, count = frames.shape
    total, weight = np.zeros((2, (count - 1) * hop + samples))
    for t in range(count):
        total[t * hop : t * hop + samples] += frames[:, t] * fade
        if divisor is not None:
            weight[t * hop : t * hop + samples] += divisor
    return total if divisor is None else np.where(weight > 0, total / np.where(weight > 0, weight, 1), 0)


EXERCISES = (
    _bass_exercise(),
    Exercise.from_files(
        __file__,
        number="1.2",
        kind="construct",
        task="Write `amplitude_of(x, frequency_hz, sample_rate_hz)`: the amplitude of the sinusoid of one frequency, "
        "on a bin or between two, wherever it starts, and beside a louder one.",
        check=_check_amplitude,
        hints=(
            "The two inner products of step 2 work for any number of turns, not only for whole ones.",
            "Step 4 shows how to keep another tone out of the sum.",
            "Try your function on a tone of amplitude 1: by which factor is its result off, and does the factor depend "
            "on the window?",
        ),
        praise="A loop over fundamental frequencies would now be a tuner.",
    ),
    Exercise.from_files(
        __file__,
        number="1.3",
        kind="sound",
        task='Return the music of `lab.given("1.3")` without whistle and siren, with an SDR of at least 12 dB.',
        check=_check_clean,
        given=_dirty_recording,
        hints=(
            "Draw the spectrogram. At which frequency is the line that never moves? From where to where does the other "
            "one rise?",
            "For each frame, the frequencies of both lines are known: set the bins near them to zero. How wide is a "
            "tone in this window?",
            "Few bins on either side are enough. If too much music is lost, take a longer window, so that a line is "
            "narrower in Hz; if the siren leaks, a shorter one.",
        ),
        praise="You have drawn a mask by hand. Lesson 03 asks how good a mask can be, and later ones how to find it.",
    ),
    Exercise.from_files(
        __file__,
        number="1.4",
        kind="construct",
        task="Write `overlap_add(frames, analysis, synthesis, R)`: fade with the second window, add, and divide so "
        "that the result is exact; 0 where no window covers a sample.",
        check=_check_overlap_add,
        hints=(
            "Make two arrays of zeros of (count - 1) R + N samples: one for the frames, one for the divisor.",
            "By which two windows has a sample been multiplied when all is added?",
            "np.where(weight > 0, weight, 1) is a divisor that is never 0.",
        ),
        praise="It held for four pairs of windows, one of which leaves samples uncovered.",
    ),
)
