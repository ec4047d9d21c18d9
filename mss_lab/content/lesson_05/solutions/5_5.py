import numpy as np

from mss_lab import masks, transforms
from mss_lab.nmf import beta, components

inputs = lab.given("5.5")
mixture, settings = inputs["mixture"], transforms.settings_for(inputs["sample_rate_hz"])
templates = {}
for name in ("voice", "guitar"):
    alone = np.abs(transforms.stft(inputs[f"{name} alone"], **settings))
    templates[name] = beta.factorise(alone, 16, iterations=40, rng=np.random.default_rng(0)).templates

stft = transforms.stft(mixture, **settings)
models = components.supervised(np.abs(stft), templates, iterations=40, rng=np.random.default_rng(1))
shares = components.separate(stft, models, exponent=1)
answer = masks.to_estimates(np.stack(list(shares.values())), list(shares), mixture.shape[1], **settings)
