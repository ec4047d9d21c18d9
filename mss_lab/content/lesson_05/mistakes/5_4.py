import numpy as np


# %% The loud source gets nearly everything
def answer(W, H, sources):
    return np.einsum("fk,kn,jfn->kj", W, H, sources).argmax(axis=1)


# %% That divides by the source's energy, without the square root, so the soft sources get too much
def answer(W, H, sources):
    likeness = np.einsum("fk,kn,jfn->kj", W, H, sources) / (sources**2).sum(axis=(1, 2))
    return likeness.argmax(axis=1)


# %% That is the best component of each source
def answer(W, H, sources):
    likeness = np.einsum("fk,kn,jfn->kj", W, H, sources) / np.sqrt((sources**2).sum(axis=(1, 2)))
    return likeness.argmax(axis=0)


# %% That compares the templates only
def answer(W, H, sources):
    likeness = np.einsum("fk,jfn->kj", W, sources) / np.sqrt((sources**2).sum(axis=(1, 2)))
    return likeness.argmax(axis=1)
