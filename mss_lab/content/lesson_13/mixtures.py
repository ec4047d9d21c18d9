"""The mixtures that exercises of lesson 13 hand out: `lab.given`.

Contents: bar_s, alternating_loop, notes_and_drums.
"""

import numpy as np

from ...lessons import toy_sounds

BARS = 8
# One bar, as MIDI pitches; its last note is another one in every second bar, and softer than the others.
BAR_MIDI = (45, 52, 57, 52, 48, 55, 60)
LAST_MIDI = (55, 64)
LAST_GAIN = 0.5
NOTES_S = 4.0


def bar_s(seed: int) -> float:
    """The length of one bar of `alternating_loop`, in seconds."""
    return round(float(np.random.default_rng(seed).uniform(1.3, 2.1)), 2)


def alternating_loop(seed: int) -> np.ndarray:
    """Two bars in turn, which differ in one note, and a soft voice over them: (1, samples) at 16 000 Hz."""
    length_s = bar_s(seed) * BARS
    step_s = bar_s(seed) / (len(BAR_MIDI) + 1)
    starts_s = bar_s(seed) * np.arange(BARS)
    same = [(midi, start_s + step * step_s) for start_s in starts_s for step, midi in enumerate(BAR_MIDI)]
    last = [(LAST_MIDI[bar % 2], start_s + len(BAR_MIDI) * step_s) for bar, start_s in enumerate(starts_s)]
    loop = toy_sounds.plucked(same, length_s=length_s) + LAST_GAIN * toy_sounds.plucked(last, length_s=length_s)
    return (_level(loop) + 0.2 * _level(toy_sounds.voice(length_s=length_s))).astype(np.float32)


def notes_and_drums() -> dict[str, np.ndarray]:
    """Short even notes, and drum strokes at irregular times: sources (1, samples) at 16 000 Hz."""
    scale = (60, 64, 67, 72, 71, 67, 62, 65, 69, 74, 72, 69)
    notes = [(scale[n % len(scale)], 0.15 * n, 0.15 * n + 0.14) for n in range(round(NOTES_S / 0.15) - 1)]
    return {
        "notes": _level(toy_sounds.tune(notes, 1.2, length_s=NOTES_S)).astype(np.float32),
        "drums": _level(toy_sounds.drums(np.random.default_rng(134), length_s=NOTES_S)).astype(np.float32),
    }


def _level(wave: np.ndarray) -> np.ndarray:
    return np.asarray(0.05 * wave / np.sqrt(np.mean(wave**2)))
