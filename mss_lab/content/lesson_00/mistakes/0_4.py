harmonics = 20

# %% All of the upper note's harmonics are among the lower note's
answer = harmonics

# %% Only one? Look further up
answer = 1
