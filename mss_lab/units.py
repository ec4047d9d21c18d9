"""Units: seconds, samples, frames, Hz, MIDI pitches, cents and decibels, each converted in this one place.

Every function takes numbers or arrays and returns the same kind. A4 is MIDI pitch 69 at `tuning_hz`, 440 Hz unless
said otherwise. Lesson: notebooks/01_sound_into_matrices.ipynb
"""

import numpy as np
from numpy.typing import ArrayLike

A4_MIDI = 69
A4_HZ = 440.0
PITCH_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def seconds_to_samples(time_s: ArrayLike, sample_rate_hz: float):
    """Nearest sample index of a time in seconds."""
    return np.rint(np.asarray(time_s) * sample_rate_hz).astype(int)[()]


def samples_to_seconds(samples: ArrayLike, sample_rate_hz: float):
    """Time in seconds of a sample index."""
    return (np.asarray(samples) / sample_rate_hz)[()]


def seconds_to_frames(time_s: ArrayLike, hop_samples: int, sample_rate_hz: float):
    """Position on the frame axis of a time in seconds, not rounded: frame n is centred on n hops."""
    return (np.asarray(time_s) * sample_rate_hz / hop_samples)[()]


def frames_to_seconds(frames: ArrayLike, hop_samples: int, sample_rate_hz: float):
    """Time in seconds of the centre of a frame."""
    return (np.asarray(frames) * hop_samples / sample_rate_hz)[()]


def bins_to_hz(bins: ArrayLike, window_samples: int, sample_rate_hz: float):
    """Centre frequency in Hz of an STFT bin."""
    return (np.asarray(bins) * sample_rate_hz / window_samples)[()]


def hz_to_bins(frequency_hz: ArrayLike, window_samples: int, sample_rate_hz: float):
    """Position on the frequency axis of a frequency in Hz, not rounded."""
    return (np.asarray(frequency_hz) * window_samples / sample_rate_hz)[()]


def midi_to_hz(midi: ArrayLike, tuning_hz: float = A4_HZ):
    """Fundamental frequency in Hz of a MIDI pitch; fractions of a semitone are allowed."""
    return (tuning_hz * 2.0 ** ((np.asarray(midi, dtype=float) - A4_MIDI) / 12))[()]


def hz_to_midi(frequency_hz: ArrayLike, tuning_hz: float = A4_HZ):
    """MIDI pitch of a frequency in Hz, not rounded."""
    return (A4_MIDI + 12 * np.log2(np.asarray(frequency_hz, dtype=float) / tuning_hz))[()]


def midi_to_name(midi: int) -> str:
    """Scientific pitch name: 60 is C4, 69 is A4."""
    return f"{PITCH_NAMES[int(midi) % 12]}{int(midi) // 12 - 1}"


def cents_to_ratio(cents: ArrayLike):
    """Frequency ratio of an interval: 1200 cents is an octave, a factor of 2."""
    return (2.0 ** (np.asarray(cents, dtype=float) / 1200))[()]


def ratio_to_cents(ratio: ArrayLike):
    """Interval in cents of a frequency ratio."""
    return (1200 * np.log2(np.asarray(ratio, dtype=float)))[()]


def amplitude_to_db(amplitude: ArrayLike, floor_db: float = -np.inf):
    """Level in dB of a linear amplitude: 20 log10. Silence is `floor_db`; nothing falls below it."""
    with np.errstate(divide="ignore"):
        return np.maximum(20 * np.log10(np.asarray(amplitude, dtype=float)), floor_db)[()]


def db_to_amplitude(level_db: ArrayLike):
    """Linear amplitude of a level in dB."""
    return (10.0 ** (np.asarray(level_db, dtype=float) / 20))[()]


def power_to_db(power: ArrayLike, floor_db: float = -np.inf):
    """Level in dB of a power or an energy: 10 log10. Silence is `floor_db`; nothing falls below it."""
    with np.errstate(divide="ignore"):
        return np.maximum(10 * np.log10(np.asarray(power, dtype=float)), floor_db)[()]
