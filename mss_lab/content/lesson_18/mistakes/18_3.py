import numpy as np

from mss_lab.nmf import fixed_pitch
from mss_lab.score.notes import Note, Score

inputs = lab.given("18.3")
mixture, rate, rows = inputs["mixture"], inputs["sample_rate_hz"], inputs["notes"]
names = ("first", "second", "third")

# %% All three estimates are the mixture itself
answer = np.repeat(mixture, 3, axis=0)

# %% The mean SDR does not reach the limit yet
score = Score(tuple(Note(names[int(who)], midi, max(on, 0.0), off) for who, midi, on, off in rows), names)
estimates = fixed_pitch.separate(mixture.astype(np.float32), rate, score, tolerance_s=0.05, tuning_hz=440.0)
answer = np.stack([estimates[name][0] for name in names])

# %% has shape
answer = mixture
