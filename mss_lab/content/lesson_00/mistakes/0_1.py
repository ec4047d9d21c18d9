hz = 220.0
window = 4096

# %% That is the bin of the fundamental
answer = round(hz / (44_100 / window))

# %% A bin has a whole number
answer = 2 * hz * window / 44_100
