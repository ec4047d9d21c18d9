import numpy as np

true_hz = (170 + 0.4) * 3.90625
harmonic_hz = round(true_hz / 221.0) * 221.0
answer = 1200 * np.log2(true_hz / harmonic_hz)
