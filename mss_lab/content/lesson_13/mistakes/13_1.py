length_s = 0.5
rate = 48_000
hop = 1024

# %% That is even
answer = 2 * round(length_s * rate / hop / 2)

# %% is no whole number of frames
answer = length_s * rate / hop

# %% That is a number of samples
answer = round(length_s * rate)
