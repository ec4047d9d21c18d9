# %% That is the number of draws
answer = 50 * 12

# %% That is right if no stage draws a rendition twice
answer = 600 * (1 - (1 - 50 / 600) ** 12)

# %% That is how many different ones a single stage has
answer = 600 * (1 - (1 - 1 / 600) ** 50)

# %% That is a part of all
answer = 1 - (1 - 1 / 600) ** 600
