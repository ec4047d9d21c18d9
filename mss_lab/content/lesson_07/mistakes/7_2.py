# %% That is the way along the diagonal, 6 + 2 * 3
answer = 6 + 2 * 3

# %% That takes weight 1 for every step, 6 + 3
answer = min(6, 7, 9) + 3

# %% That takes weight 1.5 for the diagonal
answer = min(6, 7, 9) + 1.5 * 3
