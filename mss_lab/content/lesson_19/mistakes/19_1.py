import numpy as np


# %% What nobody claims goes to nobody, and is lost
def answer(claims):
    return claims / np.maximum(claims.sum(axis=0), 1)


# %% Where nobody claims anything, 0 is divided by 0
def answer(claims):
    with np.errstate(all="ignore"):
        return claims / claims.sum(axis=0)


# %% The sum goes over frames
def answer(claims):
    total = claims.sum(axis=1, keepdims=True)
    return np.where(total > 0, claims / np.maximum(total, 1), 1 / claims.shape[1])


# %% These are the claims as they came
def answer(claims):
    return claims
