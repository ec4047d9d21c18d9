import numpy as np


# %% All sources come from one song
def answer(songs, chosen, starts, length):
    rows = [songs[chosen[0]][j, starts[0] : starts[0] + length] for j, (c, s) in enumerate(zip(chosen, starts))]
    return np.stack(rows)


# %% Those are the first samples of each song
def answer(songs, chosen, starts, length):
    rows = [songs[c][j, :length] for j, (c, s) in enumerate(zip(chosen, starts))]
    return np.stack(rows)


# %% Source and song are exchanged
def answer(songs, chosen, starts, length):
    rows = [songs[j][c, s : s + length] for j, (c, s) in enumerate(zip(chosen, starts))]
    return np.stack(rows)
