import numpy as np


# %% left and right are exchanged
def answer(mixture, angle_rad):
    left, right = mixture
    return np.cos(angle_rad) * left - np.sin(angle_rad) * right


# %% That silences the centre
def answer(mixture, angle_rad):
    left, right = mixture
    return left - right


# %% That keeps the source at this angle as loud as possible
def answer(mixture, angle_rad):
    left, right = mixture
    return np.cos(angle_rad) * left + np.sin(angle_rad) * right


# %% A source that is hard on the left does not vanish
def answer(mixture, angle_rad):
    left, right = mixture
    return left - right / np.tan(np.clip(angle_rad, 0.01, 1.56))


# %% The result must be one channel
def answer(mixture, angle_rad):
    return np.stack([np.sin(angle_rad) * mixture[0], np.cos(angle_rad) * mixture[1]])
