import numpy as np

from mss_lab import transforms
from mss_lab.score import harmonics, notes

puzzle = lab.given("9.3")
rate = puzzle["sample_rate_hz"]
settings = transforms.settings_for(rate)
magnitude = np.abs(transforms.stft(puzzle["mixture"], **settings)[0])
score = notes.Score(tuple(notes.Note(*row) for row in puzzle["notes"]))


def caught(late_s):
    moved = notes.shift(score, -late_s)
    claims = harmonics.score_claims(moved, magnitude.shape[1], sample_rate_hz=rate, tolerance_s=0, slope=0, **settings)
    return np.sum(claims.max(axis=0) * magnitude)


answer = max(np.arange(-0.5, 0.51, 0.02), key=caught)
