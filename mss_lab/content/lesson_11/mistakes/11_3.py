import math

string = 0.0
organ = 0.0
drum = 0.0

# %% That is where the organ is
answer = organ

# %% That is where the drum is
answer = drum

# %% Is that an angle in radians?
answer = math.radians(string)
