import itertools

import numpy as np


def all_means(differences):
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    return signs @ differences / len(differences)


# %% That counts one side only
def answer(first, second):
    differences = first - second
    return float(np.mean(all_means(differences) >= np.mean(differences) - 1e-9))


# %% That counts only the means that are farther from 0
def answer(first, second):
    differences = first - second
    return float(np.mean(np.abs(all_means(differences)) > abs(np.mean(differences)) + 1e-9))


# %% That is the share of the means that are nearer to 0
def answer(first, second):
    differences = first - second
    return float(np.mean(np.abs(all_means(differences)) < abs(np.mean(differences)) - 1e-9))


# %% For two systems with the same ratings, the share is
def answer(first, second):
    differences = first - second
    if not differences.any():
        return 0.0
    return float(np.mean(np.abs(all_means(differences)) >= abs(np.mean(differences)) - 1e-9))
