import numpy as np


def answer(products, taken):
    nothing = np.zeros(len(taken))
    source = np.concatenate([taken, nothing])
    error = np.concatenate([taken, -taken])
    return 10 * np.log10((source @ products @ source) / (error @ products @ error))
