import numpy as np

# %% That is the SI-SDR alone
answer = 10 * np.log10(0.64 / 0.04)

# %% That leaves the target at full level
answer = 10 * np.log10(1 / 0.04) - 10 * np.log10(1 / 0.08)

# %% The error of the level is 0.2 of the amplitude, so 0.04 of the energy, not 0.2
answer = 10 * np.log10(0.64 / 0.04) - 10 * np.log10(1 / 0.24)
