import itertools

import numpy as np


def answer(first, second):
    differences = first - second
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    means = signs @ differences / len(differences)
    return float(np.mean(np.abs(means) >= abs(np.mean(differences)) - 1e-9))
