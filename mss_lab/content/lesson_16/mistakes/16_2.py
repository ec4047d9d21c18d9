import numpy as np


# %% Beyond the ends the last frame is repeated
def answer(x, C):
    padded = np.pad(x, ((0, 0), (C, C)), mode="edge")
    return np.stack([padded[:, n : n + 2 * C + 1].T for n in range(x.shape[1])])


# %% At the ends it goes round to the other end of the song
def answer(x, C):
    padded = np.pad(x, ((0, 0), (C, C)), mode="wrap")
    return np.stack([padded[:, n : n + 2 * C + 1].T for n in range(x.shape[1])])


# %% The axes are (frames, freq, context)
def answer(x, C):
    padded = np.pad(x, ((0, 0), (C, C)))
    return np.stack([padded[:, n : n + 2 * C + 1] for n in range(x.shape[1])])
