import numpy as np


# %% Families are raised
def answer(masks):
    return np.maximum.accumulate(masks, axis=0)


# %% The highest mask has changed
def answer(masks):
    return np.minimum.accumulate(masks, axis=0)


# %% neighbour as it was
def answer(masks):
    return np.concatenate([np.minimum(masks[:-1], masks[1:]), masks[-1:]])


# %% the highest one alone
def answer(masks):
    return np.minimum(masks, masks[-1])
