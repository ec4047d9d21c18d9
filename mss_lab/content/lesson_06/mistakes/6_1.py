# %% That is the sum of the squared jumps alone
answer = 2**2 + 2**2

# %% That divides by the sum of the squares
answer = 8 / (4 + 4)

# %% That divides by the root of the mean square
answer = 8 / 2**0.5
