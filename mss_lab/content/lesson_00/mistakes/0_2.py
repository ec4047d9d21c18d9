import numpy as np

sound = lab.given("0.2")
mixture, rate = sound["mixture"][0], sound["sample_rate_hz"]
level = np.abs(np.fft.rfft(np.hanning(len(mixture)) * mixture))
hz = np.fft.rfftfreq(len(mixture), 1 / rate)
for pitch in sound["written"]:
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    level[np.abs(hz - f0 * np.round(hz / f0)) < 8] = 0
pitch = round(69 + 12 * np.log2(hz[level.argmax()] / 440))

# %% That is an octave too high
answer = pitch + 12

# %% That is an octave too low
answer = pitch - 12

# %% That is the lower of the notes that the score has
answer = min(sound["written"])
