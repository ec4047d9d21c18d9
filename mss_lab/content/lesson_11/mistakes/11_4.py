import numpy as np

degrees = 80

# %% That is the height of the plane at g = 1 for a source of magnitude 1
answer = np.sin(np.radians(degrees)) - np.cos(np.radians(degrees))

# %% That is the right channel over the left one
answer = np.tan(np.radians(degrees))
