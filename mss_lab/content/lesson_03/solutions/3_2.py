import numpy as np


def answer(models, exponent):
    loudest = models.max(axis=0)
    heard = loudest > 0
    claims = np.where(heard, models / np.where(heard, loudest, 1), 1) ** exponent
    return claims / claims.sum(axis=0)
