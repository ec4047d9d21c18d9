import numpy as np


def answer(frames, analysis, synthesis, R):
    N, count = frames.shape
    total, weight = np.zeros((2, (count - 1) * R + N))
    for t in range(count):
        total[t * R : t * R + N] += synthesis * frames[:, t]
        weight[t * R : t * R + N] += analysis * synthesis
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1), 0)
