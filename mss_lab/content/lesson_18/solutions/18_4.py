import numpy as np


def answer(frame, sample_rate_hz, first_hz, second_hz):
    n = np.arange(len(frame))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / len(n))
    slope = np.pi / len(n) * np.sin(2 * np.pi * n / len(n))
    players = []
    for number in range(1, 9):
        # In the middle between the two harmonics both count alike, which no bin of an FFT ensures.
        middle_hz = number * (first_hz + second_hz) / 2
        turning = np.exp(-2j * np.pi * middle_hz * n / sample_rate_hz)
        ratio = np.sum(frame * slope * turning) / np.sum(frame * window * turning)
        reported_hz = middle_hz - sample_rate_hz / (2 * np.pi) * ratio.imag
        players.append(int(abs(reported_hz - number * second_hz) < abs(reported_hz - number * first_hz)))
    return players
