import numpy as np

# %% The end was left at the last point, as np.interp does
answer = np.diff(np.interp([5, 7], [0, 4, 6], [1, 7, 8]))

# %% That goes on with the slope of the last stretch, 1/2
answer = 8.5 - 7.5

# %% That is the length as written at the mean tempo
answer = 2 * 7 / 6
