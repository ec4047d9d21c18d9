from mss_lab import catalogue
from mss_lab.spatial import panning

mixture = lab.given("12.4")["mixture"]
pans_rad = panning.named(None, 3, mixture, 16_000)
answer = catalogue.separator("projet", pans_rad=pans_rad)(mixture, 16_000)
