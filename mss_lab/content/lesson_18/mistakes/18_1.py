import numpy as np

WINDOW_S, STEP_S = 0.1, 0.01


def best_shift_s(mixture, sample_rate_hz, notes):
    window, hop = round(WINDOW_S * sample_rate_hz), round(STEP_S * sample_rate_hz)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(mixture, window), window)[::hop] * np.hanning(window)
    magnitudes = np.sqrt(np.abs(np.fft.rfft(frames)))
    times_s = (np.arange(len(frames)) * hop - window / 2) / sample_rate_hz
    shifts_s = np.arange(-0.55, 0.55, STEP_S)
    explained = np.zeros(len(shifts_s))
    for midi, onset_s, offset_s in notes:
        bins = np.round(440 * 2 ** ((midi - 69) / 12) * np.arange(1, 4) * window / sample_rate_hz).astype(int)
        level = magnitudes[:, bins].mean(axis=1)
        for index, shift_s in enumerate(shifts_s):
            inside = (times_s >= onset_s + shift_s) & (times_s < offset_s + shift_s)
            explained[index] += level[inside].sum()
    return shifts_s[explained.argmax()]


# %% The sign is the other way round
def answer(mixture, sample_rate_hz, notes):
    return best_shift_s(mixture, sample_rate_hz, notes)


# %% The notes are taken as they are written
def answer(mixture, sample_rate_hz, notes):
    return 0.0


# %% is no finite number
def answer(mixture, sample_rate_hz, notes):
    return float("nan")
