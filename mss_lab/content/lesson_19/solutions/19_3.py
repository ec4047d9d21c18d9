import numpy as np


def answer(sources):
    # Sixteen echoes of one size: each has a quarter of the whole, and none leaves the player as it was.
    taps = np.zeros(400)
    taps[20::25] = np.random.default_rng(0).choice([-1.0, 1.0], 16)
    return np.stack([np.convolve(source, taps)[: len(source)] for source in sources])
