import numpy as np


# %% The sign is gone: with magnitudes a coefficient of the wrong sign gets a mask above 0
def answer(source, mixture, low, high):
    with np.errstate(all="ignore"):
        return np.clip(np.abs(source) / np.abs(mixture), low, high)


# %% Where the mixture is 0 the quotient is NaN or infinite
def answer(source, mixture, low, high):
    with np.errstate(all="ignore"):
        return np.clip(source / mixture, low, high)


# %% This is the quotient, but it leaves the limits
def answer(source, mixture, low, high):
    return np.divide(source, mixture, out=np.zeros_like(source), where=mixture != 0)
