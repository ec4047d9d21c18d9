# %% That is the order from the largest exponent to the smallest
answer = ["b", "a", "c"]

# %% the other two are exchanged
answer = ["a", "c", "b"]

# %% The one with exponent 8 is another
answer = ["a", "b", "c"]
