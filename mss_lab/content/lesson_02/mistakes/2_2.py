coefficient = 100
window = 2048
rate_hz = 16_000

# %% coefficient k makes k half turns, not whole ones
answer = coefficient * rate_hz / window

# %% That is a quarter of the STFT's place
answer = coefficient * rate_hz / 4 / window

# %% Counted from 0, coefficient
answer = (coefficient - 1) * rate_hz / (2 * window)
