# %% That is the order from the largest exponent to the smallest
answer = ["y", "x", "z"]

# %% the other two are exchanged
answer = ["x", "z", "y"]

# %% The one with exponent 8 is another
answer = ["x", "y", "z"]
