import numpy as np


# %% There is a nan or an infinity, from a division by 0
def answer(V, W, H):
    H = H * (W.T @ (V / (W @ H))) / W.sum(axis=0)[:, np.newaxis]
    W = W * ((V / (W @ H)) @ H.T) / H.sum(axis=1)
    return W, H


# %% A zero did not stay zero
def answer(V, W, H):
    W, H = W + 1e-9, H + 1e-9
    H = H * (W.T @ (V / (W @ H))) / W.sum(axis=0)[:, np.newaxis]
    W = W * ((V / (W @ H)) @ H.T) / H.sum(axis=1)
    return W, H


# %% W was updated with the model from before H changed
def over(a, b):
    b = np.broadcast_to(b, a.shape)
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def answer(V, W, H):
    V_over_Y = over(V, W @ H)
    H = H * over(W.T @ V_over_Y, W.sum(axis=0)[:, np.newaxis])
    return W * over(V_over_Y @ H.T, H.sum(axis=1)), H
