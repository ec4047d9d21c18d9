import numpy as np

ratio = 2.0

answer = np.degrees(np.arctan2(ratio, 1))
