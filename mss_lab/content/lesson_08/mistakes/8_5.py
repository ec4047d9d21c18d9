import numpy as np

# %% That is the louder player's, 10 log10(4 / 1.25)
answer = 10 * np.log10(4 / 1.25)

# %% That takes the half of the other player for the whole error
answer = 0.0

# %% That is the mixture's SDR, before anything was divided
answer = 10 * np.log10(1 / 4)
