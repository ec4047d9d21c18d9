# %% That is a whole period
answer = 343 / 0.1

# %% That is the longest delay in seconds
answer = 0.1 / 343
