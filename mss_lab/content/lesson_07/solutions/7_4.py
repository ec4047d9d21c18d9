import numpy as np

onset_s = np.interp(5, [0, 4, 6], [1, 7, 8])
offset_s = 8 + (7 - 6) * (8 - 1) / (6 - 0)
answer = offset_s - onset_s
