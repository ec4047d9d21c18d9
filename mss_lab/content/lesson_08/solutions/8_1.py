import math

import numpy as np


def answer(notes, frames, frame_rate_hz, tolerance_s):
    found = np.zeros((len(notes), frames))
    for row, (onset_s, offset_s) in enumerate(notes):
        first = max(0, math.floor((onset_s - tolerance_s) * frame_rate_hz))
        found[row, first : math.ceil((offset_s + tolerance_s) * frame_rate_hz)] = 1
    return found
