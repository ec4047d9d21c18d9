import numpy as np


# %% All columns have changed
def answer(V, W, H, free):
    return W * ((V / (W @ H)) @ H.T) / H.sum(axis=1)


# %% The model must hold all components, the known ones too
def answer(V, W, H, free):
    W, G = W.copy(), H[free]
    W[:, free] *= ((V / (W[:, free] @ G)) @ G.T) / G.sum(axis=1)
    return W


# %% Only the free columns came back
def answer(V, W, H, free):
    return (W * ((V / (W @ H)) @ H.T) / H.sum(axis=1))[:, free]


# %% The other way round
def answer(V, W, H, free):
    return np.where(free, W, W * ((V / (W @ H)) @ H.T) / H.sum(axis=1))
