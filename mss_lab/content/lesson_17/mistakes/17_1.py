# %% That is all there are
answer = 2**6 - 2

# %% That counts the sums that hold the violin and not the viola
answer = 2**4

# %% That counts the sums that hold the violin, with or without the viola
answer = 2**5 - 1
