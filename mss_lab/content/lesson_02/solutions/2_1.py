import numpy as np


def answer(y):
    N = len(y)
    k, n = np.arange(N), np.arange(N)
    angles = np.pi * np.outer(k, 2 * n + 1) / (2 * N)
    factors = np.where(k == 0, np.sqrt(1 / N), np.sqrt(2 / N))
    return factors * np.hypot(np.cos(angles) @ y, np.sin(angles) @ y)
