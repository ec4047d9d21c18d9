import numpy as np


def answer(levels, bin_hz, f0_hz):
    def largest(hz):
        k = round(hz / bin_hz)
        return levels[max(0, k - 2) : k + 3].max()

    votes = []
    for odd in (1, 3, 5, 7):
        hz = odd * f0_hz / 2
        at, beside = largest(hz), np.sqrt(largest(hz - 9 * bin_hz) * largest(hz + 9 * bin_hz))
        votes.append(at > 4 * beside)
    return bool(sum(votes) >= 3)
