import numpy as np


# %% The distances are compared with their signs
def answer(mixture_stft, pans):
    angles = np.arctan2(np.abs(mixture_stft[1]), np.abs(mixture_stft[0]))
    owner = np.argmin(angles - np.array(pans)[:, None, None], axis=0)
    return np.stack([mixture_stft * (owner == source) for source in range(len(pans))])


# %% Those are the masks
def answer(mixture_stft, pans):
    angles = np.arctan2(np.abs(mixture_stft[1]), np.abs(mixture_stft[0]))
    owner = np.argmin(np.abs(angles - np.array(pans)[:, None, None]), axis=0)
    return np.stack([1.0 * np.stack(2 * [owner == source]) for source in range(len(pans))])


# %% That gives every bin to the source that is furthest
def answer(mixture_stft, pans):
    angles = np.arctan2(np.abs(mixture_stft[1]), np.abs(mixture_stft[0]))
    owner = np.argmax(np.abs(angles - np.array(pans)[:, None, None]), axis=0)
    return np.stack([mixture_stft * (owner == source) for source in range(len(pans))])
