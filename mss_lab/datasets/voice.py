"""A synthetic singer: a glottal source whose harmonics pass through a vocal tract that moves between vowels.

Source and filter as defined by Fant: every harmonic h of the fundamental f0(t) gets the amplitude and phase of the
tract's response at h * f0(t) at that moment. There is no aliasing, and f0 is known at every sample. A little breath
(noise between 1.5 and 8 kHz) makes it sound less like an organ.

Contents: sing, fundamental_hz, VOWEL_FORMANTS_HZ. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

from collections.abc import Sequence

import numpy as np
from scipy import signal

from .. import checks, units
from ..refusals import RefusedValue
from ..score.notes import Note

# Formants 1 to 3: means of the women recorded by Peterson and Barney, "Control methods used in a study of the vowels",
# JASA 1952. The fourth and fifth hardly change with the vowel.
VOWEL_FORMANTS_HZ = {
    "a": (850, 1220, 2810, 3900, 4950),
    "e": (610, 2330, 2990, 3900, 4950),
    "i": (310, 2790, 3310, 3900, 4950),
    "o": (590, 920, 2710, 3900, 4950),
    "u": (370, 950, 2670, 3900, 4950),
}
FORMANT_BANDWIDTHS_HZ = (90, 110, 150, 220, 280)

GLIDE_S = 0.07
VIBRATO_HZ = 5.6
VIBRATO_CENTS = 35.0
VIBRATO_AFTER_S = 0.25
ATTACK_S = 0.035
RELEASE_S = 0.09
BREATH_DB = -38.0
CONTROL_SAMPLES = 64


def sing(
    notes: Sequence[Note],
    vowels: Sequence[str],
    samples: int,
    sample_rate_hz: int,
    *,
    rng: np.random.Generator,
    formant_ratio: float = 1.0,
) -> np.ndarray:
    """Sing a melody, one vowel a note.

    Parameters
    ----------
    notes : sequence of Note, in order of time, one at a time
    vowels : sequence of str, one a note
        Keys of VOWEL_FORMANTS_HZ.
    samples : int
        Length of the result.
    sample_rate_hz : int
    rng : np.random.Generator
        Draws the drift of the pitch (about 4 cents) and the breath.
    formant_ratio : float in [0.5, 2]
        All formants are multiplied by it: about 0.85 makes the vocal tract that of a man, 1.15 that of a child.

    Returns
    -------
    float64 (1, samples), peak 0.5
        Silent before the first note and after the last has decayed.

    Raises
    ------
    ValueError
        If there are not as many vowels as notes, a vowel is unknown, two notes overlap, or a number is out of its
        range.

    Reference: Fant, Acoustic Theory of Speech Production, 1960.
    """
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("samples", samples, at_least=1, whole=True)
    checks.check_generator("rng", rng)
    checks.check_number("formant_ratio", formant_ratio, at_least=0.5, at_most=2)
    if len(vowels) != len(notes):
        raise RefusedValue(f"vowels must be one for each note, got {len(vowels)} for {len(notes)} notes")
    for vowel in vowels:
        checks.check_choice("vowel", vowel, VOWEL_FORMANTS_HZ)
    if not notes:
        return np.zeros((1, samples))
    f0_hz = fundamental_hz(notes, samples, sample_rate_hz, rng=rng)
    loudness = _envelope(notes, samples, sample_rate_hz)
    formants_hz = formant_ratio * _formants(notes, vowels, samples, sample_rate_hz)
    voiced = _harmonics(f0_hz, formants_hz, sample_rate_hz)
    voice = loudness * (voiced + _breath(samples, sample_rate_hz, rng) * np.std(voiced))
    result: np.ndarray = (0.5 * voice / np.abs(voice).max())[np.newaxis]
    return result


def fundamental_hz(notes: Sequence[Note], samples: int, sample_rate_hz: int, *, rng: np.random.Generator) -> np.ndarray:
    """The sung fundamental in Hz at every sample, (samples,): glides between notes, vibrato on long ones, slow drift.

    A glide lasts 70 ms and is half done at the onset. Vibrato begins 0.25 s after the onset and varies by 35 cents up
    and down; drift stays within about ten cents. The mean over a note is the written pitch.
    """
    times_s = np.arange(samples) / sample_rate_hz
    pitch = np.full(samples, float(notes[0].midi))
    depth_cents = np.zeros(samples)
    for before, note in zip([None, *notes[:-1]], notes, strict=True):
        if before is not None:
            if note.onset_s < before.offset_s:
                raise RefusedValue(
                    f"a singer sings one note at a time, but the note at {note.onset_s:.3f} s starts before the one at "
                    f"{before.onset_s:.3f} s has ended ({before.offset_s:.3f} s); end it earlier"
                )
            # Raised cosine from 0 to 1, centred on the onset.
            progress = np.clip((times_s - note.onset_s) / GLIDE_S + 0.5, 0, 1)
            pitch += (note.midi - before.midi) * (0.5 - 0.5 * np.cos(np.pi * progress))
        since_s = times_s - note.onset_s - VIBRATO_AFTER_S
        inside = (since_s > 0) & (times_s < note.offset_s)
        # It rises in 0.2 s and is over when the note ends: cut in the middle it would be a jump in pitch.
        swell = np.minimum(since_s / 0.2, (note.offset_s - times_s) / 0.06)
        depth_cents[inside] = VIBRATO_CENTS * np.minimum(1, swell[inside])
    vibrato_cents = depth_cents * np.sin(2 * np.pi * VIBRATO_HZ * times_s)
    knots = rng.normal(0, 4, max(2, int(times_s[-1] * 5) + 2))
    drift_cents = np.interp(times_s, np.arange(len(knots)) / 5, knots)
    result: np.ndarray = units.midi_to_hz(pitch) * units.cents_to_ratio(vibrato_cents + drift_cents)
    return result


def _envelope(notes: Sequence[Note], samples: int, sample_rate_hz: int) -> np.ndarray:
    """Loudness over time: a soft onset, a dip like an "l" where one syllable follows another, a release."""
    times_s = np.arange(samples) / sample_rate_hz
    envelope = np.zeros(samples)
    for number, note in enumerate(notes):
        joined_before = number > 0 and note.onset_s - notes[number - 1].offset_s < 0.08
        joined_after = number + 1 < len(notes) and notes[number + 1].onset_s - note.offset_s < 0.08
        end_s = notes[number + 1].onset_s if joined_after else note.offset_s
        attack = np.clip((times_s - note.onset_s) / ATTACK_S, 0, 1)
        release = np.clip((end_s - times_s) / (0.03 if joined_after else RELEASE_S), 0, 1)
        # The dip of a joined syllable goes down to a third, not to silence.
        floor_before = (times_s >= note.onset_s) * (0.33 if joined_before else 0.0)
        floor_after = (times_s < end_s) * (0.33 if joined_after else 0.0)
        rise = floor_before + (1 - floor_before) * (0.5 - 0.5 * np.cos(np.pi * attack))
        fall = floor_after + (1 - floor_after) * (0.5 - 0.5 * np.cos(np.pi * release))
        inside = (times_s >= note.onset_s) & (times_s < end_s)
        swell = 1 + 0.25 * np.sin(np.pi * np.clip((times_s - note.onset_s) / (end_s - note.onset_s), 0, 1))
        envelope[inside] = (note.velocity / 100 * rise * fall * swell)[inside]
    # A dip that jumps between two notes of unlike strength would click: a 5 ms mean takes the corner off.
    width = max(1, round(0.005 * sample_rate_hz))
    return np.convolve(envelope, np.hanning(width + 2)[1:-1] / np.hanning(width + 2).sum(), mode="same")


def _formants(notes: Sequence[Note], vowels: Sequence[str], samples: int, sample_rate_hz: int) -> np.ndarray:
    """Formant frequencies in Hz at control times, (5, controls): they move for 120 ms around an onset."""
    times_s = np.arange(0, samples + CONTROL_SAMPLES, CONTROL_SAMPLES) / sample_rate_hz
    formants = np.array([VOWEL_FORMANTS_HZ[vowel] for vowel in vowels], dtype=float)
    moving = np.repeat(formants[0][:, np.newaxis], len(times_s), axis=1)
    for note, before, after in zip(notes[1:], formants[:-1], formants[1:], strict=True):
        way = np.clip((times_s - note.onset_s) / 0.12 + 0.5, 0, 1)
        moving += (after - before)[:, np.newaxis] * (0.5 - 0.5 * np.cos(np.pi * way))
    return moving


def _tract(frequency_hz: np.ndarray, formants_hz: np.ndarray) -> np.ndarray:
    """Complex response of the source's slope and five resonances in cascade, each of gain 1 at 0 Hz."""
    # The glottal pulse falls by 12 dB an octave above some 200 Hz; the lips give 6 dB back.
    response = 1 / (1 + 1j * frequency_hz / 250.0)
    for formant_hz, bandwidth_hz in zip(formants_hz, FORMANT_BANDWIDTHS_HZ, strict=True):
        pole = -np.pi * bandwidth_hz + 2j * np.pi * formant_hz
        s = 2j * np.pi * frequency_hz
        response = response * np.abs(pole) ** 2 / ((s - pole) * (s - np.conj(pole)))
    return response


def _harmonics(f0_hz: np.ndarray, formants_hz: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Sum of the harmonics of f0 below 9 kHz (and below half the rate), each weighted by the tract: (samples,)."""
    samples = len(f0_hz)
    phase = 2 * np.pi * np.cumsum(f0_hz) / sample_rate_hz
    control_at = np.arange(formants_hz.shape[1]) * CONTROL_SAMPLES
    f0_control_hz = np.interp(control_at, np.arange(samples), f0_hz)
    highest_hz = min(9_000.0, 0.45 * sample_rate_hz)
    voice = np.zeros(samples)
    for number in range(1, int(highest_hz / f0_hz.min()) + 1):
        frequency_hz = number * f0_control_hz
        # Harmonics are faded out at the edge of the band, so that a rising pitch causes no clicks.
        near_edge = np.clip((highest_hz - frequency_hz) / 500, 0, 1)
        response = _tract(frequency_hz, formants_hz) * near_edge
        if not near_edge.any():
            break
        real = np.interp(np.arange(samples), control_at, response.real)
        imaginary = np.interp(np.arange(samples), control_at, response.imag)
        voice += real * np.cos(number * phase) - imaginary * np.sin(number * phase)
    return voice


def _breath(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Noise between 1.5 and 8 kHz at BREATH_DB below a signal of standard deviation 1."""
    edges_hz = (1_500, min(8_000, 0.45 * sample_rate_hz))
    band = signal.butter(2, edges_hz, btype="bandpass", fs=sample_rate_hz, output="sos")
    noise = signal.sosfilt(band, rng.standard_normal(samples))
    result: np.ndarray = noise / max(np.std(noise), 1e-12) * units.db_to_amplitude(BREATH_DB)
    return result
