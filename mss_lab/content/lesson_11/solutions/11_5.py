from mss_lab import transforms
from mss_lab.spatial import duet

mixture = lab.given("11.5")["mixture"]
histogram = duet.histogram(transforms.stft(mixture, **transforms.settings_for(16_000)), 16_000, delay_limit_s=0.0006)
angles_rad, delays_s = duet.peaks(histogram, 2)
names = ("one", "other")
answer = duet.separate(
    mixture,
    16_000,
    pans_rad=dict(zip(names, angles_rad, strict=True)),
    delays_s=dict(zip(names, delays_s, strict=True)),
)
