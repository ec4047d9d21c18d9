import numpy as np


# %% Those are the sources alone, without any sum of two or three
def answer(errors):
    return np.mean(errors**2)


# %% The sum of all sources is counted too
def answer(errors):
    J, bins = errors.shape
    alone = np.sum(errors**2)
    together = np.sum(np.sum(errors, axis=0) ** 2)
    return (2 ** (J - 2) * alone + 2 ** (J - 2) * together) / (2**J - 1) / bins


# %% That is the sum over the choices
def answer(errors):
    J, bins = errors.shape
    alone = np.sum(errors**2)
    together = np.sum(np.sum(errors, axis=0) ** 2)
    return (2 ** (J - 2) * alone + (2 ** (J - 2) - 1) * together) / bins


# %% more than any computer can form one by one
def answer(errors):
    total, sources = 0.0, len(errors)
    for number in range(1, 2**sources - 1):
        chosen = np.array([number >> j & 1 for j in range(sources)], bool)
        total += np.mean(errors[chosen].sum(axis=0) ** 2)
    return total / (2**sources - 2)
