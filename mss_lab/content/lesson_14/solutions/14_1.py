import numpy as np


def answer(values, threshold):
    return np.sign(values) * np.maximum(np.abs(values) - threshold, 0)
