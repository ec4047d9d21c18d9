import numpy as np

# %% That is the middle of the bin
answer = 1200 * np.log2(170 * 3.90625 / 663.0)

# %% That is measured from the fundamental
answer = 1200 * np.log2(170.4 * 3.90625 / 221.0)

# %% That is in Hz. Cents are 1200 log2 of a ratio
answer = 170.4 * 3.90625 - 663.0

# %% The sign is turned round
answer = -1200 * np.log2(170.4 * 3.90625 / 663.0)
