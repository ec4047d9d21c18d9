import numpy as np


# %% That treats sigma as a constant
def answer(H):
    sigma = np.sqrt(np.mean(H**2, axis=1, keepdims=True))
    return np.ones_like(H) / sigma, np.zeros_like(H)


# %% more has values below 0
def answer(H):
    sigma = np.sqrt(np.mean(H**2, axis=1, keepdims=True))
    less = H * H.sum(axis=1, keepdims=True) / (H.shape[1] * sigma**3)
    return np.ones_like(H) / sigma - less, np.zeros_like(H)


# %% The parts are exchanged
def answer(H):
    sigma = np.sqrt(np.mean(H**2, axis=1, keepdims=True))
    return H * H.sum(axis=1, keepdims=True) / (H.shape[1] * sigma**3), np.ones_like(H) / sigma
