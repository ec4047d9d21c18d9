import numpy as np


def answer(f0_hz, frequencies_hz, harmonics, cents):
    found = np.zeros(len(frequencies_hz))
    ratio = 2 ** (cents / 1200)
    for m in range(harmonics, 0, -1):
        inside = (frequencies_hz >= m * f0_hz / ratio) & (frequencies_hz <= m * f0_hz * ratio)
        found[inside] = 1 / m
    return found
