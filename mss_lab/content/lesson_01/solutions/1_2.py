import numpy as np


def answer(x, f):
    turns = f * np.arange(len(x)) / len(x)
    return np.sum(x * np.cos(2 * np.pi * turns)) - 1j * np.sum(x * np.sin(2 * np.pi * turns))
