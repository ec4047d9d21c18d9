from mss_lab.datasets import pieces
from mss_lab.score import find

puzzle = lab.given("7.4")
scores = {name: pieces.load(name).score for name in pieces.names()}
matches = find.find_score(puzzle["recording"], puzzle["sample_rate_hz"], scores, transpositions=range(-3, 4))

# %% That is where the excerpt ends
answer = matches[0].end_s

# %% No piece lasts so long
answer = matches[0].start_s * puzzle["sample_rate_hz"]
