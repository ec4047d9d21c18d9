import numpy as np


# %% Positions outside the array count as zeros
def answer(V, slope, reach):
    wide = np.pad(V, ((abs(slope) * reach,) * 2, (reach, reach)))
    at = abs(slope) * reach
    bins, frames = V.shape
    values = [
        wide[at + slope * m : at + slope * m + bins, reach + m : reach + m + frames] for m in range(-reach, reach + 1)
    ]
    return np.minimum(np.median(values, axis=0), V)


# %% The slope goes the other way
def answer(V, slope, reach):
    bins, frames = V.shape
    k, t = np.indices(V.shape)
    values = np.full((2 * reach + 1, bins, frames), np.nan)
    for m in range(-reach, reach + 1):
        inside = (k - slope * m >= 0) & (k - slope * m < bins) & (t + m >= 0) & (t + m < frames)
        values[m + reach][inside] = V[k[inside] - slope * m, t[inside] + m]
    return np.minimum(np.nanmedian(values, axis=0), V)


# %% larger than V in some bins
def answer(V, slope, reach):
    bins, frames = V.shape
    k, t = np.indices(V.shape)
    values = np.full((2 * reach + 1, bins, frames), np.nan)
    for m in range(-reach, reach + 1):
        inside = (k + slope * m >= 0) & (k + slope * m < bins) & (t + m >= 0) & (t + m < frames)
        values[m + reach][inside] = V[k[inside] + slope * m, t[inside] + m]
    return np.nanmedian(values, axis=0)


# %% One value is missing
def answer(V, slope, reach):
    bins, frames = V.shape
    k, t = np.indices(V.shape)
    values = np.full((2 * reach, bins, frames), np.nan)
    for m in range(-reach, reach):
        inside = (k + slope * m >= 0) & (k + slope * m < bins) & (t + m >= 0) & (t + m < frames)
        values[m + reach][inside] = V[k[inside] + slope * m, t[inside] + m]
    return np.minimum(np.nanmedian(values, axis=0), V)
