# %% That is the difference of the two printed averages
answer = 0.5159 - 0.5157

# %% That is the unweighted difference
answer = (0.5249 + 0.5084) / 2 - (0.5350 + 0.4965) / 2
