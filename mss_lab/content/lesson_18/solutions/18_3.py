import numpy as np


def answer(models, corrections, exponent, strength):
    logits = exponent * np.log(models) + strength * corrections
    weighed = np.exp(logits - logits.max(axis=0))
    return weighed / weighed.sum(axis=0)
