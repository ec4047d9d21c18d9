# %% the other two are exchanged
answer = {"A": "lost", "B": "moved", "C": "copied"}


# %% None of the three is right
answer = {"A": "moved", "B": "lost", "C": "copied"}


# %% happened in one of the three separations
answer = {"A": "lost", "B": "moved", "C": "lost"}
