import numpy as np


# %% Shared frames are added up
def answer(segments, step):
    count, length = segments.shape
    whole = np.zeros(length + (count - 1) * step)
    for k in range(count):
        whole[k * step : k * step + length] += segments[k]
    return whole


# %% Shared frames are averaged, all segments alike
def answer(segments, step):
    count, length = segments.shape
    whole = np.zeros(length + (count - 1) * step)
    times = np.zeros_like(whole)
    for k in range(count):
        whole[k * step : k * step + length] += segments[k]
        times[k * step : k * step + length] += 1
    return whole / times


# %% Each segment simply replaces what lay there
def answer(segments, step):
    count, length = segments.shape
    whole = np.zeros(length + (count - 1) * step)
    for k in range(count):
        whole[k * step : k * step + length] = segments[k]
    return whole


# %% The fade neither begins at 0 nor ends at 1
def answer(segments, step):
    count, length = segments.shape
    shared = length - step
    whole = np.zeros(length + (count - 1) * step)
    whole[:length] = segments[0]
    rise = np.arange(1, shared + 1) / (shared + 1)
    for k in range(1, count):
        start = k * step
        old = whole[start : start + shared]
        whole[start : start + shared] = (1 - rise) * old + rise * segments[k, :shared]
        whole[start + shared : start + length] = segments[k, shared:]
    return whole
