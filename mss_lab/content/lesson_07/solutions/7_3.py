import numpy as np


def answer(true_midi, true_onsets_s, estimated_midi, estimated_onsets_s):
    true = true_onsets_s[np.lexsort((true_onsets_s, true_midi))]
    estimated = estimated_onsets_s[np.lexsort((estimated_onsets_s, estimated_midi))]
    return np.median(np.abs(estimated - true))
