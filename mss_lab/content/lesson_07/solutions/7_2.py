import numpy as np


def answer(path):
    kept = [path[0]]
    for point in path[1:]:
        if np.all(point > kept[-1]):
            kept.append(point)
    return np.array(kept)
