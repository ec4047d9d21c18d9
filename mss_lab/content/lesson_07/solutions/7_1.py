import math


def answer(onset_s, offset_s, frame_rate_hz):
    first = math.floor(onset_s * frame_rate_hz + 1e-6)
    return first, math.ceil(offset_s * frame_rate_hz - 1e-6)
