from mss_lab import catalogue
from mss_lab.spatial import panning

# %% The mean SDR is
mixture = lab.given("12.4")["mixture"]
answer = catalogue.separator("adress", pans_rad=panning.named(None, 3, mixture, 16_000))(mixture, 16_000)

# %% got 4: one for each source
answer = catalogue.separator("projet")(lab.given("12.4")["mixture"], 16_000)

# %% are all the same sound
answer = 3 * [lab.given("12.4")["mixture"] / 3]
