import numpy as np


# %% The louder output comes first
def answer(magnitudes):
    energies = magnitudes.sum(axis=2, keepdims=True)
    return np.where(energies[:, :1] >= energies[:, 1:], magnitudes, magnitudes[:, ::-1])


# %% nothing was exchanged
def answer(magnitudes):
    return np.array(magnitudes)


# %% in which frames the two outputs are loud
def answer(magnitudes):
    aligned = np.array(magnitudes)
    aligned[1::2] = aligned[1::2, ::-1]
    return aligned
