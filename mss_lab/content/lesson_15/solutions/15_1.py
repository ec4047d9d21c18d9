import numpy as np

songs = lab.given("15.1")


def likeness(one, other):
    n = 2 * len(one)
    products = np.fft.irfft(np.fft.rfft(one, n) * np.conj(np.fft.rfft(other, n)), n)
    return np.abs(products).max() / np.linalg.norm(one) / np.linalg.norm(other)


trained = [songs[name] for name in songs if name.startswith("training")]
highest = {name: max(likeness(songs[name], one) for one in trained) for name in songs if name.startswith("test")}
answer = sorted(highest, key=highest.get)[-2:]
