import math

# %% That one is still inside, by a little
answer = math.floor(math.sqrt((2 ** (100 / 1200) - 1) / 0.0004))

# %% That leaves out the square root
answer = math.ceil(math.sqrt((2 ** (50 / 1200) - 1) / 0.0004))

# %% That counts 100 cents, a whole semitone
answer = math.ceil(math.sqrt((2 ** (200 / 1200) - 1) / 0.0004))
