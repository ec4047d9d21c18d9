import numpy as np

# %% That takes the factor for magnitudes, 10
answer = 3

# %% That is turned round
answer = np.log(100) / np.log(1000)

# %% With beta 1 the divergence would grow as the powers do, 100 times
answer = 1
