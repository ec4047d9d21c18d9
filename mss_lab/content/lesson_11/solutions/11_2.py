import numpy as np


def answer(mixture_stft, pans):
    angles = np.arctan2(np.abs(mixture_stft[1]), np.abs(mixture_stft[0]))
    owner = np.argmin(np.abs(angles - np.array(pans)[:, None, None]), axis=0)
    return np.stack([mixture_stft * (owner == source) for source in range(len(pans))])
