import numpy as np


def answer(onset_s, offset_s, tolerance_s, frames, frame_rate_hz):
    times_s = np.arange(frames) / frame_rate_hz
    return (times_s >= onset_s - tolerance_s) & (times_s <= offset_s + tolerance_s)
