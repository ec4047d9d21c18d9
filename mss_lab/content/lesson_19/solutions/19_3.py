import numpy as np


def answer(segments, step):
    count, length = segments.shape
    shared = length - step
    whole = np.zeros(length + (count - 1) * step)
    whole[:length] = segments[0]
    rise = np.linspace(0, 1, shared)
    for k in range(1, count):
        start = k * step
        old = whole[start : start + shared]
        whole[start : start + shared] = (1 - rise) * old + rise * segments[k, :shared]
        whole[start + shared : start + length] = segments[k, shared:]
    return whole
