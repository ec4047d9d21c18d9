import numpy as np


# %% Every bin counts the same here, however faint
def answer(mixture_stft, bins):
    left, right = np.abs(mixture_stft)
    return np.histogram(np.arctan2(right, left), bins, (0, np.pi / 2))[0]


# %% Left and right are exchanged
def answer(mixture_stft, bins):
    left, right = np.abs(mixture_stft)
    angles = np.arctan2(left, right)
    return np.histogram(angles, bins, (0, np.pi / 2), weights=left**2 + right**2)[0]


# %% What lies hard on the right is lost
def answer(mixture_stft, bins):
    left, right = np.abs(mixture_stft)
    found = np.zeros(bins)
    for angle, energy in zip(np.arctan2(right, left).ravel(), (left**2 + right**2).ravel()):
        index = int(angle / (np.pi / 2) * bins)
        if index < bins:
            found[index] += energy
    return found
