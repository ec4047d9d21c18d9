import numpy as np
from scipy.ndimage import median_filter


def answer(V, frames, bins):
    held = median_filter(V, size=(1, frames), mode="reflect") ** 2
    struck = median_filter(V, size=(bins, 1), mode="reflect") ** 2
    total = held + struck
    safe = np.where(total > 0, total, 1)
    return np.stack([np.where(total > 0, part / safe, 0.5) for part in (held, struck)])
