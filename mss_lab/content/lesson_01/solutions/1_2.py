import numpy as np


def answer(x, frequency_hz, sample_rate_hz):
    n = np.arange(len(x))
    w = 0.5 - 0.5 * np.cos(2 * np.pi * n / len(x))
    turns = frequency_hz * n / sample_rate_hz
    return 2 * np.abs(np.sum(w * x * np.exp(-2j * np.pi * turns))) / np.sum(w)
