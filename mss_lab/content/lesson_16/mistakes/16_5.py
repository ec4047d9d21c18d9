# %% are found, and exchanged
answer = {"A": "both", "B": "song 1", "C": "neither", "D": "song 2"}


# %% which of them separates at all
answer = {"A": "neither", "B": "song 2", "C": "both", "D": "song 1"}


# %% 4 of the four are not right
answer = {"A": "song 1", "B": "neither", "C": "song 2", "D": "both"}


# %% the answer names one training twice
answer = {"A": "both", "B": "song 2", "C": "neither", "D": "both"}


# %% The answer must be a dict with the keys A, B, C and D
answer = "A"
