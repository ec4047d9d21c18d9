import numpy as np


def answer(V, slope, reach):
    bins, frames = V.shape
    k, t = np.indices(V.shape)
    values = np.full((2 * reach + 1, bins, frames), np.nan)
    for m in range(-reach, reach + 1):
        inside = (k + slope * m >= 0) & (k + slope * m < bins) & (t + m >= 0) & (t + m < frames)
        values[m + reach][inside] = V[k[inside] + slope * m, t[inside] + m]
    return np.minimum(np.nanmedian(values, axis=0), V)
