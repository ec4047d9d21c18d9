import numpy as np

left = 3
right = 4

answer = np.degrees(np.arctan2(right, left))
