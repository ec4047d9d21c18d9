import numpy as np

answer = 10 * np.log10(1 / 1.25)
