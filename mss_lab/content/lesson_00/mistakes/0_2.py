# %% Bins that nobody claims came out as nan, from 0 / 0
def answer(claims):
    return claims / claims.sum(axis=0)


# %% Bins that nobody claims came out as 0
def answer(claims):
    return claims / (claims.sum(axis=0) + 1e-12)


# %% Divide each claim by the sum over the sources, axis 0
def answer(claims):
    return claims / claims.max(axis=0).clip(1e-12)
