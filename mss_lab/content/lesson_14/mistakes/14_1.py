lower = -3
upper = -5

# %% That is the loudest bin itself
answer = 1000.0

# %% on the wrong side of the loudest bin
answer = (100 - (lower - upper) / (2 * (lower + upper))) * 10

# %% That is a position in bins
answer = 100 + (lower - upper) / (2 * (lower + upper))

# %% twice as far from the loudest bin
answer = (100 + (lower - upper) / (lower + upper)) * 10
