import numpy as np


# %% Only the diagonal is used, as if no signal had anything to do with another
def answer(products, taken):
    nothing = np.zeros(len(taken))
    source = np.concatenate([taken, nothing])
    error = np.concatenate([taken, -taken])
    return 10 * np.log10((source**2 @ np.diag(products)) / (error**2 @ np.diag(products)))


# %% That is the error over the source, upside down
def answer(products, taken):
    nothing = np.zeros(len(taken))
    source = np.concatenate([taken, nothing])
    error = np.concatenate([taken, -taken])
    return 10 * np.log10((error @ products @ error) / (source @ products @ source))


# %% twice too many dB
def answer(products, taken):
    nothing = np.zeros(len(taken))
    source = np.concatenate([taken, nothing])
    error = np.concatenate([taken, -taken])
    return 20 * np.log10((source @ products @ source) / (error @ products @ error))
