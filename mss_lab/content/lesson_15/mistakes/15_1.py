import numpy as np


# %% A partial beyond half the rate came back as another frequency
def answer(f0_hz, gains, samples, rate):
    times_s = np.arange(samples) / rate
    x = np.zeros(samples)
    for h, gain in enumerate(gains, start=1):
        if True:
            x += gain * np.sin(2 * np.pi * h * f0_hz * times_s)
    return x


# %% Those are partials at 0, f0, 2 f0, ...
def answer(f0_hz, gains, samples, rate):
    times_s = np.arange(samples) / rate
    x = np.zeros(samples)
    for h, gain in enumerate(gains, start=0):
        if h * f0_hz < rate / 2:
            x += gain * np.sin(2 * np.pi * h * f0_hz * times_s)
    return x


# %% 2 pi is missing: the sine counts in radians, not in turns
def answer(f0_hz, gains, samples, rate):
    times_s = np.arange(samples) / rate
    x = np.zeros(samples)
    for h, gain in enumerate(gains, start=1):
        if h * f0_hz < rate / 2:
            x += gain * np.sin(h * f0_hz * times_s)
    return x
