# %% The divisor is missing
def answer(C, P, W):
    E = W.T @ P
    return P * (W @ (C / E))


# %% The quotient is upside down
def answer(C, P, W):
    E = W.T @ P
    return P * (W @ (E / C)) / W.sum(axis=1, keepdims=True)


# %% That is the update for the squared error
def answer(C, P, W):
    E = W.T @ P
    return P * (W @ C) / (W @ E)
