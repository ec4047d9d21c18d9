import numpy as np

degrees = 60

# %% The right sign is missing
answer = 1 / np.tan(np.radians(degrees))

# %% That is a mask's entry
answer = 0.0
