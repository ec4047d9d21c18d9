import numpy as np


def answer(true_midi, true_onsets_s, found_midi, found_onsets_s):
    true = true_onsets_s[np.lexsort((true_onsets_s, true_midi))]
    found = found_onsets_s[np.lexsort((found_onsets_s, found_midi))]
    return np.median(np.abs(found - true))
