import math

import numpy as np


def answer(notes, frames, frame_rate_hz):
    found = np.zeros((frames, 128))
    for midi, onset_s, offset_s in notes:
        found[math.floor(onset_s * frame_rate_hz) : math.ceil(offset_s * frame_rate_hz), midi] = 1
    return found
