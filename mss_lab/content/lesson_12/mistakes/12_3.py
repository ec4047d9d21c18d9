import numpy as np

degrees = 60

# %% its sign is not
answer = 1 / np.tan(np.radians(degrees))

# %% That is a mask that does not mix the channels
answer = 0.0

# %% if the other source had the gain 1
answer = -np.cos(np.radians(degrees))
