# The three hills: mss_lab.spatial.panning.named(None, None, lab.given("11.3")["mixture"], 16_000).
# Played one by one, the windows around them hold:
organ = 54.7
drum = 82.0
string = 35.5

answer = string
