import numpy as np


def answer(mixture, sample_rate_hz, notes):
    window_s, step_s = 0.1, 0.01
    window, hop = round(window_s * sample_rate_hz), round(step_s * sample_rate_hz)
    padded = np.pad(mixture, window)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop] * np.hanning(window)
    magnitudes = np.sqrt(np.abs(np.fft.rfft(frames)))  # the root, so that loud notes do not decide alone
    times_s = (np.arange(len(frames)) * hop - window / 2) / sample_rate_hz

    shifts_s = np.arange(-0.55, 0.55, step_s)
    explained = np.zeros(len(shifts_s))
    for midi, onset_s, offset_s in notes:
        harmonics_hz = 440 * 2 ** ((midi - 69) / 12) * np.arange(1, 7)
        harmonics_hz = harmonics_hz[harmonics_hz < 0.45 * sample_rate_hz]
        level = magnitudes[:, np.round(harmonics_hz * window / sample_rate_hz).astype(int)].mean(axis=1)
        for index, shift_s in enumerate(shifts_s):
            inside = (times_s >= onset_s + shift_s) & (times_s < offset_s + shift_s)
            explained[index] += level[inside].sum()
    return -shifts_s[explained.argmax()]
