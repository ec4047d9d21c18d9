import numpy as np

voice = lab.given("4.3")
noise = np.random.default_rng(0).standard_normal(voice.shape)
tenth = np.linalg.norm(voice) / np.sqrt(10)

# %% The first estimate has an SDR of 0.92 dB
answer = 0.1 * voice, voice + tenth * noise / np.linalg.norm(noise)

# %% The first estimate has the SDR, but an SI-SDR of
answer = voice + tenth * noise / np.linalg.norm(noise), voice + tenth * noise / np.linalg.norm(noise)

# %% The second estimate has the SDR, but an SI-SDR of
answer = (1 - 1 / np.sqrt(10)) * voice, (1 + 1 / np.sqrt(10)) * voice

# %% The answer must be a pair of two estimates
answer = (1 - 1 / np.sqrt(10)) * voice
