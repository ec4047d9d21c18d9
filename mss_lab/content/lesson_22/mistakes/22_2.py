# %% the same instrument as most
answer = 0

# %% numbered from 0 to 4
answer = 5
