import numpy as np


def answer(source, estimate):
    return 10 * np.log10(np.sum(source**2) / np.sum((source - estimate) ** 2))
