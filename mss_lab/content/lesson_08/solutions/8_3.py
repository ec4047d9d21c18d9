import numpy as np


def over(a, b):
    b = np.broadcast_to(b, a.shape)
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def answer(V, W, H):
    H = H * over(W.T @ over(V, W @ H), W.sum(axis=0)[:, np.newaxis])
    W = W * over(over(V, W @ H) @ H.T, H.sum(axis=1))
    return W, H
