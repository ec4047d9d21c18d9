import numpy as np

source = 9
others = 3

# %% That is the source against the others, before any filter
answer = 10 * np.log10(source / others)

# %% That is the error itself
answer = source * others / (source + others)
