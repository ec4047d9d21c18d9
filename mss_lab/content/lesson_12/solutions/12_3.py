import numpy as np

degrees = 60

answer = -1 / np.tan(np.radians(degrees))
