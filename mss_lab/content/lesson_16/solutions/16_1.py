import numpy as np


def answer(made):
    raised = np.exp(made - made.max(axis=0))
    return raised / raised.sum(axis=0)
