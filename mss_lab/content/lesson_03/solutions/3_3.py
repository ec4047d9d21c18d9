import numpy as np

from mss_lab import masks

models = np.array([3.0, 2.0]).reshape(2, 1, 1, 1)
estimates, _ = masks.refine(np.ones((1, 1, 1)), models, np.abs, iterations=2, exponent=2)
answer = estimates[0, 0, 0, 0]
