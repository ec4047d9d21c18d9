import numpy as np


# %% Your update brings in nothing that the masks did not say before
def answer(estimate_stfts):
    return np.abs(estimate_stfts)


# %% Your models are equally loud in all frames
def answer(estimate_stfts):
    return np.abs(estimate_stfts).mean(axis=-1, keepdims=True) * np.ones(estimate_stfts.shape)


# %% The next models must be real numbers of shape
def answer(estimate_stfts):
    return np.abs(estimate_stfts).mean(axis=-1)
