import numpy as np


def answer(magnitude, giver):
    return magnitude * np.exp(1j * np.angle(giver))
