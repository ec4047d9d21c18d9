import numpy as np


# %% Only coefficient 0 is off
def answer(y):
    k = np.arange(len(y))
    return np.sqrt(2 / len(y)) * np.cos(np.pi * np.outer(k, 2 * k + 1) / (2 * len(y))) @ y


# %% The cosines must be taken in the middle of the samples
def answer(y):
    k = np.arange(len(y))
    F = np.sqrt(2 / len(y)) * np.cos(np.pi * np.outer(k, k) / len(y)) @ y
    F[0] /= np.sqrt(2)
    return F


# %% The sums are right
def answer(y):
    k = np.arange(len(y))
    return np.cos(np.pi * np.outer(k, 2 * k + 1) / (2 * len(y))) @ y
