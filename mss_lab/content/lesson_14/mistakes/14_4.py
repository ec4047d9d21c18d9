from mss_lab import catalogue

# %% Mixture b: The mean SDR is
answer = {name: catalogue.separator("hpss")(mixture, 16_000) for name, mixture in lab.given("14.4").items()}

# %% Mixture a: The answer must be 2 estimates
answer = {name: catalogue.separator("adress")(mixture, 16_000) for name, mixture in lab.given("14.4").items()}

# %% must be a dict with the names a, b and c
answer = catalogue.separator("repet")(lab.given("14.4")["c"], 16_000)
