"""Rooms and filters as short random impulse responses: direct sound, a few early echoes, and decaying noise.

A response starts with the direct sound at its first sample, so a room causes no delay: the onset of a note stays where
it is. It models no particular hall (for that, see `pyroomacoustics`), but varies in the properties that matter for
separation: how long notes last into the next, and how unevenly a room filters them.

Contents: Room, DRY, draw, response, apply, convolve, minimum_phase. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import dataclasses
from typing import Any

import numpy as np

from .. import checks

EARLY_S = 0.06


@dataclasses.dataclass(frozen=True)
class Room:
    """The parameters of a room's response.

    Attributes
    ----------
    room_s : float >= 0, seconds
        Time in which the echoes decay by 60 dB; 0 is no room.
    room_db : float
        Energy of all echoes, relative to that of the direct sound.
    room_early : int >= 0
        Early echoes, within the first 60 ms.
    room_damping_hz : float > 0
        Frequency above which echoes decay faster, the later the more.
    """

    room_s: float
    room_db: float
    room_early: int
    room_damping_hz: float

    def facts(self) -> dict[str, Any]:
        """The room as settings of a timbre."""
        return dataclasses.asdict(self)

    @classmethod
    def from_facts(cls, facts: Any) -> "Room":
        """The room of a timbre's settings (or of a dict from `facts`)."""
        return cls(*(facts[field.name] for field in dataclasses.fields(cls)))


DRY = Room(0.0, -60.0, 0, 8_000.0)


def draw(rng: np.random.Generator, *, dry: float = 0.3) -> Room:
    """A room, from a booth to a church; with probability `dry`, none.

    Lesson: notebooks/15_data_is_the_model.ipynb

    Examples
    --------
    >>> draw(np.random.default_rng(0), dry=1.0) == DRY
    True
    >>> bool(0.1 <= draw(np.random.default_rng(0), dry=0.0).room_s <= 1.5)
    True
    """
    checks.check_generator("rng", rng)
    checks.check_number("dry", dry, at_least=0, at_most=1)
    is_dry = rng.random() < dry
    length_s = float(np.exp(rng.uniform(np.log(0.1), np.log(1.5))))
    # Long echoes as loud as the direct sound would be unrealistic.
    drawn = Room(
        room_s=round(length_s, 4),
        room_db=round(rng.uniform(-24, -4) - 4 * max(0.0, length_s - 0.5), 3),
        room_early=int(rng.integers(0, 9)),
        room_damping_hz=round(float(np.exp(rng.uniform(np.log(1_500), np.log(10_000)))), 1),
    )
    return DRY if is_dry else drawn


def response(room: Room, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """The impulse response at a seat in a room, float64 (taps,); its first tap is the direct sound, 1.

    Two draws are two seats in the same room. Without a room there is one tap.

    Reference: Moorer, "About this reverberation business", Computer Music Journal 1979: late echoes are noise with an
    exponential decay.
    """
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_generator("rng", rng)
    if room.room_s <= 0:
        return np.ones(1)
    taps = max(2, round(room.room_s * sample_rate_hz))
    times_s = np.arange(taps) / sample_rate_hz
    echoes = np.zeros(taps)
    # The late part fades in within about 10 ms.
    late = rng.standard_normal(taps) * (1 - np.exp(-times_s / 0.01))
    echoes += late / max(np.sqrt(np.mean(late**2)), 1e-12)
    delays = rng.uniform(0.001, EARLY_S, room.room_early) * sample_rate_hz
    signs_and_sizes = rng.normal(0, 4, room.room_early)
    for delay, size in zip(delays.astype(int), signs_and_sizes, strict=True):
        if delay < taps:
            echoes[delay] += size
    echoes *= 10 ** (-3 * times_s / room.room_s)
    echoes = _darken(echoes, room.room_damping_hz, sample_rate_hz)
    echoes[0] = 0.0
    energy = np.sum(echoes**2)
    echoes *= 10 ** (room.room_db / 20) / np.sqrt(energy) if energy > 0 else 0.0
    echoes[0] = 1.0
    return echoes


def apply(waveform: np.ndarray, room: Room, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A waveform (samples,) as it sounds in a room, cut to its length."""
    taps = response(room, sample_rate_hz, rng)
    return waveform.copy() if len(taps) == 1 else convolve(waveform, taps)


def convolve(waveform: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """A waveform (samples,) through a filter (taps,), cut to its length."""
    samples = len(waveform)
    size = good_size(samples + min(len(taps), samples) - 1)
    return np.fft.irfft(np.fft.rfft(waveform, size) * np.fft.rfft(taps[:samples], size), size)[:samples]


def minimum_phase(frequencies_hz: np.ndarray, gains_db: Any, sample_rate_hz: int, taps: int = 512) -> np.ndarray:
    """The minimum-phase filter with the given gains, float64 (taps,): it has the shortest delay, and no pre-ringing.

    Parameters
    ----------
    frequencies_hz : float (knots,)
        Ascending; gains in dB are interpolated over the logarithm of frequency, and constant beyond the ends.
    gains_db : float (knots,)
    sample_rate_hz : int
    taps : int

    Reference: Oppenheim and Schafer, Discrete-Time Signal Processing, the chapter on cepstra.
    """
    size = 8 * taps
    bins_hz = np.maximum(np.arange(size // 2 + 1) * sample_rate_hz / size, frequencies_hz[0])
    gains = np.interp(np.log(bins_hz), np.log(frequencies_hz), np.asarray(gains_db, dtype=float))
    cepstrum = np.fft.irfft(gains * np.log(10) / 20, size)
    # Fold the part before time 0 onto the part after it.
    cepstrum[1 : size // 2] *= 2
    cepstrum[size // 2 + 1 :] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), size)[:taps]


def good_size(samples: int) -> int:
    """The next length for which a Fourier transform is fast: 2^a, 3 * 2^a or 5 * 2^a."""
    return int(min(factor * 2 ** max(0, int(np.ceil(np.log2(max(samples, 1) / factor)))) for factor in (1, 3, 5)))


def _darken(echoes: np.ndarray, damping_hz: float, sample_rate_hz: int) -> np.ndarray:
    """Echoes with decreasing high frequencies: a weighted mean that moves over time from bright to dull."""
    size = good_size(2 * len(echoes))
    bins_hz = np.arange(size // 2 + 1) * sample_rate_hz / size
    dull = np.fft.irfft(np.fft.rfft(echoes, size) / (1 + (bins_hz / damping_hz) ** 2), size)[: len(echoes)]
    age = np.linspace(0, 1, len(echoes))
    result: np.ndarray = (1 - age) * echoes + age * dull
    return result
