import numpy as np


def answer(x, C):
    padded = np.pad(x, ((0, 0), (C, C)))
    return np.stack([padded[:, n : n + 2 * C + 1].T for n in range(x.shape[1])])
