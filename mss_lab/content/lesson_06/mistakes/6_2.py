duration_s = 0.3
hop = 512
rate_hz = 44_100

# %% That many do not quite last
answer = duration_s * rate_hz // hop

# %% Frames come whole
answer = duration_s * rate_hz / hop

# %% That is the number of samples in
answer = duration_s * rate_hz
