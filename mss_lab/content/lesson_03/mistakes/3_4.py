import numpy as np

# %% That is for exponent 1, the ratio mask
answer = 20 * np.log10(99)

# %% That is the ratio of the powers, 99, not in dB
answer = 99
