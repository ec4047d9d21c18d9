"""What a microphone hears besides its instrument: rumble, bumps, hum and hiss.

Real recordings have it and rendered ones do not. It can carry a tenth of a stem's energy below the lowest note, where
no ear notices and every energy ratio does; a network that never met it takes it for music. Each player has their own
microphone here, as where players are recorded one by one and mixed.

Contents: draw, with_background. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import numpy as np
from scipy import signal

from .. import checks, units

# How often a stem has each, and how far below the stem's own energy it lies, in dB.
RUMBLE = (0.5, (-35.0, -8.0))
BUMPS = (0.3, (-35.0, -10.0))
HUM = (0.1, (-50.0, -25.0))
HISS = (0.4, (-65.0, -35.0))
# Of a bump, until it has died away.
BUMP_S = 0.6
BUMPS_PER_S = 0.15


def draw(samples: int, sample_rate_hz: int, *, rng: np.random.Generator) -> np.ndarray:
    """The background of one microphone beside an instrument of mean power 1.

    Parameters
    ----------
    samples : int >= 1
    sample_rate_hz : int
    rng : np.random.Generator

    Returns
    -------
    float32 (samples,)
        Often silent.

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range.

    Lesson: notebooks/15_data_is_the_model.ipynb. Source: ours.
    """
    samples = checks.check_number("samples", samples, at_least=1, whole=True)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_generator("rng", rng)
    found = np.zeros(samples)
    for (probability, levels_db), kind in ((RUMBLE, _rumble), (BUMPS, _bumps), (HUM, _hum), (HISS, _hiss)):
        # Drawn also where it is not heard: what follows must not depend on it.
        own = np.random.default_rng(rng.integers(1 << 63))
        if own.random() < probability:
            sound = kind(samples, sample_rate_hz, own)
            power = np.mean(sound**2)
            if power > 0:
                found += sound * units.db_to_amplitude(own.uniform(*levels_db)) / np.sqrt(power)
    return found.astype(np.float32)


def with_background(audio: np.ndarray, sample_rate_hz: int, *, rng: np.random.Generator) -> np.ndarray:
    """Stems, each with a background of its own that is drawn relative to its level.

    Parameters
    ----------
    audio : float (sources, samples)
    sample_rate_hz : int
    rng : np.random.Generator

    Returns
    -------
    float32 (sources, samples)
        A silent stem stays silent.

    Lesson: notebooks/15_data_is_the_model.ipynb. Source: ours.
    """
    audio = checks.check_axes("audio", audio, "sources samples")
    power = np.mean(np.square(audio, dtype=np.float64), axis=1, keepdims=True)
    noise = np.stack([draw(audio.shape[1], sample_rate_hz, rng=rng) for _ in audio])
    return (audio + np.sqrt(power) * noise).astype(np.float32)


def _rumble(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Noise below a corner of 12 to 60 Hz, whose level wanders."""
    corner_hz = np.exp(rng.uniform(np.log(12), np.log(60)))
    band = signal.butter(2, [4, corner_hz], "bandpass", fs=sample_rate_hz, output="sos")
    noise = signal.sosfilt(band, rng.standard_normal(samples))
    # In dB, from knot to knot, two a second.
    knots = rng.normal(0, rng.uniform(0, 8), 2 + 2 * samples // sample_rate_hz)
    places = np.linspace(0, len(knots) - 1, samples)
    return noise * units.db_to_amplitude(np.interp(places, np.arange(len(knots)), knots))


def _bumps(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Knocks at a stand, a foot on the floor: low tones that die away at once."""
    found = np.zeros(samples)
    count = 1 + rng.poisson(BUMPS_PER_S * samples / sample_rate_hz)
    times_s = np.arange(int(BUMP_S * sample_rate_hz)) / sample_rate_hz
    for start in rng.integers(samples, size=count):
        tone_hz, decay_s = rng.uniform(12, 70), rng.uniform(0.04, 0.15)
        bump = rng.uniform(0.2, 1.0) * np.sin(2 * np.pi * tone_hz * times_s) * np.exp(-times_s / decay_s)
        stop = min(samples, start + len(bump))
        found[start:stop] += bump[: stop - start]
    return found


def _hum(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Mains at 50 or 60 Hz with a few harmonics."""
    times_s = np.arange(samples) / sample_rate_hz
    mains_hz = rng.choice([50.0, 60.0])
    harmonics = range(1, int(rng.integers(2, 7)))
    tones = (
        rng.uniform(0, 1) / number * np.sin(2 * np.pi * number * mains_hz * times_s + rng.uniform(0, 2 * np.pi))
        for number in harmonics
    )
    return np.sum(list(tones), axis=0)


def _hiss(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Noise that falls by 0 to 6 dB an octave above some 100 Hz."""
    noise = rng.standard_normal(samples)
    lowest = np.exp(-2 * np.pi * 100 / sample_rate_hz)
    falling = signal.lfilter([1 - lowest], [1, -lowest], noise)
    darkness = rng.uniform()
    # A single sample has no spread.
    return darkness * falling / max(np.std(falling), 1e-9) + (1 - darkness) * noise
