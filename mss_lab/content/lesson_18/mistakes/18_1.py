import math

import numpy as np


# %% Pitches stand in rows and frames in columns
def answer(notes, frames, frame_rate_hz):
    found = np.zeros((128, frames))
    for midi, onset_s, offset_s in notes:
        found[midi, math.floor(onset_s * frame_rate_hz) : math.ceil(offset_s * frame_rate_hz)] = 1
    return found


# %% Where two notes of one pitch meet, they are added up
def answer(notes, frames, frame_rate_hz):
    found = np.zeros((frames, 128))
    for midi, onset_s, offset_s in notes:
        found[math.floor(onset_s * frame_rate_hz) : math.ceil(offset_s * frame_rate_hz), midi] += 1
    return found


# %% Edges are rounded to the nearest frame
def answer(notes, frames, frame_rate_hz):
    found = np.zeros((frames, 128))
    for midi, onset_s, offset_s in notes:
        found[round(onset_s * frame_rate_hz) : round(offset_s * frame_rate_hz), midi] = 1
    return found


# %% The last frame that a note touches is missing
def answer(notes, frames, frame_rate_hz):
    found = np.zeros((frames, 128))
    for midi, onset_s, offset_s in notes:
        found[int(onset_s * frame_rate_hz) : int(offset_s * frame_rate_hz), midi] = 1
    return found
