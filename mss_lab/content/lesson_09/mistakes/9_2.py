import numpy as np


# %% That is the window as it was printed
def answer(onset_s, offset_s, tolerance_s, frames, frame_rate_hz):
    times_s = np.arange(frames) / frame_rate_hz
    return (times_s >= onset_s + tolerance_s) & (times_s <= offset_s + tolerance_s)


# %% A negative first frame counts from the end in Python
def answer(onset_s, offset_s, tolerance_s, frames, frame_rate_hz):
    window = np.zeros(frames, bool)
    first = int(np.ceil((onset_s - tolerance_s) * frame_rate_hz))
    window[first : int((offset_s + tolerance_s) * frame_rate_hz) + 1] = True
    return window


# %% The tolerance is missing
def answer(onset_s, offset_s, tolerance_s, frames, frame_rate_hz):
    times_s = np.arange(frames) / frame_rate_hz
    return (times_s >= onset_s) & (times_s <= offset_s)
