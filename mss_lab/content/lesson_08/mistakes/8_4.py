import numpy as np

louder = 4
softer = 1

# %% That is the louder player's
answer = 10 * np.log10(4 * louder / (louder + softer))

# %% That takes what is left of the other player for the whole error
answer = 10 * np.log10(4 * softer / louder)

# %% That is the mixture's SDR, before anything was divided
answer = 10 * np.log10(softer / louder)
