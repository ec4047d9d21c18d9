import numpy as np


# %% Under your rule A is still ahead
def answer(scores):
    return np.nanmedian(scores)


# %% That is not fair: with the same score in all windows
def answer(scores):
    return np.nansum(np.nanmean(scores, axis=1))


# %% That is not fair: the result changes when songs
def answer(scores):
    shortest = np.argmin(np.sum(~np.isnan(scores), axis=1))
    return np.nanmean(scores[shortest])


# %% The result must be one finite number
def answer(scores):
    return np.mean(scores)
