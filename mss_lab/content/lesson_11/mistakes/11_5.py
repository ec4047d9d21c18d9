import numpy as np

from mss_lab.spatial import adress

# %% These estimates are all the same sound
answer = adress.separate(lab.given("11.5")["mixture"], 16_000, pans_rad={"one": np.pi / 4, "other": np.pi / 4})

# %% got 1: one for each source
answer = adress.separate(lab.given("11.5")["mixture"], 16_000)
