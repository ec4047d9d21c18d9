import numpy as np


# %% That is 20 log10: right for amplitudes, but these are energies, already squared
def answer(source, estimate):
    return 20 * np.log10(np.sum(source**2) / np.sum((source - estimate) ** 2))


# %% That compares the energies of source and estimate, not the energy of their difference
def answer(source, estimate):
    return 10 * np.log10(np.sum(source**2) / np.sum(estimate**2))
