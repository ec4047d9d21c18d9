import numpy as np


def answer(mixture, angle_rad):
    left, right = mixture
    # For a source at this angle both terms are sin times cos times the source.
    return (np.sin(angle_rad) * left - np.cos(angle_rad) * right)[np.newaxis]
