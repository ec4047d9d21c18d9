import numpy as np

level_db = 20
factor = 1000.0

answer = np.log(factor) / np.log(10 ** (level_db / 10))
