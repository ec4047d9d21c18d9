import numpy as np

from mss_lab import masks, transforms
from mss_lab.nmf import beta, components

inputs = lab.given("5.5")
mixture, settings = inputs["mixture"], transforms.settings_for(inputs["sample_rate_hz"])


def separated(rank, iterations):
    templates = {}
    for name in ("voice", "guitar"):
        alone = np.abs(transforms.stft(inputs[f"{name} alone"], **settings))
        templates[name] = beta.factorise(alone, rank, iterations=iterations, rng=np.random.default_rng(0)).templates
    stft = transforms.stft(mixture, **settings)
    models = components.supervised(np.abs(stft), templates, iterations=iterations, rng=np.random.default_rng(1))
    shares = components.separate(stft, models)
    return masks.to_estimates(np.stack(list(shares.values())), list(shares), mixture.shape[1], **settings)


# %% That is the mixture itself, for both
answer = {"voice": mixture, "guitar": mixture}

# %% Not yet: the voice
answer = separated(2, 10)

# %% The names are exchanged
estimates = separated(2, 10)
answer = {"voice": estimates["guitar"], "guitar": estimates["voice"]}

# %% The voice must be a waveform of shape
answer = {"voice": inputs["voice alone"], "guitar": inputs["guitar alone"]}
