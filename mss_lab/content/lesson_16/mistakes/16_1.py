import numpy as np


# %% For values as large as 1000 there is a nan
def answer(outputs):
    raised = np.exp(outputs)
    return raised / raised.sum(axis=0)


# %% The sum goes over the bins
def answer(outputs):
    raised = np.exp(outputs - outputs.max(axis=0))
    return raised / raised.sum(axis=1, keepdims=True)


# %% Those are sigmoids
def answer(outputs):
    return 1 / (1 + np.exp(-outputs))
