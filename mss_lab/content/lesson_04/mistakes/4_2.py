import numpy as np


def sdr(source, estimate):
    return 10 * np.log10(np.sum(source**2) / np.sum((source - estimate) ** 2))


# %% That is the SDR as it is. This estimate comes late
def answer(source, estimate, most):
    return sdr(source, estimate)


# %% What is moved beyond one end comes in again at the other
def answer(source, estimate, most):
    return max(sdr(source, np.roll(estimate, delay, axis=1)) for delay in range(-most, most + 1))


# %% That is the SDR as it is. This estimate comes early
def answer(source, estimate, most):
    length = source.shape[1]
    padded = np.pad(estimate, ((0, 0), (0, most)))
    return max(sdr(source, padded[:, delay : delay + length]) for delay in range(most + 1))


# %% That compares only where both overlap
def answer(source, estimate, most):
    length = source.shape[1]
    earlier = [sdr(source[:, : length - d], estimate[:, d:]) for d in range(most + 1)]
    later = [sdr(source[:, d:], estimate[:, : length - d]) for d in range(most + 1)]
    return max(earlier + later)
