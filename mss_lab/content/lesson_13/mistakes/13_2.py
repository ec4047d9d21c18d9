import math

# %% That is even: such a kernel has no frame in the middle
answer = math.ceil(0.5 * 48_000 / 1024)

# %% The kernel needs a whole number of frames
answer = 0.5 * 48_000 / 1024

# %% There is an odd number that is nearer
answer = 25
