# %% That takes the band of the next harmonic to be as wide as this one's
answer = 22

# %% Only one of the two bands counts there
answer = 43

# %% That harmonic does not quite reach the next
answer = 20
