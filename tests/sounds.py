"""Sounds that follow a score: what several test files listen to."""

import numpy as np

from mss_lab import signals


def play(score, sample_rate_hz, *, tuning_hz=440.0, tail_s=0.5, harmonics=12, amplitude=0.4):
    """A score played by steady tones with harmonics, all players alike, (1, samples) float32."""
    total = np.zeros((1, round((score.duration_s + tail_s) * sample_rate_hz)))
    for note in score.notes:
        frequency_hz = tuning_hz * 2 ** ((note.midi - 69) / 12)
        tone = signals.harmonic_tone(frequency_hz, note.offset_s - note.onset_s, sample_rate_hz, harmonics=harmonics)
        tone = signals.fade(tone, 0.01, sample_rate_hz)
        first = round(note.onset_s * sample_rate_hz)
        total[:, first : first + tone.shape[1]] += amplitude * tone[:, : total.shape[1] - first]
    return total.astype(np.float32)
