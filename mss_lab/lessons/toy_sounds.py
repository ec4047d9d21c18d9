"""Small synthetic instruments, of which everything is known: for mixtures that lessons and exercises make.

All sounds are mono, (1, samples), at 16 000 Hz, and last 4 s unless another length is given.

Contents: RATE_HZ, LENGTH_S; tune, plucked, organ, drums, loop, vowel, voice, roar.
"""

from collections.abc import Sequence

import numpy as np
import scipy.signal

from .. import signals, units

RATE_HZ = 16_000
LENGTH_S = 4.0

# How fast a plucked string and a drum stroke die away: seconds until they have 37 % of their amplitude.
STRING_DECAY_S = 0.25
STRING_S = 8 * STRING_DECAY_S
STROKE_DECAY_S = 0.012


def tune(notes: Sequence[tuple[int, float, float]], slope: float, *, length_s: float = LENGTH_S) -> np.ndarray:
    """Held notes.

    Parameters
    ----------
    notes : sequence of (MIDI pitch, onset_s, offset_s)
    slope : float
        The amplitudes of the harmonics fall by this power of their number.
    """
    sound = np.zeros((1, round(length_s * RATE_HZ)))
    for midi, onset_s, offset_s in notes:
        tone = signals.harmonic_tone(float(units.midi_to_hz(midi)), offset_s - onset_s, RATE_HZ, slope=slope)
        tone = signals.fade(tone, 0.02, RATE_HZ)
        start = round(onset_s * RATE_HZ)
        sound[:, start : start + tone.shape[1]] += tone
    return sound


def plucked(notes: Sequence[tuple[int, float]], *, length_s: float = LENGTH_S) -> np.ndarray:
    """Notes of a plucked string, each of which dies away: a sequence of (MIDI pitch, onset_s)."""
    sound = np.zeros((1, round(length_s * RATE_HZ)))
    decay = np.exp(-np.arange(round(STRING_S * RATE_HZ)) / (STRING_DECAY_S * RATE_HZ))
    for midi, onset_s in notes:
        start = round(onset_s * RATE_HZ)
        tone = signals.harmonic_tone(float(units.midi_to_hz(midi)), STRING_S, RATE_HZ, slope=1.2) * decay
        tone = tone[:, : sound.shape[1] - start]
        sound[:, start : start + tone.shape[1]] += tone
    return signals.fade(sound, 0.005, RATE_HZ)


def organ(f0s_hz: Sequence[float] = (196.0, 246.9, 293.7), *, length_s: float = LENGTH_S) -> np.ndarray:
    """A chord that is held; by default G major."""
    chord = [signals.harmonic_tone(f0_hz, length_s, RATE_HZ, slope=1.5) for f0_hz in f0s_hz]
    return signals.fade(np.sum(chord, axis=0), 0.05, RATE_HZ)


def drums(rng: np.random.Generator, *, length_s: float = LENGTH_S) -> np.ndarray:
    """Strokes of noise at irregular times, three a second."""
    sound = np.zeros((1, round(length_s * RATE_HZ)))
    dies_away = np.exp(-np.arange(round(0.05 * RATE_HZ)) / (STROKE_DECAY_S * RATE_HZ))
    for start_s in np.cumsum(rng.uniform(0.12, 0.4, round(3 * length_s))):
        start = round(start_s * RATE_HZ)
        stroke = (dies_away * rng.standard_normal(len(dies_away)))[: max(0, sound.shape[1] - start)]
        sound[0, start : start + len(stroke)] += stroke
    return sound


def loop(*, length_s: float = LENGTH_S) -> np.ndarray:
    """Half a second of four short notes, again and again."""
    steps = []
    for f0_hz in (110.0, 164.8, 130.8, 196.0):
        tone = signals.harmonic_tone(f0_hz, 0.125, RATE_HZ, slope=0.7)
        steps.append(tone * np.exp(-np.arange(tone.shape[1]) / (0.06 * RATE_HZ)))
    return np.tile(signals.fade(np.concatenate(steps, axis=1), 0.005, RATE_HZ), (1, round(2 * length_s)))


def vowel(f0_hz: float, formants_hz: Sequence[float], *, length_s: float = LENGTH_S) -> np.ndarray:
    """A vowel on one pitch, with some vibrato."""
    times_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    cents = 20 * np.sin(2 * np.pi * f0_hz / 30 * times_s)
    phase = 2 * np.pi * np.cumsum(f0_hz * 2 ** (cents / 1200)) / RATE_HZ
    numbers = np.arange(1, int(6_000 / f0_hz))
    away_hz = np.subtract.outer(formants_hz, numbers * f0_hz)
    levels = 0.03 + np.sum(1 / (1 + (away_hz / 120) ** 2), axis=0)
    partials = [level / h**0.5 * np.sin(h * phase + h) for h, level in zip(numbers, levels, strict=True)]
    return signals.fade(np.sum(partials, axis=0)[np.newaxis], 0.05, RATE_HZ)


def voice(*, length_s: float = LENGTH_S) -> np.ndarray:
    """A melody that glides through five semitones each way, with vibrato."""
    times_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    cents = 500 * np.sin(2 * np.pi * 0.23 * times_s) + 50 * np.sin(2 * np.pi * 5.5 * times_s)
    phase = 2 * np.pi * np.cumsum(330 * 2 ** (cents / 1200)) / RATE_HZ
    sung = np.sum([np.sin(h * phase) / h for h in range(1, 13)], axis=0)
    return signals.fade(sung[np.newaxis], 0.05, RATE_HZ)


def roar(rng: np.random.Generator, *, length_s: float = LENGTH_S) -> np.ndarray:
    """Noise that is louder at low frequencies."""
    return np.asarray(scipy.signal.lfilter([1], [1, -0.6], signals.noise(length_s, RATE_HZ, rng=rng)))
