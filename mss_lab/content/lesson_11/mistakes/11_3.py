import math

string = 35.5
organ = 54.7
drum = 82.0

# %% That is where the organ is
answer = organ

# %% That is where the drum is
answer = drum

# %% Is that an angle in radians?
answer = math.radians(string)
