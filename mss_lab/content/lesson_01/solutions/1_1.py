import numpy as np

bass = lab.given("1.1")
x, rate = bass["recording"][0], bass["sample_rate_hz"]
level = np.abs(np.fft.rfft(np.hanning(len(x)) * x, 8 * len(x)))
hz = np.fft.rfftfreq(8 * len(x), 1 / rate)
is_peak = (level[1:-1] > level[:-2]) & (level[1:-1] > level[2:])
peaks = np.flatnonzero(is_peak) + 1
strongest = peaks[np.argsort(level[peaks])[-2:]]
answer = round(69 + 12 * np.log2(hz[strongest].max() / 440))
