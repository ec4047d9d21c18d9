import numpy as np


# %% A mask multiplies the magnitude
def answer(masks, source_stfts):
    powers = np.abs(source_stfts) ** 2
    return (masks[:, np.newaxis] * powers).sum(axis=(2, 3)) / powers.sum(axis=(1, 2))


# %% Rows and columns are exchanged
def answer(masks, source_stfts):
    powers = np.abs(source_stfts) ** 2
    through = (masks[:, np.newaxis] ** 2 * powers).sum(axis=(2, 3))
    return (through / powers.sum(axis=(1, 2))).T


# %% Those are energies
def answer(masks, source_stfts):
    return (masks[:, np.newaxis] ** 2 * np.abs(source_stfts) ** 2).sum(axis=(2, 3))
