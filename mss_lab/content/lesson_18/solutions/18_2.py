import numpy as np


def answer(source, estimate, window_samples):
    whole = len(source) // window_samples * window_samples
    s, e = (x[:whole].reshape(-1, window_samples) for x in (source, estimate))
    heard = np.abs(s).max(axis=1) > 0.01
    s, e = s[heard], e[heard]
    return np.median(10 * np.log10((s**2).sum(axis=1) / ((s - e) ** 2).sum(axis=1)))
