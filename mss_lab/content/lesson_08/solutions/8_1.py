import numpy as np

from mss_lab import transforms
from mss_lab.nmf import constrained
from mss_lab.score.notes import Note, Score

puzzle = lab.given("8.1")
rate, settings = puzzle["sample_rate_hz"], {"window_samples": 4096, "hop_samples": 1024}
V = np.abs(transforms.stft(puzzle["mixture"], **settings)[0])

# A player for each note, so that each has a component of its own.
score = Score(tuple(Note(str(k), midi, *times_s) for k, (_, midi, *times_s) in enumerate(puzzle["notes"])))
keys = constrained.keys_of(score)
W = constrained.template_start(keys, settings["window_samples"], rate, width_cents=30)
H = constrained.activation_start(score, keys, V.shape[1], rate / 1024, tolerance_s=0.05, release_s=0)
fitted = constrained.fit(V, W, H, iterations=10)

loudness = fitted.templates.sum(axis=0) * fitted.activations.sum(axis=1)
lengths_s = [offset_s - onset_s for _, _, onset_s, offset_s in puzzle["notes"]]
answer = int(np.argmin(loudness / lengths_s))
