import numpy as np

from mss_lab import transforms
from mss_lab.neural import clustering

inputs = lab.given("21.4")
grid = {"window_samples": inputs["window_samples"], "hop_samples": inputs["hop_samples"]}
X = transforms.stft(inputs["mixture"], **grid)  # (1, freq, frames)
level = np.abs(X[0])
audible = level > level.max() * 10 ** (-40 / 20)
masks = clustering.cluster_masks(inputs["embeddings"], audible, 3)
samples = inputs["mixture"].shape[1]
answer = [transforms.istft(X * mask, samples, **grid) for mask in masks]
