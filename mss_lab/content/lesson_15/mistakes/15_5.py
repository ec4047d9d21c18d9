import numpy as np


# %% Two sources come from the same song
def answer(songs, length, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for source in range(len(songs[0])):
        song = songs[rng.integers(len(songs))]
        start = rng.integers(song.shape[1] - length + 1)
        rows.append(song[source, start : start + length])
    return np.stack(rows)


# %% Every section begins with its song
def answer(songs, length, seed):
    chosen = np.random.default_rng(seed).choice(len(songs), len(songs[0]), replace=False)
    return np.stack([songs[song][source, :length] for source, song in enumerate(chosen)])


# %% the last possible section of some song was never used
def answer(songs, length, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for source, song in enumerate(rng.choice(len(songs), len(songs[0]), replace=False)):
        start = rng.integers(max(1, songs[song].shape[1] - length))
        rows.append(songs[song][source, start : start + length])
    return np.stack(rows)


# %% reaches beyond the end of its song
def answer(songs, length, seed):
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(songs), len(songs[0]), replace=False)
    start = rng.integers(max(song.shape[1] for song in songs) - length, endpoint=True)
    rows = [songs[song][source, start : start + length] for source, song in enumerate(chosen)]
    shortest = min(map(len, rows))
    return np.stack([row[:shortest] for row in rows])
