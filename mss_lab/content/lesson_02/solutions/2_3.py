import numpy as np

from mss_lab import transforms

choice = 0
parts = 8

windows = ("hann", "hamming", "sine", "blackman-harris")
w = transforms.make_window(windows[choice], 2048)
answer = 20 * np.log10(np.sum(w[:: 2048 // parts] ** 2))
