# %% A is not the kick; the kick is a low thump. B is not the snare
answer = "ABC"

# %% A is not the hat; the hat is a short bright tick
answer = "BCA"

# %% The answer must be one of
answer = "kick"
