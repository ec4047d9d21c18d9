import numpy as np


# %% It is held between 0 and 1
def answer(S, X):
    along = np.abs(S) * np.cos(np.angle(S) - np.angle(X))
    return np.clip(along, 0, 1)


# %% It falls below 0 where source and mixture point apart
def answer(S, X):
    along = np.abs(S) * np.cos(np.angle(S) - np.angle(X))
    return np.minimum(along, np.abs(X))


# %% The angle is missing
def answer(S, X):
    along = np.abs(S) * np.ones(X.shape)
    return np.clip(along, 0, np.abs(X))


# %% Where the mixture is 0 there is a nan, from a division by it
def answer(S, X):
    return np.clip(np.real(S * np.conj(X)) / np.abs(X), 0, np.abs(X))
