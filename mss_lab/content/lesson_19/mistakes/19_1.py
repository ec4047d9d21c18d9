import numpy as np


# %% The masks no longer add up to 1
def answer(masks, claims):
    return masks * claims


# %% What no player claims is given to no player
def answer(masks, claims):
    of_claimants = masks * claims
    return of_claimants / np.maximum(of_claimants.sum(axis=0), 1e-12)


# %% Where the network gave all claimants 0
def answer(masks, claims):
    of_claimants = masks * claims
    total = of_claimants.sum(axis=0)
    return np.where(claims.any(axis=0), of_claimants / np.where(total > 0, total, 1), masks)


# %% The proportions of the network are lost
def answer(masks, claims):
    return np.where(claims.any(axis=0), claims / np.maximum(claims.sum(axis=0), 1), masks)
