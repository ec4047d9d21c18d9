# %% That shares in proportion to the expected amplitudes
answer = 2 * 3 / (3 + 1)

# %% That gives half to each
answer = 1.0

# %% That is what the louder is expected to have
answer = 3.0
