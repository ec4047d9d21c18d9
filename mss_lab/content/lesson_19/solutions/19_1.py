import numpy as np


def answer(claims):
    total = claims.sum(axis=0)
    return np.where(total > 0, claims / np.maximum(total, 1), 1 / len(claims))
