"""Loudness: one number for the perceived level of a recording, used to compare versions at the same loudness.

It is the integrated loudness of ITU-R BS.1770-4: a filter that models the head and the ear's low-frequency roll-off,
the mean square of 400 ms blocks that overlap by three quarters, and two gates that leave out pauses.

Contents: loudness_lufs, at_loudness, matching_gains_db. Lesson: notebooks/04_is_it_better.ipynb
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.signal

from . import checks, units

BLOCK_S = 0.4
STEP_S = 0.1
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
# With this offset a full-scale 997 Hz sine in one channel has -3.01 LUFS, as the recommendation requires.
OFFSET_LU = -0.691
# A version that is almost silent is not amplified to noise.
LARGEST_GAIN_DB = 20.0


def loudness_lufs(waveform: np.ndarray, sample_rate_hz: int) -> float:
    """Integrated loudness of a recording.

    Parameters
    ----------
    waveform : float (channels, samples)
        One or two channels, each of weight 1. A recording shorter than 400 ms is one block.
    sample_rate_hz : int

    Returns
    -------
    float
        LUFS (dB relative to full scale, frequency-weighted); minus infinity for silence and below -70 LUFS.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the waveform or the sample rate is refused by `mss_lab.checks`.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: ITU-R BS.1770-4 (2015).

    Examples
    --------
    >>> sine = np.sin(2 * np.pi * 997 * np.arange(48_000) / 48_000)[np.newaxis]
    >>> round(loudness_lufs(sine, 48_000), 1)
    -3.0
    """
    waveform = checks.check_waveform("waveform", waveform)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    weighted = scipy.signal.sosfilt(_weighting(sample_rate_hz), waveform.astype(np.float64), axis=-1)
    power = (weighted**2).sum(axis=0)
    samples = len(power)
    block = min(samples, round(BLOCK_S * sample_rate_hz))
    step = max(1, round(STEP_S * sample_rate_hz))
    total = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, samples - block + 1, step)
    blocks = np.maximum(total[starts + block] - total[starts], 0) / block
    gated = blocks[_lufs(blocks) > ABSOLUTE_GATE_LUFS]
    if not len(gated):
        return -math.inf
    gated = gated[_lufs(gated) > _lufs(gated.mean()) + RELATIVE_GATE_LU]
    return float(_lufs(gated.mean()))


def at_loudness(waveform: np.ndarray, sample_rate_hz: int, loudness: float) -> np.ndarray:
    """The waveform scaled to a loudness in LUFS; silence is returned unchanged."""
    now = loudness_lufs(waveform, sample_rate_hz)
    return waveform * units.db_to_amplitude(loudness - now) if math.isfinite(now) else waveform


def matching_gains_db(mixtures: Mapping[str, np.ndarray], sample_rate_hz: int) -> dict[str, float]:
    """The gain in dB for each mixture that makes it as loud as the first one.

    The first has 0 dB. Gains stay within 20 dB either way, and a silent mixture (or a silent first one) has 0 dB.

    Parameters
    ----------
    mixtures : dict of version name -> float (channels, samples)
    sample_rate_hz : int

    Returns
    -------
    dict of version name -> float
    """
    mixtures = checks.check_sources("mixtures", mixtures)
    loudness = {name: loudness_lufs(mixture, sample_rate_hz) for name, mixture in mixtures.items()}
    first = next(iter(loudness.values()))
    gains = {name: first - value if math.isfinite(first - value) else 0.0 for name, value in loudness.items()}
    return {name: min(max(gain, -LARGEST_GAIN_DB), LARGEST_GAIN_DB) for name, gain in gains.items()}


def _lufs(power: Any) -> Any:
    with np.errstate(divide="ignore"):
        return OFFSET_LU + 10 * np.log10(power)


def _weighting(sample_rate_hz: int) -> np.ndarray:
    # The recommendation tabulates coefficients for 48 kHz; these are its two analogue prototypes, a high shelf of 4 dB
    # and a high-pass near 38 Hz, brought to any rate by the bilinear transform (De Man, "Evaluation of implementations
    # of the EBU R128 loudness measurement", AES 2018).
    k = math.tan(math.pi * 1681.974450955533 / sample_rate_hz)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [
        (high + middle * k / q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - middle * k / q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    ]
    k = math.tan(math.pi * 38.13547087602444 / sample_rate_hz)
    q = 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])
