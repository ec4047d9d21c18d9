import numpy as np


# %% Those are rows of A where its columns belong
def answer(mixture, unmixing):
    mixing = np.linalg.inv(unmixing)
    found = unmixing @ mixture
    return np.stack([np.outer(mixing[j], found[j]) for j in range(2)])


# %% That mixes with W itself
def answer(mixture, unmixing):
    mixing = unmixing
    found = unmixing @ mixture
    return np.stack([np.outer(mixing[:, j], found[j]) for j in range(2)])


# %% The axes are (channels, sources, samples)
def answer(mixture, unmixing):
    mixing = np.linalg.inv(unmixing)
    found = unmixing @ mixture
    return np.stack([np.outer(mixing[:, j], found[j]) for j in range(2)], axis=1)
