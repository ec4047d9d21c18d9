bar_s = 1.41

# %% nearly everything comes back, but not note for note
answer = bar_s

# %% it had come back before
answer = 4 * bar_s

# %% one over the period
answer = 1 / (2 * bar_s)
