# %% The window has 2048 samples, of which the matrix keeps 1025 bins
answer = 41 * 22_050 / 1025

# %% From bin 0 to half the sample rate there are 1024 steps, not 1025
answer = 41 * 22_050 / 2 / 1025

# %% That is bin 40: the first bin is bin 0, so bin 41 makes 41 turns
answer = 40 * 22_050 / 2048

# %% Dividing by 1024 gives twice the frequency
answer = 41 * 44_100 / 2048
