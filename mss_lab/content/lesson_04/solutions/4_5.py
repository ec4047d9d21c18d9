import numpy as np


def answer(ratings):
    return np.mean(ratings < 90, axis=1) <= 0.15
