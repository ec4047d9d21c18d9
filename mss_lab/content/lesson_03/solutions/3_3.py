import numpy as np


def answer(estimate_stfts):
    magnitudes = np.abs(estimate_stfts)
    spectrum = magnitudes.mean(axis=-1, keepdims=True)
    loudness = (magnitudes * spectrum).sum(axis=-2, keepdims=True) / (spectrum**2).sum(axis=-2, keepdims=True)
    return spectrum * loudness
