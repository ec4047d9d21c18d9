import math

cents = 40

width = 2 ** (cents / 1200) - 1

# %% That takes the band of the next harmonic to be as wide as this one's
answer = math.ceil(1 / (2 * width))

# %% Only one of the two bands counts there
answer = math.ceil(1 / width)

# %% That harmonic does not quite reach the next
answer = math.ceil((1 - width) / (2 * width)) - 1
