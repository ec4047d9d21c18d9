import numpy as np


def answer(onset_s, offset_s, tolerance_s, frames, frame_rate_hz):
    times_s = np.arange(frames) / frame_rate_hz
    away_s = np.maximum(0, np.maximum(onset_s - times_s, times_s - offset_s))
    return np.maximum(0, 1 - away_s / tolerance_s)
