"""The sounds that exercises of lesson 14 hand out: `lab.given`.

Contents: f0_hz, missing_fundamental, three_mixtures.
"""

import numpy as np

from ... import signals
from ...lessons import toy_sounds

TONE_S = 1.0
# Only these harmonics sound in `missing_fundamental`.
HARMONICS = range(4, 13)
CENTRE_RAD = np.pi / 4


def f0_hz(seed: int) -> float:
    """The fundamental frequency of `missing_fundamental`, in Hz."""
    return round(float(np.random.default_rng(seed).uniform(95.0, 210.0)), 1)


def missing_fundamental(seed: int) -> np.ndarray:
    """Harmonics 4 to 12 of one note, in a little noise: (1, samples) at 16 000 Hz."""
    rate = toy_sounds.RATE_HZ
    rng = np.random.default_rng(seed + 1)
    phases_rad = rng.uniform(0, 2 * np.pi, len(HARMONICS))
    tones = [
        signals.tone(number * f0_hz(seed), TONE_S, rate, amplitude=0.05, phase_rad=float(phase))
        for number, phase in zip(HARMONICS, phases_rad, strict=True)
    ]
    sound = np.sum(tones, axis=0) + signals.noise(TONE_S, rate, rng=rng, amplitude=0.01)
    return signals.fade(sound, 0.02, rate).astype(np.float32)


def three_mixtures() -> dict[str, dict[str, np.ndarray]]:
    """Three mixtures of two sources, each of which suits another kind of method: name -> sources (2, samples)."""
    rng = np.random.default_rng(144)
    low = ((45, 0.0, 1.3), (48, 1.4, 2.4), (43, 2.5, 3.9))
    high = ((67, 0.1, 0.9), (71, 0.9, 1.9), (72, 1.9, 3.0), (69, 3.0, 3.9))
    apart = {"low": toy_sounds.tune(low, 1.0), "high": toy_sounds.tune(high, 1.3)}
    struck = {"organ": toy_sounds.organ((174.6, 220.0, 261.6)), "drums": toy_sounds.drums(rng)}
    sung = {"loop": 2 * _level(toy_sounds.loop()), "voice": _level(toy_sounds.voice())}
    return {
        "a": _panned(struck, (CENTRE_RAD, CENTRE_RAD)),
        "b": _panned(apart, (0.5, 1.25)),
        "c": _panned(sung, (CENTRE_RAD, CENTRE_RAD), keep_levels=True),
    }


def _level(wave: np.ndarray) -> np.ndarray:
    return np.asarray(wave / np.sqrt(np.mean(wave**2)))


def _panned(
    waves: dict[str, np.ndarray], pans_rad: tuple[float, float], keep_levels: bool = False
) -> dict[str, np.ndarray]:
    levelled = {name: wave if keep_levels else _level(wave) for name, wave in waves.items()}
    return {
        name: (0.05 * signals.pan(wave, pan)).astype(np.float32)
        for (name, wave), pan in zip(levelled.items(), pans_rad, strict=True)
    }
