import numpy as np

from mss_lab import transforms

w = transforms.make_window("hann", 2048)
answer = 20 * np.log10(np.sum(w[:: 2048 // 8] ** 2))
