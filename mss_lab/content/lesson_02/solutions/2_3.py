import numpy as np

from mss_lab import transforms

window = "hann"
parts = 8

w = transforms.make_window(window, 2048)
answer = 20 * np.log10(np.sum(w[:: 2048 // parts] ** 2))
