# %% That is the length for one side of the band
answer = 1 / (98 * (2 ** (40 / 1200) - 1))

# %% That is the width of the band in Hz
answer = 2 * 98 * (2 ** (40 / 1200) - 1)
