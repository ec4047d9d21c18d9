import numpy as np


def answer(source, estimate):
    target = np.sum(source * estimate) / np.sum(source**2) * source
    return 10 * np.log10(np.sum(target**2) / np.sum((target - estimate) ** 2))
