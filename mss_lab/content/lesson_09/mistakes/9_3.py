import numpy as np

from mss_lab import transforms
from mss_lab.score import harmonics, notes

puzzle = lab.given("9.3")
rate = puzzle["sample_rate_hz"]
settings = transforms.settings_for(rate)
magnitude = np.abs(transforms.stft(puzzle["mixture"], **settings)[0])
score = notes.Score(tuple(notes.Note(*row) for row in puzzle["notes"]))


def caught(move_s):
    moved = notes.shift(score, move_s)
    claims = harmonics.score_claims(moved, magnitude.shape[1], sample_rate_hz=rate, tolerance_s=0, slope=0, **settings)
    return np.sum(claims.max(axis=0) * magnitude)


best_move_s = max(np.arange(-0.5, 0.51, 0.02), key=caught)

# %% The sign is turned round
answer = best_move_s

# %% The notes as they stand catch less
answer = 0.0
