import numpy as np

from mss_lab import transforms

choice = 0
parts = 8

windows = ("hann", "hamming", "sine", "blackman-harris")
w = transforms.make_window(windows[choice], 2048)
gain = np.sum(w[:: 2048 // parts] ** 2)

# %% That is 10 log10, as for powers
answer = 10 * np.log10(gain)

# %% That is the sum of the windows
answer = 20 * np.log10(np.sum(w[:: 2048 // parts]))

# %% That is the gain as a factor
answer = gain
