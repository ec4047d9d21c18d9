import numpy as np


# %% In a bin that nobody claims, 0 is divided by 0
def answer(masks, exponent):
    powers = masks**exponent
    total = powers.sum(axis=0)
    shares = powers / np.where(total > 0, total, 1)
    return powers / total


# %% The exponent is not used
def answer(masks, exponent):
    powers = masks
    total = powers.sum(axis=0)
    shares = powers / np.where(total > 0, total, 1)
    return np.where(total > 0, shares, 1 / len(masks))


# %% That is cut off at 1, which does not make masks add up
def answer(masks, exponent):
    return np.minimum(masks, 1.0)
