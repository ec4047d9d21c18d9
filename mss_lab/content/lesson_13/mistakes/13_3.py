import numpy as np
from scipy.ndimage import median_filter


# %% Where both medians are 0 the masks are nan, from 0 / 0
def answer(V, frames, bins):
    held = median_filter(V, size=(1, frames), mode="reflect") ** 2
    struck = median_filter(V, size=(bins, 1), mode="reflect") ** 2
    return np.stack([held, struck]) / (held + struck)


# %% That is the ratio of the medians
def answer(V, frames, bins):
    held = median_filter(V, size=(1, frames), mode="reflect")
    struck = median_filter(V, size=(bins, 1), mode="reflect")
    return np.stack([held, struck]) / (held + struck + 1e-12)


# %% A median along time and one along frequency
def answer(V, frames, bins):
    held = median_filter(V, size=(frames, 1), mode="reflect") ** 2
    struck = median_filter(V, size=(1, bins), mode="reflect") ** 2
    return np.stack([held, struck]) / (held + struck + 1e-12)


# %% Beyond the edges there are zeros
def answer(V, frames, bins):
    held = median_filter(V, size=(1, frames), mode="constant") ** 2
    struck = median_filter(V, size=(bins, 1), mode="constant") ** 2
    return np.stack([held, struck]) / (held + struck + 1e-12)
