from mss_lab.kernels import hpss

# A note lasts 0.15 s: a median of 0.2 s sees one note, and drops a stroke.
answer = hpss.separate(lab.given("13.4")["mixture"], 16_000, length_s=0.2)
