import numpy as np


def answer(masks, exponent):
    powers = masks**exponent
    total = powers.sum(axis=0)
    shares = powers / np.where(total > 0, total, 1)
    return np.where(total > 0, shares, 1 / len(masks))
