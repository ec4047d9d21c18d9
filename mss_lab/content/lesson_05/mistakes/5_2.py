# %% That is the update for beta 1
def answer(V, W, H):
    return H * (W.T @ (V / (W @ H))) / W.sum(axis=0)[:, None]


# %% The quotient is turned round
def answer(V, W, H):
    return H * (W.T @ W @ H) / (W.T @ V)


# %% A template of zeros makes 0 / 0, and its row of H is nan
def answer(V, W, H):
    return H * (W.T @ V) / (W.T @ W @ H)


# %% On a very soft recording the number added against 0 / 0 decides the result
def answer(V, W, H):
    return H * (W.T @ V) / (W.T @ W @ H + 1e-9)


# %% That is a step down the slope, not a multiplicative update, and it can make H negative
def answer(V, W, H):
    return H - (W.T @ W @ H - W.T @ V)
