import numpy as np

duet = lab.given("16.2")


# %% Both estimates are the same waveform
answer = np.stack([duet["mixture"], duet["mixture"]])


# %% The estimates must have the shape
answer = duet["mixture"]


# %% better than the mixture, on average
answer = np.stack([duet["mixture"], duet["mixture"] + 0.3 * np.roll(duet["mixture"], 4000)])


# %% One of the two estimates is silent
answer = np.stack([duet["mixture"], 0 * duet["mixture"]])
