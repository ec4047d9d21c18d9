import numpy as np

voice = lab.given("4.3")
noise = np.random.default_rng(0).standard_normal(voice.shape)
tenth = np.linalg.norm(voice) / np.sqrt(10)

softer = (1 - 1 / np.sqrt(10)) * voice
noisy = voice + tenth * noise / np.linalg.norm(noise)
answer = softer, noisy
