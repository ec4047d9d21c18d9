import numpy as np

from mss_lab import transforms

dirty = lab.given("1.3")
x, rate = dirty["recording"], dirty["sample_rate_hz"]
N, R = 1024, 256
X = transforms.stft(x, window_samples=N, hop_samples=R)
hz = np.arange(X.shape[1]) * rate / N
seconds = np.arange(X.shape[2]) * R / rate
whistle_hz = 1870  # read from the spectrogram
siren_hz = 700 + (3100 - 700) * seconds / 4
mask = np.ones(X.shape[1:])
for line_hz in (np.full(len(seconds), whistle_hz), siren_hz):
    mask[np.abs(hz[:, np.newaxis] - line_hz) < 2.5 * rate / N] = 0
answer = transforms.istft(mask * X, x.shape[1], window_samples=N, hop_samples=R)
