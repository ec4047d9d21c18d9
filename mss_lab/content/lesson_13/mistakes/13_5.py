import numpy as np


# %% The model is larger than V in places
def answer(V, p):
    frames = V.shape[1]
    loop = np.stack([np.median(V[:, place::p], axis=1) for place in range(min(p, frames))], axis=1)
    return loop[:, np.arange(frames) % p]


# %% That is the mean over the rounds, into which a loud exception leaks
def answer(V, p):
    frames = V.shape[1]
    loop = np.stack([np.mean(V[:, place::p], axis=1) for place in range(min(p, frames))], axis=1)
    return np.minimum(loop[:, np.arange(frames) % p], V)


# %% The last round is not complete, and the zeros that fill it up count in the median
def answer(V, p):
    frames = V.shape[1]
    rounds = -(-frames // p)
    padded = np.pad(V, ((0, 0), (0, rounds * p - frames)))
    loop = np.median(padded.reshape(len(V), rounds, p), axis=1)
    return np.minimum(np.tile(loop, (1, rounds))[:, :frames], V)
