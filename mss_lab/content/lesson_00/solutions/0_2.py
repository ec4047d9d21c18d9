import numpy as np


def answer(claims):
    total = claims.sum(axis=0)
    claimed = total > 0
    return np.where(claimed, claims / np.where(claimed, total, 1), 1 / len(claims))
