# %% That is the bin itself, without the parabola
answer = 1000.0

# %% The peak leans to the louder neighbour, and that is the lower one
answer = 1001.25

# %% That is the position in bins
answer = 99.875

# %% You forgot the factor of a half in p
answer = 997.5
