import numpy as np


def answer(V, p):
    frames = V.shape[1]
    loop = np.stack([np.median(V[:, place::p], axis=1) for place in range(min(p, frames))], axis=1)
    return np.minimum(loop[:, np.arange(frames) % p], V)
