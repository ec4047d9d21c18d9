# %% That is the update without a price
def answer(V, W, H, weight):
    return H * (W.T @ (V / (W @ H))) / W.sum(axis=0)[:, None]


# %% That rewards activations instead of charging for them
def answer(V, W, H, weight):
    return H * (W.T @ (V / (W @ H)) + weight) / W.sum(axis=0)[:, None]


# %% That takes the price off the sum that lets H grow
def answer(V, W, H, weight):
    return H * (W.T @ (V / (W @ H)) - weight) / W.sum(axis=0)[:, None]


# %% That charges in proportion to H
def answer(V, W, H, weight):
    return H * (W.T @ (V / (W @ H))) / (W.sum(axis=0)[:, None] + weight * H)


# %% With a weight of 0, a template of zeros makes 0 / 0
def answer(V, W, H, weight):
    return H * (W.T @ (V / (W @ H))) / (W.sum(axis=0)[:, None] + weight)
