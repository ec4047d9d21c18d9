import numpy as np


# %% The frames have not been moved
def answer(V):
    return np.arange(V.shape[1])


# %% Frames of one loudness need not be neighbours
def answer(V):
    return np.argsort(V.sum(axis=0))


# %% That begins somewhere in the middle
def answer(V):
    order, left = [0], set(range(1, V.shape[1]))
    while left:
        order.append(min(left, key=lambda frame: np.linalg.norm(V[:, frame] - V[:, order[-1]])))
        left.remove(order[-1])
    return np.array(order)


# %% Every frame's number must occur exactly once
def answer(V):
    return np.argmin(np.linalg.norm(V[:, :, None] - V[:, None, :] + 99 * np.eye(V.shape[1]), axis=0), axis=1)
