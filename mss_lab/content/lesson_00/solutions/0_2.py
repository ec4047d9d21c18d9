import numpy as np

sound = lab.given("0.2")
mixture, rate = sound["mixture"][0], sound["sample_rate_hz"]
level = np.abs(np.fft.rfft(np.hanning(len(mixture)) * mixture))
hz = np.fft.rfftfreq(len(mixture), 1 / rate)
for pitch in sound["written"]:
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    distance = np.abs(hz - f0 * np.round(hz / f0))
    level[distance < 8] = 0  # what the written notes claim, 8 Hz on both sides
peak_hz = hz[level.argmax()]
answer = round(69 + 12 * np.log2(peak_hz / 440))
