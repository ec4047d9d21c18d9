import numpy as np

from mss_lab import transforms
from mss_lab.neural import clustering

inputs = lab.given("21.4")
mixture, vectors = inputs["mixture"], inputs["embeddings"]
grid = {"window_samples": inputs["window_samples"], "hop_samples": inputs["hop_samples"]}
X = transforms.stft(mixture, **grid)


def separated(count):
    every_bin = np.ones(vectors.shape[:2], bool)
    masks = clustering.cluster_masks(vectors, every_bin, count)
    return [transforms.istft(X * mask, mixture.shape[1], **grid) for mask in masks]


# %% are all the same sound
answer = [mixture / 3] * 3

# %% The mean SDR is
answer = separated(3)

# %% one for each source, and no rest
answer = separated(4)
