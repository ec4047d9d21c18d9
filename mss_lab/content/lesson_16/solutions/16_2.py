import numpy as np

from mss_lab import transforms

duet = lab.given("16.2")
grid = {"window_samples": 512, "hop_samples": 128}
S = transforms.stft(duet["train"], **grid)
X = np.abs(S.sum(axis=0)).T
flute = np.abs(S[0]).T


def levels(X):
    return 20 * np.log10(np.maximum(X, 1e-3))


mean, deviation = levels(X).mean(axis=0), np.maximum(levels(X).std(axis=0), 1)
z = (levels(X) - mean) / deviation
# The ten lines of part 2 for two sources, with the gradient by hand: a softmax of two numbers is a sigmoid.
rng = np.random.default_rng(16)
weights = 0.03 * rng.standard_normal((257, 257))
slope, size = np.zeros_like(weights), np.zeros_like(weights)
for step in range(1, 151):
    frames = rng.integers(len(z), size=64)
    mask = 1 / (1 + np.exp(-z[frames] @ weights))
    gradient = z[frames].T @ ((mask * X[frames] - flute[frames]) * X[frames] * mask * (1 - mask))
    # Adam: the mean gradient, divided by the root of the mean square.
    slope, size = 0.9 * slope + 0.1 * gradient, 0.999 * size + 0.001 * gradient**2
    weights -= 4e-3 * (slope / (1 - 0.9**step)) / (np.sqrt(size / (1 - 0.999**step)) + 1e-9)

mixture = transforms.stft(duet["mixture"][None], **grid)[0]
mask = 1 / (1 + np.exp(-((levels(np.abs(mixture)).T - mean) / deviation) @ weights)).T
estimates = np.stack([mask, 1 - mask]) * mixture
answer = transforms.istft(estimates, len(duet["mixture"]), **grid)
