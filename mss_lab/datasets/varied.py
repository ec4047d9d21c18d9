"""The same notes on a slightly different instrument: excerpts with another tone colour, faster or slower.

A network that is trained on few instruments memorises them. These changes make each excerpt one of an instrument
that it has not met: an equaliser with random gains changes the tone colour, and playing at another speed changes pitch,
tempo and resonances together.

Contents: SPEEDS, equalised, at_speed. Lesson: notebooks/22_hierarchies_and_queries.ipynb
"""

import numpy as np

from .. import checks
from ..refusals import RefusedValue, ShapeError

# The lowest frequency of the equaliser; its others follow in octaves.
LOWEST_HZ = 62.5
# Just intervals, from a minor third down to one up.
SPEEDS = ((5, 6), (8, 9), (15, 16), (1, 1), (16, 15), (9, 8), (6, 5))


def equalised(audio: np.ndarray, sample_rate_hz: int, spread_db: float, rng: np.random.Generator) -> np.ndarray:
    """A sound through an equaliser with random gains, at its level before.

    Parameters
    ----------
    audio : float (..., samples)
    sample_rate_hz : int
    spread_db : float >= 0, dB
        Standard deviation of the gains, one for each octave from 62.5 Hz up to half the sample rate. Between them the
        gain in dB is interpolated over the logarithm of frequency. The filter has zero phase.
    rng : np.random.Generator

    Returns
    -------
    float32 (..., samples)

    Raises
    ------
    TypeError, ValueError
        If there is no sample, a number is out of its range, or `rng` is no generator.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb

    Examples
    --------
    >>> equalised(np.array([0.5, -0.5, 0.25]), 16_000, 0.0, np.random.default_rng(0)).tolist()
    [0.5, -0.5, 0.25]
    """
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("spread_db", spread_db, at_least=0, unit="dB")
    checks.check_generator("rng", rng)
    audio = _checked(audio)
    octaves = np.arange(0.0, np.log2(sample_rate_hz / 2 / LOWEST_HZ) + 1)
    gains_db = spread_db * rng.standard_normal(len(octaves))
    samples = audio.shape[-1]
    # The response of so smooth a filter is short: half as much silence again keeps the ends apart.
    padded = 2 ** int(np.ceil(np.log2(samples + samples // 2 + 1)))
    frequencies_hz = np.maximum(np.fft.rfftfreq(padded, 1 / sample_rate_hz), LOWEST_HZ)
    gain = 10 ** (np.interp(np.log2(frequencies_hz / LOWEST_HZ), octaves, gains_db) / 20)
    filtered = np.fft.irfft(np.fft.rfft(audio, padded) * gain.astype(np.float32), padded)[..., :samples]
    energy = np.sum(np.square(filtered, dtype=np.float64), axis=-1, keepdims=True)
    own_energy = np.sum(np.square(audio, dtype=np.float64), axis=-1, keepdims=True)
    result: np.ndarray = (filtered * np.sqrt(own_energy / np.where(energy > 0, energy, 1))).astype(np.float32)
    return result


def at_speed(audio: np.ndarray, speed: tuple[int, int]) -> np.ndarray:
    """A sound that is played faster or slower.

    Parameters
    ----------
    audio : float (..., samples)
    speed : (int, int)
        The speed as a ratio of whole numbers: (2, 1) is twice as fast, and an octave higher.

    Returns
    -------
    float32 (..., samples / speed)
        Rounded up.

    Raises
    ------
    TypeError, ValueError
        If there is no sample, or the speed is no pair of whole numbers from 1 up.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb

    Examples
    --------
    >>> at_speed(np.zeros((1, 1_000)), (5, 4)).shape
    (1, 800)
    """
    # Training without changed instruments must not need SciPy.
    import scipy.signal

    if len(speed) != 2:
        raise RefusedValue(f"speed must be two whole numbers, got {speed!r}; (2, 1) is twice as fast")
    faster, slower = (checks.check_number("speed", part, at_least=1, whole=True) for part in speed)
    audio = _checked(audio)
    result: np.ndarray = scipy.signal.resample_poly(audio, slower, faster, axis=-1).astype(np.float32, copy=False)
    return result


def _checked(audio: np.ndarray) -> np.ndarray:
    audio = np.asarray(audio, np.float32)
    if audio.ndim == 0 or audio.shape[-1] == 0:
        raise ShapeError(f"audio must have samples on its last axis, got shape {audio.shape}; give at least one sample")
    return audio
