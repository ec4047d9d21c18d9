import numpy as np


def answer(errors):
    J, bins = errors.shape
    alone = np.sum(errors**2)
    together = np.sum(np.sum(errors, axis=0) ** 2)
    return (2 ** (J - 2) * alone + (2 ** (J - 2) - 1) * together) / (2**J - 2) / bins
