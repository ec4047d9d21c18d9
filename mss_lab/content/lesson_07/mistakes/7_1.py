import math


# %% Both ends are rounded to the nearest frame
def answer(onset_s, offset_s, frame_rate_hz):
    return round(onset_s * frame_rate_hz), round(offset_s * frame_rate_hz)


# %% For a note on whole frames
def answer(onset_s, offset_s, frame_rate_hz):
    return math.floor(onset_s * frame_rate_hz), math.ceil(offset_s * frame_rate_hz)


# %% Both ends are rounded down
def answer(onset_s, offset_s, frame_rate_hz):
    return math.floor(onset_s * frame_rate_hz + 1e-6), math.floor(offset_s * frame_rate_hz + 1e-6)
