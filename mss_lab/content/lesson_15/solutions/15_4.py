import numpy as np


def answer(songs, chosen, starts, length):
    rows = [songs[c][j, s : s + length] for j, (c, s) in enumerate(zip(chosen, starts))]
    return np.stack(rows)
