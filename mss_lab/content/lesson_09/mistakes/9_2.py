import numpy as np


# %% That is the hard window
def answer(onset_s, offset_s, tolerance_s, frames, frame_rate_hz):
    times_s = np.arange(frames) / frame_rate_hz
    return (times_s >= onset_s - tolerance_s) & (times_s <= offset_s + tolerance_s)


# %% Beyond the tolerance the line goes on below 0
def answer(onset_s, offset_s, tolerance_s, frames, frame_rate_hz):
    times_s = np.arange(frames) / frame_rate_hz
    away_s = np.maximum(0, np.maximum(onset_s - times_s, times_s - offset_s))
    return 1 - away_s / tolerance_s


# %% The window falls after the note only
def answer(onset_s, offset_s, tolerance_s, frames, frame_rate_hz):
    times_s = np.arange(frames) / frame_rate_hz
    soft = np.clip(1 - (times_s - offset_s) / tolerance_s, 0, 1)
    return np.where(times_s < onset_s, 0, soft)
