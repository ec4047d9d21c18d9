# The three hills: mss_lab.spatial.panning.named(None, None, lab.given("11.3")["mixture"], 16_000).
# Played one by one, the window around this one holds notes that begin suddenly and die away.
string = 0.0

answer = string
