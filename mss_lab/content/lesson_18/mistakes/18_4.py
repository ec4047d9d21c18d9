import numpy as np


def by_phase(frame, sample_rate_hz, first_hz, second_hz, *, of_bin, sign):
    n = np.arange(len(frame))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / len(n))
    slope = np.pi / len(n) * np.sin(2 * np.pi * n / len(n))
    players = []
    for number in range(1, 9):
        at_hz = number * (first_hz + second_hz) / 2
        if of_bin:
            at_hz = round(at_hz * len(n) / sample_rate_hz) * sample_rate_hz / len(n)
        turning = np.exp(-2j * np.pi * at_hz * n / sample_rate_hz)
        ratio = np.sum(frame * slope * turning) / np.sum(frame * window * turning)
        reported_hz = at_hz - sign * sample_rate_hz / (2 * np.pi) * ratio.imag
        players.append(int(abs(reported_hz - number * second_hz) < abs(reported_hz - number * first_hz)))
    return players


# %% among the two lowest
def answer(frame, sample_rate_hz, first_hz, second_hz):
    return by_phase(frame, sample_rate_hz, first_hz, second_hz, of_bin=True, sign=1)


# %% The two players are exchanged
def answer(frame, sample_rate_hz, first_hz, second_hz):
    return by_phase(frame, sample_rate_hz, first_hz, second_hz, of_bin=False, sign=-1)


# %% To call every harmonic alike
def answer(frame, sample_rate_hz, first_hz, second_hz):
    spectrum = np.abs(np.fft.rfft(frame * np.hanning(len(frame))))
    bins = np.round(np.outer((first_hz, second_hz), np.arange(1, 9)) * len(frame) / sample_rate_hz).astype(int)
    return (spectrum[bins[1]] > spectrum[bins[0]]).astype(int)


# %% must be 0 for the first and 1 for the second
def answer(frame, sample_rate_hz, first_hz, second_hz):
    return 1 + np.array(by_phase(frame, sample_rate_hz, first_hz, second_hz, of_bin=False, sign=1))
