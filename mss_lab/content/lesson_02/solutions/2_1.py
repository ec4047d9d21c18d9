import numpy as np


def answer(y):
    N = len(y)
    k, t = np.arange(N), np.arange(N)
    F = np.sqrt(2 / N) * np.cos(np.pi * np.outer(k, 2 * t + 1) / (2 * N)) @ y
    F[0] /= np.sqrt(2)
    return F
