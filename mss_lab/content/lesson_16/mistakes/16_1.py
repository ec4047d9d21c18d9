import numpy as np


# %% For values as large as 1000 there is a nan
def answer(made):
    raised = np.exp(made)
    return raised / raised.sum(axis=0)


# %% The sum goes over the bins
def answer(made):
    raised = np.exp(made - made.max(axis=0))
    return raised / raised.sum(axis=1, keepdims=True)


# %% Those are sigmoids
def answer(made):
    return 1 / (1 + np.exp(-made))
