# %% That is one direction
answer = 4 * 256 * (512 + 256 + 2)

# %% The biases are missing
answer = 2 * 4 * 256 * (512 + 256)

# %% Each direction has half the features
answer = 2 * 4 * 512 * (512 + 512 + 2)
