import numpy as np


def answer(mixture, unmixing):
    mixing = np.linalg.inv(unmixing)
    found = unmixing @ mixture
    return np.stack([np.outer(mixing[:, j], found[j]) for j in range(2)])
