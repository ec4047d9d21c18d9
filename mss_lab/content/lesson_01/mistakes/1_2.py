import numpy as np


# %% That is half of it
def answer(x, frequency_hz, sample_rate_hz):
    n = np.arange(len(x))
    w = 0.5 - 0.5 * np.cos(2 * np.pi * n / len(x))
    return np.abs(np.sum(w * x * np.exp(-2j * np.pi * frequency_hz * n / sample_rate_hz))) / np.sum(w)


# %% That is the value of the nearest bin
def answer(x, frequency_hz, sample_rate_hz):
    w = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(x)) / len(x))
    return 2 * np.abs(np.fft.rfft(w * x))[round(frequency_hz * len(x) / sample_rate_hz)] / np.sum(w)


# %% here another one leaks into the sum
def answer(x, frequency_hz, sample_rate_hz):
    n = np.arange(len(x))
    return 2 * np.abs(np.mean(x * np.exp(-2j * np.pi * frequency_hz * n / sample_rate_hz)))
