import numpy as np

ratio = 2.0

# %% as if gains were proportional to the angle
answer = 90 * ratio / (1 + ratio)

# %% That is the angle in radians
answer = np.arctan2(ratio, 1)
