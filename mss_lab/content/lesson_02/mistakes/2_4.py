import numpy as np

from mss_lab import transforms

melody = lab.given("2.4")
F = transforms.stdct(melody["recording"], window_samples=2048, hop_samples=512)[0]
ordered = np.sort(np.abs(F).ravel())

# %% the budget is 1500
answer = F, 2048, 512

# %% at a window of 2048 and a hop of 512 reach
answer = np.where(np.abs(F) >= ordered[-1500], F, 0), 2048, 512
