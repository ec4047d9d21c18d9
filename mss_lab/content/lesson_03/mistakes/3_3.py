# %% That is the mask after one update
answer = 3**4 / (3**4 + 2**4)

# %% That is the ratio mask, exponent 1
answer = 3 / (3 + 2)

# %% That adds up the exponents of three masks, 2 + 2 + 2
answer = 3**6 / (3**6 + 2**6)
