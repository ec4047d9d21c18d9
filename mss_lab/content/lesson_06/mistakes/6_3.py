import numpy as np


# %% What runs over the end comes back at the beginning
def answer(W, H):
    return sum(W[t] @ np.roll(H, t, axis=1) for t in range(len(W)))


# %% That moves the activations to earlier frames
def answer(W, H):
    return sum(W[t] @ np.pad(H, ((0, 0), (0, t)))[:, t:] for t in range(len(W)))


# %% Nothing is moved: every slice sounds in the same frame
def answer(W, H):
    return W.sum(axis=0) @ H
