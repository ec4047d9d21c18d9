import numpy as np


# %% The sine has the wrong sign
def answer(x, f):
    return np.sum(x * np.exp(2j * np.pi * f * np.arange(len(x)) / len(x)))


# %% A turn is 2 pi, not pi
def answer(x, f):
    return np.sum(x * np.exp(-1j * np.pi * f * np.arange(len(x)) / len(x)))


# %% That is the cosine's sum alone
def answer(x, f):
    return np.sum(x * np.cos(2 * np.pi * f * np.arange(len(x)) / len(x)))
