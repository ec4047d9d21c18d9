import numpy as np


# %% No window was left out
def answer(source, estimate, window_samples):
    whole = len(source) // window_samples * window_samples
    s, e = (x[:whole].reshape(-1, window_samples) for x in (source, estimate))
    return np.median(10 * np.log10((s**2).sum(axis=1) / ((s - e) ** 2).sum(axis=1)))


# %% That is the mean of the windows
def answer(source, estimate, window_samples):
    whole = len(source) // window_samples * window_samples
    s, e = (x[:whole].reshape(-1, window_samples) for x in (source, estimate))
    heard = np.abs(s).max(axis=1) > 0.01
    s, e = s[heard], e[heard]
    return np.mean(10 * np.log10((s**2).sum(axis=1) / ((s - e) ** 2).sum(axis=1)))


# %% That is the SDR of the whole song at once
def answer(source, estimate, window_samples):
    return 10 * np.log10((source**2).sum() / ((source - estimate) ** 2).sum())


# %% The window at the end that is cut off was judged, too
def answer(source, estimate, window_samples):
    whole = len(source) // window_samples * window_samples
    s, e = (x[:whole].reshape(-1, window_samples) for x in (source, estimate))
    heard = np.sqrt((s**2).mean(axis=1)) > 0.01
    s, e = s[heard], e[heard]
    return np.median(10 * np.log10((s**2).sum(axis=1) / ((s - e) ** 2).sum(axis=1)))
