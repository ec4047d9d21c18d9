import numpy as np


# %% With corrections of 2000 there is a NaN or an infinity
def answer(powers, corrections, strength):
    weights = powers * np.exp(strength * corrections)
    return weights / weights.sum(axis=0)


# %% The powers are squared once more
def answer(powers, corrections, strength):
    logits = 2 * np.log(powers) + strength * corrections
    weights = np.exp(logits - logits.max(axis=0))
    return weights / weights.sum(axis=0)


# %% They do not add up to 1 over the players
def answer(powers, corrections, strength):
    logits = np.log(powers) + strength * corrections
    return np.exp(logits - logits.max(axis=0))


# %% They add up to 1 over frequencies
def answer(powers, corrections, strength):
    weights = powers * np.exp(strength * corrections)
    return weights / weights.sum(axis=1, keepdims=True)
