import math

import numpy as np


# %% The first note starts before the recording
def answer(notes, frames, frame_rate_hz, tolerance_s):
    found = np.zeros((len(notes), frames))
    for row, (onset_s, offset_s) in enumerate(notes):
        first = math.floor((onset_s - tolerance_s) * frame_rate_hz)
        found[row, first : math.ceil((offset_s + tolerance_s) * frame_rate_hz)] = 1
    return found


# %% The tolerance widens the start only
def answer(notes, frames, frame_rate_hz, tolerance_s):
    found = np.zeros((len(notes), frames))
    for row, (onset_s, offset_s) in enumerate(notes):
        first = max(0, math.floor((onset_s - tolerance_s) * frame_rate_hz))
        found[row, first : math.ceil(offset_s * frame_rate_hz)] = 1
    return found


# %% The tolerance is not used at all
def answer(notes, frames, frame_rate_hz, tolerance_s):
    found = np.zeros((len(notes), frames))
    for row, (onset_s, offset_s) in enumerate(notes):
        found[row, math.floor(onset_s * frame_rate_hz) : math.ceil(offset_s * frame_rate_hz)] = 1
    return found
