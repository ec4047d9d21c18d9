import numpy as np


def answer(f0_hz, gains, samples, rate):
    times_s = np.arange(samples) / rate
    x = np.zeros(samples)
    for h, gain in enumerate(gains, start=1):
        if h * f0_hz < rate / 2:
            x += gain * np.sin(2 * np.pi * h * f0_hz * times_s)
    return x
