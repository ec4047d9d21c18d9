import numpy as np


def answer(V, W, H, free):
    updated = W * ((V / (W @ H)) @ H.T) / H.sum(axis=1)
    return np.where(free, updated, W)
