import numpy as np


# %% Notes reach beyond the section
def answer(notes, start_s, length_s):
    times_s = notes[:, 2:] - start_s
    sounds = (times_s[:, 1] > 0) & (times_s[:, 0] < length_s)
    return np.concatenate([notes[sounds, :2], times_s[sounds]], axis=1)


# %% The times are still those of the song
def answer(notes, start_s, length_s):
    times_s = np.clip(notes[:, 2:], start_s, start_s + length_s)
    sounds = times_s[:, 1] > times_s[:, 0]
    return np.concatenate([notes[sounds, :2], times_s[sounds]], axis=1)


# %% Notes that do not sound in the section are still there, with no length
def answer(notes, start_s, length_s):
    times_s = np.clip(notes[:, 2:] - start_s, 0, length_s)
    sounds = times_s[:, 1] >= times_s[:, 0]
    return np.concatenate([notes[sounds, :2], times_s[sounds]], axis=1)
