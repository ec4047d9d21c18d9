import numpy as np

from mss_lab import masks, transforms, units
from mss_lab.nmf import components, constrained
from mss_lab.score.notes import Note, Score

puzzle = lab.given("8.2")
rate, settings = puzzle["sample_rate_hz"], {"window_samples": 4096, "hop_samples": 1024}
stft = transforms.stft(puzzle["mixture"], **settings)
V = np.abs(stft[0])
score = Score(tuple(Note(*row) for row in puzzle["notes"]))
keys = constrained.keys_of(score)

frequencies_hz = transforms.stft_frequencies_hz(settings["window_samples"], rate)
W = np.zeros((len(V), len(keys)))
for c, (_, midi) in enumerate(keys):
    for q in range(40, 0, -1):
        partial_hz = q * units.midi_to_hz(midi) * np.sqrt(1 + puzzle["stiffness"] * q**2)
        half_hz = partial_hz * (2 ** (30 / 1200) - 1) + rate / settings["window_samples"]
        W[np.abs(frequencies_hz - partial_hz) <= half_hz, c] = 1 / q
H = constrained.activation_start(score, keys, V.shape[1], rate / settings["hop_samples"], tolerance_s=0.05)
fitted = constrained.fit(V, W, H, iterations=15)

owners = np.array([score.sources.index(source) for source, _ in keys])
models = components.source_models(fitted.templates, fitted.activations[np.newaxis], owners, len(score.sources))
filtered = masks.apply(masks.wiener(models), stft)
answer = masks.to_estimates(filtered, score.sources, puzzle["mixture"].shape[1], **settings)
