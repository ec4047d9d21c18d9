import numpy as np

left = 3
right = 4

# %% sin(psi) goes with the left channel
answer = np.degrees(np.arctan2(left, right))

# %% That is the angle in radians
answer = np.arctan2(right, left)
