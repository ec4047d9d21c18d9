import numpy as np


# %% That keeps large values as they are
def answer(values, threshold):
    return values * (np.abs(values) > threshold)


# %% That loses the signs
def answer(values, threshold):
    return np.maximum(np.abs(values) - threshold, 0)


# %% Values below the threshold become 0
def answer(values, threshold):
    return np.sign(values) * (np.abs(values) - threshold)


# %% Negative values must come nearer to 0, not go away from it
def answer(values, threshold):
    return np.where(np.abs(values) > threshold, values - threshold, 0)
