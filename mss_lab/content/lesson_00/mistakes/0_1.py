hz = 220.0
window = 4096

# %% That is the fundamental
answer = round(hz / (44_100 / window))

# %% Bins are whole: round to the nearest
answer = 2 * hz * window / 44_100
