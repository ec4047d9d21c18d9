# %% That is the mean: the spike pulls it up
answer = (2 + 4 + 90 + 3 + 3) / 5

# %% That is the bin as it was, in the middle of the list as it stands
answer = 90

# %% That is the median of the four others, without the bin itself, which is in its own kernel
answer = (3 + 4) / 2
