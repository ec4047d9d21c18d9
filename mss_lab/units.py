"""Units: conversions of seconds, samples, frames, Hz, MIDI pitches, cents and decibels.

Every function takes numbers or arrays and returns the same kind. Rates, hops and windows must be above 0; amplitudes,
powers and frequencies must be 0 or more; ValueError otherwise. A4 is MIDI pitch 69 at `tuning_hz`, by default 440 Hz.
Lesson: notebooks/01_sound_into_matrices.ipynb
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import checks
from .refusals import RefusedType, RefusedValue

A4_MIDI = 69
A4_HZ = 440.0
PITCH_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def seconds_to_samples(time_s: ArrayLike, sample_rate_hz: float) -> Any:
    """Nearest sample index of a time in seconds, an int.

    Examples
    --------
    >>> int(seconds_to_samples(0.5, 44_100))
    22050
    """
    time_s = checks.check_finite("time_s", np.asarray(time_s, dtype=float))
    return np.rint(time_s * _positive("sample_rate_hz", sample_rate_hz)).astype(int)[()]


def samples_to_seconds(samples: ArrayLike, sample_rate_hz: float) -> Any:
    """Time in seconds of a sample index."""
    return (np.asarray(samples) / _positive("sample_rate_hz", sample_rate_hz))[()]


def seconds_to_frames(time_s: ArrayLike, hop_samples: int, sample_rate_hz: float) -> Any:
    """Position on the frame axis of a time in seconds, not rounded: frame n is centred on n hops."""
    return (np.asarray(time_s) * _positive("sample_rate_hz", sample_rate_hz) / _positive("hop_samples", hop_samples))[
        ()
    ]


def frames_to_seconds(frames: ArrayLike, hop_samples: int, sample_rate_hz: float) -> Any:
    """Time in seconds of the centre of a frame."""
    return (np.asarray(frames) * _positive("hop_samples", hop_samples) / _positive("sample_rate_hz", sample_rate_hz))[
        ()
    ]


def bins_to_hz(bins: ArrayLike, window_samples: int, sample_rate_hz: float) -> Any:
    """Centre frequency in Hz of an STFT bin.

    Examples
    --------
    >>> float(bins_to_hz(2, 4096, 44_100))
    21.533203125
    """
    # Multiplied first, so that the last bin of an even window is exactly half the sample rate.
    scaled = np.asarray(bins) * _positive("sample_rate_hz", sample_rate_hz)
    return (scaled / _positive("window_samples", window_samples))[()]


def hz_to_bins(frequency_hz: ArrayLike, window_samples: int, sample_rate_hz: float) -> Any:
    """Position on the frequency axis of a frequency in Hz, not rounded."""
    scaled = np.asarray(frequency_hz) * _positive("window_samples", window_samples)
    return (scaled / _positive("sample_rate_hz", sample_rate_hz))[()]


def midi_to_hz(midi: ArrayLike, tuning_hz: float = A4_HZ) -> Any:
    """Fundamental frequency in Hz of a MIDI pitch; fractions of a semitone are allowed.

    Examples
    --------
    >>> float(midi_to_hz(69)), float(midi_to_hz(81))
    (440.0, 880.0)
    """
    return (_positive("tuning_hz", tuning_hz) * 2.0 ** ((np.asarray(midi, dtype=float) - A4_MIDI) / 12))[()]


def hz_to_midi(frequency_hz: ArrayLike, tuning_hz: float = A4_HZ) -> Any:
    """MIDI pitch of a frequency in Hz, not rounded; 0 Hz lies below every pitch, at minus infinity.

    Examples
    --------
    >>> float(hz_to_midi(880.0))
    81.0
    """
    ratio = _not_negative("frequency_hz", frequency_hz) / _positive("tuning_hz", tuning_hz)
    with np.errstate(divide="ignore"):
        return (A4_MIDI + 12 * np.log2(ratio))[()]


def midi_to_name(midi: float) -> str:
    """Scientific name of the nearest pitch: 60 is C4, 69 is A4, 60.7 is C#4.

    Examples
    --------
    >>> midi_to_name(60), midi_to_name(69)
    ('C4', 'A4')
    """
    nearest = nearest_pitch(midi)
    return f"{PITCH_NAMES[nearest % 12]}{nearest // 12 - 1}"


def nearest_pitch(midi: float) -> int:
    """The whole MIDI pitch nearest to a fractional one; a quarter tone is rounded up."""
    # Python's round rounds halves to the even number: 60.5 down, but 61.5 up.
    return math.floor(float(checks.check_number("midi", midi)) + 0.5)


def cents_to_ratio(cents: ArrayLike) -> Any:
    """Frequency ratio of an interval: 1200 cents is an octave, a factor of 2.

    Examples
    --------
    >>> float(cents_to_ratio(1200))
    2.0
    """
    return (2.0 ** (np.asarray(cents, dtype=float) / 1200))[()]


def ratio_to_cents(ratio: ArrayLike) -> Any:
    """Interval in cents of a frequency ratio."""
    with np.errstate(divide="ignore"):
        return (1200 * np.log2(_not_negative("ratio", ratio)))[()]


def amplitude_to_db(amplitude: ArrayLike, floor_db: float = -np.inf) -> Any:
    """Level in dB of a linear amplitude: 20 log10, but at least `floor_db`, which is the level of silence.

    Examples
    --------
    >>> float(amplitude_to_db(0.1))
    -20.0
    """
    with np.errstate(divide="ignore"):
        return np.maximum(20 * np.log10(_not_negative("amplitude", amplitude)), floor_db)[()]


def db_to_amplitude(level_db: ArrayLike) -> Any:
    """Linear amplitude of a level in dB."""
    return (10.0 ** (np.asarray(level_db, dtype=float) / 20))[()]


def power_to_db(power: ArrayLike, floor_db: float = -np.inf) -> Any:
    """Level in dB of a power or an energy: 10 log10, but at least `floor_db`, which is the level of silence."""
    with np.errstate(divide="ignore"):
        return np.maximum(10 * np.log10(_not_negative("power", power)), floor_db)[()]


def _positive(name: str, value: float) -> float:
    return float(checks.check_number(name, value, above=0))


def _not_negative(name: str, values: ArrayLike) -> np.ndarray:
    if np.iscomplexobj(values):
        raise RefusedType(f"{name} must be real, got complex values; take np.abs first")
    values = np.asarray(values, dtype=float)
    if values.size and values.min() < 0:
        raise RefusedValue(
            f"{name} must be 0 or more, got {values.min():.3g}; take np.abs first if the sign means nothing"
        )
    return values
