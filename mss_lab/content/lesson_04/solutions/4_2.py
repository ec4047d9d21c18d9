import numpy as np

sdr = 10 * np.log10(1 / (0.2**2 + 0.04))
si_sdr = 10 * np.log10(0.8**2 / 0.04)
answer = si_sdr - sdr
