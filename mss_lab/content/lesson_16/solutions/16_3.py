import numpy as np


def answer(x, context, step):
    padded = np.pad(x, ((0, 0), (context * step, context * step)))
    return np.stack([padded[:, t : t + 2 * context * step + 1 : step].T for t in range(x.shape[1])])
