from mss_lab.nmf import informed
from mss_lab.score.notes import Note, Score

inputs = lab.given("10.3")
players = inputs["players"]
score = Score(tuple(Note(players[int(j)], *row) for j, *row in inputs["notes"].tolist()), tuple(players))

# %% The mean SDR is
answer = informed.separate(inputs["mixture"], inputs["sample_rate_hz"], score, tolerance_s=0.05, tuning_hz=440)

# %% all the same sound
answer = dict.fromkeys(players, inputs["mixture"] / len(players))

# %% silent
answer = dict.fromkeys(players, 0 * inputs["mixture"])
