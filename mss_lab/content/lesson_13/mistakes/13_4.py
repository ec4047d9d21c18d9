from mss_lab.kernels import hpss

# %% The mean SDR is 6.
answer = hpss.separate(lab.given("13.4")["mixture"], 16_000)

# %% The mean SDR is 5.
answer = hpss.separate(lab.given("13.4")["mixture"], 16_000, length_s=0.05)

# %% got 3: one for each source
answer = hpss.separate(lab.given("13.4")["mixture"], 16_000, length_s=0.2, margin=2.0)
