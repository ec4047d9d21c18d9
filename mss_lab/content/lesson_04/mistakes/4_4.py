strings = 457
winds = 554
ensemble_strings = 0.5249
ensemble_winds = 0.5084
baseline_strings = 0.535
baseline_winds = 0.4965

# %% That is the difference of the two printed averages
weighted = (strings * ensemble_strings + winds * ensemble_winds) / (strings + winds)
answer = round(weighted, 4) - (baseline_strings + baseline_winds) / 2

# %% That is the unweighted difference
answer = (ensemble_strings + ensemble_winds) / 2 - (baseline_strings + baseline_winds) / 2

# %% The sign is turned round
baseline = (strings * baseline_strings + winds * baseline_winds) / (strings + winds)
answer = baseline - (strings * ensemble_strings + winds * ensemble_winds) / (strings + winds)
