import numpy as np

from mss_lab import transforms

three = lab.given("3.4")
settings = transforms.settings_for(three["sample_rate_hz"])
mixture = np.abs(transforms.stft(three["mixture"], **settings))
loud = mixture > 0.01 * mixture.max()
between = {}
for name in ("x", "y", "z"):
    mask = np.abs(transforms.stft(three[name], **settings))[loud] / mixture[loud]
    between[name] = np.mean((mask > 0.1) & (mask < 0.9))
answer = sorted(between, key=between.get, reverse=True)
