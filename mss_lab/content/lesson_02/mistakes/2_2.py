# %% Two are exchanged: the one that comes late and the one with wrong signs
answer = ["signs", "late", "loud", "flutter"]

# %% Two are exchanged: a constant gain and one that goes up and down
answer = ["late", "signs", "flutter", "loud"]

# %% each of them occurs once
answer = ["late", "late", "loud", "flutter"]
