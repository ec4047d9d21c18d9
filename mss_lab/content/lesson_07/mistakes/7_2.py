import numpy as np


# %% Each point is compared with the one just before it in the path
def answer(path):
    return path[np.append(True, (np.diff(path, axis=0) > 0).all(axis=1))]


# %% Now every time in the recording has one in the score
def answer(path):
    return path[np.unique(path[:, 0], return_index=True)[1]]


# %% Nothing was left out that stands still on one side only
def answer(path):
    return path
