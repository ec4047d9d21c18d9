import numpy as np


def answer(S, X):
    along = np.abs(S) * np.cos(np.angle(S) - np.angle(X))
    return np.clip(along, 0, np.abs(X))
