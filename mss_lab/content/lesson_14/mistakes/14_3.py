f0_hz = 142.5

# %% the lowest one that sounds
answer = 4 * f0_hz

# %% an octave too low
answer = f0_hz / 2

# %% a period in milliseconds
answer = 1000 / f0_hz
