import numpy as np

from mss_lab import transforms

melody = lab.given("2.4")
N, R = 2048, 1024
F = transforms.stdct(melody["recording"], window_samples=N, hop_samples=R)[0]
smallest = np.sort(np.abs(F).ravel())[-melody["budget"]]
answer = np.where(np.abs(F) >= smallest, F, 0), N, R
