"""The mixtures that exercises of lesson 11 hand out: `lab.given`.

Contents: pans_deg, band_of_three, two_microphones.
"""

import numpy as np

from ... import signals
from ...lessons import answers, toy_sounds

LENGTH_S = 3.0
INSTRUMENTS = ("organ", "string", "drum")
# How late the second microphone receives each of two instruments, in samples at 16 000 Hz.
LATE_SAMPLES = {"loop": 7, "voice": -3}


def pans_deg(seed: int) -> dict[str, float]:
    """The angles of organ, string and drum in degrees: at least 18 apart, and none at a side."""
    rng = np.random.default_rng(seed)

    def apart(angles: np.ndarray) -> bool:
        return bool(np.diff(np.sort(angles)).min() > 18)

    angles = answers.telling(lambda: rng.uniform(8, 82, len(INSTRUMENTS)), apart)
    return dict(zip(INSTRUMENTS, angles.round(1).tolist(), strict=True))


def band_of_three(seed: int) -> np.ndarray:
    """Organ, plucked string and drum, each at its angle: a mixture (2, samples) at 16 000 Hz."""
    waves = {
        "organ": toy_sounds.organ((130.8, 164.8, 196.0), length_s=LENGTH_S),
        "string": toy_sounds.plucked(((64, 0.0), (71, 0.6), (67, 1.2), (76, 1.8), (72, 2.4)), length_s=LENGTH_S),
        "drum": toy_sounds.drums(np.random.default_rng(seed), length_s=LENGTH_S),
    }
    panned = {
        name: signals.pan(_level(waves[name]), float(np.radians(angle))) for name, angle in pans_deg(seed).items()
    }
    return signals.mix(panned).astype(np.float32)


def two_microphones() -> dict[str, np.ndarray]:
    """A loop and a voice as two microphones receive them: sources (2, samples) at 16 000 Hz."""
    waves = {"loop": toy_sounds.loop(length_s=LENGTH_S), "voice": toy_sounds.voice(length_s=LENGTH_S)}
    pairs = {
        name: np.concatenate([_level(wave), np.roll(_level(wave), LATE_SAMPLES[name], axis=1)])
        for name, wave in waves.items()
    }
    return {name: pair.astype(np.float32) for name, pair in pairs.items()}


def _level(wave: np.ndarray) -> np.ndarray:
    return np.asarray(0.05 * wave / np.sqrt(np.mean(wave**2)))
