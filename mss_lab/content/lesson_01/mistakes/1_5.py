import numpy as np


# %% The giver's magnitude is still in it
def answer(magnitude, giver):
    return magnitude * giver


# %% Where the giver is 0 there is NaN
def answer(magnitude, giver):
    with np.errstate(all="ignore"):
        return magnitude * giver / np.abs(giver)


# %% The magnitude is multiplied by the angle itself
def answer(magnitude, giver):
    return magnitude * np.angle(giver)
