import numpy as np


# %% That pairs the notes as they stand in the lists
def answer(true_midi, true_onsets_s, estimated_midi, estimated_onsets_s):
    return np.median(np.abs(estimated_onsets_s - true_onsets_s))


# %% That pairs all notes in order of time
def answer(true_midi, true_onsets_s, estimated_midi, estimated_onsets_s):
    return np.median(np.abs(np.sort(estimated_onsets_s) - np.sort(true_onsets_s)))


# %% That is the median with signs
def answer(true_midi, true_onsets_s, estimated_midi, estimated_onsets_s):
    true = true_onsets_s[np.lexsort((true_onsets_s, true_midi))]
    estimated = estimated_onsets_s[np.lexsort((estimated_onsets_s, estimated_midi))]
    return np.median(estimated - true)
