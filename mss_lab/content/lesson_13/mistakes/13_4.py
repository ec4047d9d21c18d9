import numpy as np


# %% That takes magnitudes
def answer(V):
    b = np.array([np.mean(V[:, : V.shape[1] - lag] * V[:, lag:]) for lag in range(V.shape[1])])
    return b / b[0]


# %% That goes round in a circle
def answer(V):
    P = V**2
    b = np.array([np.mean(P * np.roll(P, lag, axis=1)) for lag in range(P.shape[1])])
    return b / b[0]


# %% That is a sum, so it falls with the lag, because fewer frames are left
def answer(V):
    P = V**2
    b = np.array([np.sum(P[:, : P.shape[1] - lag] * P[:, lag:]) for lag in range(P.shape[1])])
    return b / b[0]
