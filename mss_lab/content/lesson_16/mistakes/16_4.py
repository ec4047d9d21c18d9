# %% That is the derivative by the mask
M = 0.5
answer = 2 * (M * 3 - 0.5) * 3

# %% The 2 of the square is missing
M = 0.5
answer = (M * 3 - 0.5) * 3 * M * (1 - M)

# %% The factor |X| is missing
M = 0.5
answer = 2 * (M * 3 - 0.5) * M * (1 - M)
