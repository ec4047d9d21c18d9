import numpy as np


# %% That projects on the other source alone
def answer(estimate, source, other):
    target = np.sum(estimate * source) / np.sum(source**2) * source
    leak = np.sum(estimate * other) / np.sum(other**2) * other
    return 10 * np.log10(np.sum(target**2) / np.sum(leak**2))


# %% The interference must not contain the artefacts
def answer(estimate, source, other):
    target = np.sum(estimate * source) / np.sum(source**2) * source
    return 10 * np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2))
