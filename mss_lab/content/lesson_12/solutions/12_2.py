import numpy as np


def answer(magnitudes):
    aligned = [magnitudes[0]]
    for both in magnitudes[1:]:
        # What is decided so far, each frequency at the same level.
        known = np.mean([one / np.linalg.norm(one, axis=1, keepdims=True) for one in aligned], axis=0)
        alike = np.corrcoef(np.concatenate([both, known]))[:2, 2:]
        keep = alike[0, 0] + alike[1, 1] >= alike[0, 1] + alike[1, 0]
        aligned.append(both if keep else both[::-1])
    return np.array(aligned)
