import numpy as np


def answer(x, v, R):
    parts = v[:, None, None] * R
    return parts @ np.linalg.inv(parts.sum(axis=0)) @ x
