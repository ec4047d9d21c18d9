import numpy as np


def answer(mixture_stft, bins):
    left, right = np.abs(mixture_stft)
    angles = np.arctan2(right, left)
    return np.histogram(angles, bins, (0, np.pi / 2), weights=left**2 + right**2)[0]
