# %% One of the three is right
answer = "filter, CNN-T, CNN"

# %% None of the three is right
answer = "CNN, CNN-T, filter"
