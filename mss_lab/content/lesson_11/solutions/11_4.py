import numpy as np

degrees = 80

answer = np.tan(np.radians(degrees)) - 1
