import numpy as np


# %% The frames are added, but nothing is divided
def answer(frames, analysis, synthesis, R):
    N, count = frames.shape
    total = np.zeros((count - 1) * R + N)
    for t in range(count):
        total[t * R : t * R + N] += synthesis * frames[:, t]
    return total


# %% The divisor is that of the lesson's inverse
def answer(frames, analysis, synthesis, R):
    N, count = frames.shape
    total, weight = np.zeros((2, (count - 1) * R + N))
    for t in range(count):
        total[t * R : t * R + N] += synthesis * frames[:, t]
        weight[t * R : t * R + N] += synthesis**2
    return total / np.where(weight > 0, weight, 1)


# %% The frames are added as they are, without the window of the synthesis
def answer(frames, analysis, synthesis, R):
    N, count = frames.shape
    total, weight = np.zeros((2, (count - 1) * R + N))
    for t in range(count):
        total[t * R : t * R + N] += frames[:, t]
        weight[t * R : t * R + N] += analysis * synthesis
    return total / np.where(weight > 0, weight, 1)
