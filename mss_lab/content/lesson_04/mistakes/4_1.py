import numpy as np


# %% That scales the estimate to the source
def answer(source, estimate):
    gain = np.sum(source * estimate) / np.sum(estimate**2)
    return 10 * np.log10(np.sum(source**2) / np.sum((source - gain * estimate) ** 2))


# %% That takes a multiple for each channel
def answer(source, estimate):
    a = np.sum(source * estimate, axis=1, keepdims=True) / np.sum(source**2, axis=1, keepdims=True)
    return 10 * np.log10(np.sum((a * source) ** 2) / np.sum((a * source - estimate) ** 2))


# %% That is the plain SDR
def answer(source, estimate):
    return 10 * np.log10(np.sum(source**2) / np.sum((source - estimate) ** 2))
