from mss_lab import transforms

x = lab.given("1.3")["recording"]
settings = {"window_samples": 1024, "hop_samples": 256}
X = transforms.stft(x, **settings)

# %% Still there, as loud as before or nearly: the whistle and the siren
answer = x

# %% Still there, as loud as before or nearly: the siren
Y = X.copy()
Y[:, 117:123] = 0
answer = transforms.istft(Y, x.shape[1], **settings)

# %% Whistle and siren are gone, and too much of the music with them
Y = X.copy()
Y[:, 30:] = 0
answer = transforms.istft(Y, x.shape[1], **settings)
