import numpy as np


# %% Where the bands of two harmonics meet, the higher one wins
def answer(f0_hz, frequencies_hz, harmonics, cents):
    found = np.zeros(len(frequencies_hz))
    ratio = 2 ** (cents / 1200)
    for m in range(1, harmonics + 1):
        inside = (frequencies_hz >= m * f0_hz / ratio) & (frequencies_hz <= m * f0_hz * ratio)
        found[inside] = 1 / m
    return found


# %% All bands are as wide in Hz as the first
def answer(f0_hz, frequencies_hz, harmonics, cents):
    found = np.zeros(len(frequencies_hz))
    half = f0_hz * (2 ** (cents / 1200) - 1)
    for m in range(harmonics, 0, -1):
        found[np.abs(frequencies_hz - m * f0_hz) <= half] = 1 / m
    return found


# %% Every band holds 1
def answer(f0_hz, frequencies_hz, harmonics, cents):
    found = np.zeros(len(frequencies_hz))
    ratio = 2 ** (cents / 1200)
    for m in range(harmonics, 0, -1):
        found[(frequencies_hz >= m * f0_hz / ratio) & (frequencies_hz <= m * f0_hz * ratio)] = 1
    return found
