import numpy as np

answer = np.log(1000) / np.log(100)
