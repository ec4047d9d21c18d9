import numpy as np


# %% Every sound is like itself without a delay
def answer(correlation, lags_s):
    return lags_s[correlation.argmax()]


# %% That is the highest peak
def answer(correlation, lags_s):
    return lags_s[40 + correlation[40:].argmax()]


# %% That is the first lag above 0.8 of the highest, which lies on the way up
def answer(correlation, lags_s):
    late = correlation[40:]
    return lags_s[40 + np.argmax(late > 0.8 * late.max())]


# %% Take the first peak that is above 0.8 of the highest, not the first peak of all
def answer(correlation, lags_s):
    inner = range(40, len(lags_s) - 1)
    return next(lags_s[i] for i in inner if correlation[i - 1] < correlation[i] > correlation[i + 1])
