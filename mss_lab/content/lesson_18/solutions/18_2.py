import numpy as np

inputs = lab.given("18.2")
LENGTH = 8192  # zeros behind the excerpt make the spectrum fine
wave, rate = inputs["mixture"][0], inputs["sample_rate_hz"]


def level(spectrum, frequency_hz):
    position = frequency_hz * LENGTH / rate
    near = slice(max(0, int(position) - 2), int(position) + 4)
    return spectrum[near].max()


doubts = []
for _, midi, onset_s, offset_s in inputs["notes"]:
    excerpt = wave[round((onset_s + 0.02) * rate) : round((offset_s - 0.02) * rate)]
    spectrum = np.abs(np.fft.rfft(excerpt * np.hanning(len(excerpt)), LENGTH))
    half_hz = 440 * 2 ** ((midi - 69) / 12) / 2
    # All of the first three odd multiples must be there: the other player may have a harmonic at one of them.
    between = min(level(spectrum, odd * half_hz) for odd in (1, 3, 5))
    doubts.append(between / level(spectrum, 2 * half_hz))
answer = int(np.argmax(doubts))
