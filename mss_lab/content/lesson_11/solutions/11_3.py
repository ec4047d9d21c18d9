# The three hills: mss_lab.spatial.panning.named(None, None, lab.given("11.3")["mixture"], 16_000).
# Played one by one, the windows around them hold:
organ = 0.0
drum = 0.0
string = 0.0

answer = string
