"""Background sounds of a microphone: rumble, bumps, hum and hiss.

Real recordings contain them and rendered ones do not. They can have a tenth of a stem's energy below the lowest note,
where they are hardly audible but change every energy ratio; a network that was not trained with them treats them as
music. Each player has a separate microphone here, as if players were recorded one by one and mixed.

Contents: draw, with_background. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import numpy as np
from scipy import signal

from .. import checks, units

# The probability of each sound in a stem, and its level relative to the stem's own energy, in dB.
RUMBLE = (0.5, (-35.0, -8.0))
BUMPS = (0.3, (-35.0, -10.0))
HUM = (0.1, (-50.0, -25.0))
HISS = (0.4, (-65.0, -35.0))
# Duration of a bump until it has decayed.
BUMP_S = 0.6
BUMPS_PER_S = 0.15


def draw(samples: int, sample_rate_hz: int, *, rng: np.random.Generator) -> np.ndarray:
    """The background of one microphone next to an instrument of mean power 1.

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

    Lesson: notebooks/15_data_is_the_model.ipynb. Reference: none, own method.
    """
    samples = checks.check_number("samples", samples, at_least=1, whole=True)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_generator("rng", rng)
    background = np.zeros(samples)
    for (probability, levels_db), kind in ((RUMBLE, _rumble), (BUMPS, _bumps), (HUM, _hum), (HISS, _hiss)):
        # The generator is used even if the sound is left out, so that the following sounds do not depend on it.
        own_rng = np.random.default_rng(rng.integers(1 << 63))
        if own_rng.random() < probability:
            sound = kind(samples, sample_rate_hz, own_rng)
            power = np.mean(sound**2)
            if power > 0:
                background += sound * units.db_to_amplitude(own_rng.uniform(*levels_db)) / np.sqrt(power)
    return background.astype(np.float32)


def with_background(audio: np.ndarray, sample_rate_hz: int, *, rng: np.random.Generator) -> np.ndarray:
    """Stems, each with a random background relative to its level.

    Parameters
    ----------
    audio : float (sources, samples)
    sample_rate_hz : int
    rng : np.random.Generator

    Returns
    -------
    float32 (sources, samples)
        A silent stem stays silent.

    Lesson: notebooks/15_data_is_the_model.ipynb. Reference: none, own method.

    Examples
    --------
    >>> stems = np.stack([np.ones(8_000), np.zeros(8_000)])
    >>> noisy = with_background(stems, 8_000, rng=np.random.default_rng(0))
    >>> bool(np.any(noisy[0] != stems[0])), bool(np.any(noisy[1]))
    (True, False)
    """
    audio = checks.check_axes("audio", audio, "sources samples")
    power = np.mean(np.square(audio, dtype=np.float64), axis=1, keepdims=True)
    noise = np.stack([draw(audio.shape[1], sample_rate_hz, rng=rng) for _ in audio])
    result: np.ndarray = (audio + np.sqrt(power) * noise).astype(np.float32)
    return result


def _rumble(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Noise below a corner of 12 to 60 Hz, with a varying level."""
    corner_hz = np.exp(rng.uniform(np.log(12), np.log(60)))
    band = signal.butter(2, [4, corner_hz], "bandpass", fs=sample_rate_hz, output="sos")
    noise = signal.sosfilt(band, rng.standard_normal(samples))
    # Level in dB, interpolated between two random values a second.
    knots = rng.normal(0, rng.uniform(0, 8), 2 + 2 * samples // sample_rate_hz)
    positions = np.linspace(0, len(knots) - 1, samples)
    result: np.ndarray = noise * units.db_to_amplitude(np.interp(positions, np.arange(len(knots)), knots))
    return result


def _bumps(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Knocks on a stand, a foot on the floor: low tones that decay quickly."""
    bumps = np.zeros(samples)
    count = 1 + rng.poisson(BUMPS_PER_S * samples / sample_rate_hz)
    times_s = np.arange(int(BUMP_S * sample_rate_hz)) / sample_rate_hz
    for start in rng.integers(samples, size=count):
        tone_hz, decay_s = rng.uniform(12, 70), rng.uniform(0.04, 0.15)
        bump = rng.uniform(0.2, 1.0) * np.sin(2 * np.pi * tone_hz * times_s) * np.exp(-times_s / decay_s)
        stop = min(samples, start + len(bump))
        bumps[start:stop] += bump[: stop - start]
    return bumps


def _hum(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Mains at 50 or 60 Hz with a few harmonics."""
    times_s = np.arange(samples) / sample_rate_hz
    mains_hz = rng.choice([50.0, 60.0])
    harmonics = range(1, int(rng.integers(2, 7)))
    tones = (
        rng.uniform(0, 1) / number * np.sin(2 * np.pi * number * mains_hz * times_s + rng.uniform(0, 2 * np.pi))
        for number in harmonics
    )
    result: np.ndarray = np.sum(list(tones), axis=0)
    return result


def _hiss(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Noise that falls by 0 to 6 dB an octave above some 100 Hz."""
    noise = rng.standard_normal(samples)
    lowest = np.exp(-2 * np.pi * 100 / sample_rate_hz)
    falling = signal.lfilter([1 - lowest], [1, -lowest], noise)
    darkness = rng.uniform()
    # A single sample has a standard deviation of 0.
    result: np.ndarray = darkness * falling / max(np.std(falling), 1e-9) + (1 - darkness) * noise
    return result
