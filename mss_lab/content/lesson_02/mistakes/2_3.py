import numpy as np

# %% That is 10 log10, for powers
answer = 10 * np.log10(3)

# %% That is the sum of the windows
answer = 20 * np.log10(4)

# %% That is the gain as a factor
answer = 3.0
