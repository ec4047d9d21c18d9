import numpy as np


# %% With corrections of 2000 there is a nan or an infinity
def answer(models, corrections, exponent, strength):
    weighed = models**exponent * np.exp(strength * corrections)
    return weighed / weighed.sum(axis=0)


# %% The exponent raises the corrections, too
def answer(models, corrections, exponent, strength):
    weighed = (models * np.exp(strength * corrections)) ** exponent
    return weighed / weighed.sum(axis=0)


# %% They do not add up to 1
def answer(models, corrections, exponent, strength):
    logits = exponent * np.log(models) + strength * corrections
    weighed = np.exp(logits - logits.max(axis=0))
    return weighed


# %% The sum goes over frequencies
def answer(models, corrections, exponent, strength):
    weighed = models**exponent * np.exp(strength * corrections)
    return weighed / weighed.sum(axis=1, keepdims=True)
