import numpy as np
import scipy.fft


# %% These are the magnitudes of the DCT alone
def answer(y):
    return np.abs(scipy.fft.dct(y, norm="ortho"))


# %% The sines are one row off
def answer(y):
    N = len(y)
    n = np.arange(N)
    sines = np.sqrt(2 / N) * np.sin(np.pi * np.outer(n + 1, 2 * n + 1) / (2 * N)) @ y
    return np.hypot(scipy.fft.dct(y, norm="ortho"), sines)


# %% The two are added
def answer(y):
    N = len(y)
    n = np.arange(N)
    sines = np.sqrt(2 / N) * np.sin(np.pi * np.outer(n, 2 * n + 1) / (2 * N)) @ y
    return scipy.fft.dct(y, norm="ortho") + sines
