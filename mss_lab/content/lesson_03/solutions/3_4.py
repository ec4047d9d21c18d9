import numpy as np

answer = 10 * np.log10(99)
