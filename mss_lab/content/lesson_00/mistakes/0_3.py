# %% A source that claims no bin came out as nan
def answer(claims):
    claimed = claims > 0
    contested = claimed & (claimed.sum(axis=0) > 1)
    return contested.sum(axis=(1, 2)) / claimed.sum(axis=(1, 2))


# %% That divides by the number of all bins
def answer(claims):
    claimed = claims > 0
    contested = claimed & (claimed.sum(axis=0) > 1)
    return contested.mean(axis=(1, 2))


# %% every bin comes out as contested
def answer(claims):
    claimed = claims > 0
    contested = claimed & claimed.any(axis=0)
    return contested.sum(axis=(1, 2)) / claimed.sum(axis=(1, 2)).clip(1)
