import numpy as np

level_db = 20
factor = 1000.0

# %% That takes the spectrogram for one of magnitudes
answer = np.log(factor) / np.log(10 ** (level_db / 20))

# %% That is upside down
answer = np.log(10 ** (level_db / 10)) / np.log(factor)

# %% That divides one factor by the other
answer = factor / 10 ** (level_db / 10)
