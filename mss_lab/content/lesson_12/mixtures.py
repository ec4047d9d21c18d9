"""The mixtures that exercises of lesson 12 hand out: `lab.given`.

Contents: gains, drum_and_vowel, outputs_of_ica, three_instruments.
"""

import numpy as np

from ... import signals
from ...lessons import answers, toy_sounds

LENGTH_S = 3.0
PANS_RAD = {"string": 0.4, "organ": 0.8, "voice": 1.2}


def gains(seed: int) -> dict[str, np.ndarray]:
    """The gains of drum and vowel, (channels,): one of the two has the opposite sign in the right channel."""
    rng = np.random.default_rng(seed)

    def far_apart(angles: np.ndarray) -> bool:
        drum, vowel = np.tan(angles)
        # What typical mistakes give must differ from the drum's ratio and from each other.
        return bool(np.diff(np.sort([drum, vowel, -drum, 1 / drum])).min() > 0.1)

    angles = answers.telling(lambda: rng.uniform(0.3, 1.15, 2) * rng.permutation([1, -1]), far_apart)
    return {name: np.array([np.cos(a), np.sin(a)]) for name, a in zip(("drum", "vowel"), angles, strict=True)}


def drum_and_vowel(seed: int) -> np.ndarray:
    """The mixture of a drum and a vowel with these gains: (2, samples) at 16 000 Hz."""
    waves = {
        "drum": toy_sounds.drums(np.random.default_rng(seed), length_s=LENGTH_S),
        "vowel": toy_sounds.vowel(140.0, (600, 1100, 2500), length_s=LENGTH_S),
    }
    images = [gain[:, np.newaxis] * _level(waves[name]) for name, gain in gains(seed).items()]
    return np.sum(images, axis=0).astype(np.float32)


def outputs_of_ica(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes of two sources in every frequency, (freq, 2, frames): in order, and with some frequencies exchanged.

    Each source has its own course of loudness, which all its frequencies follow, and its own spectrum.
    """
    bins, frames = answers.varied(40, 34, 46, rng), answers.varied(120, 100, 140, rng)
    loudness = np.repeat(rng.gamma(0.6, 1, (2, frames // 5)), 5, axis=1)
    spectra = rng.gamma(1.5, 1, (bins, 2, 1))
    ordered = spectra * loudness * rng.uniform(0.6, 1.4, (bins, 2, loudness.shape[1])) + 0.02
    is_exchanged = rng.random(bins) < 0.5
    is_exchanged[:2] = False, True
    return ordered, np.where(is_exchanged[:, np.newaxis, np.newaxis], ordered[:, ::-1], ordered)


def three_instruments() -> dict[str, np.ndarray]:
    """Plucked string, organ and voice in one range, panned by level: sources (2, samples) at 16 000 Hz."""
    notes = ((52, 0.0), (59, 0.5), (64, 1.0), (57, 1.5), (60, 2.0), (55, 2.5))
    waves = {
        "string": toy_sounds.plucked(notes, length_s=LENGTH_S),
        "organ": toy_sounds.organ((174.6, 220.0, 261.6), length_s=LENGTH_S),
        "voice": toy_sounds.voice(length_s=LENGTH_S),
    }
    return {name: signals.pan(_level(waves[name]), pan).astype(np.float32) for name, pan in PANS_RAD.items()}


def _level(wave: np.ndarray) -> np.ndarray:
    return np.asarray(0.05 * wave / np.sqrt(np.mean(wave**2)))
