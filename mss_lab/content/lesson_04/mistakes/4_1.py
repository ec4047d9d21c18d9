# %% 2 of the four are not right
answer = {"A": "interference", "B": "level", "C": "artefacts", "D": "dull"}

# %% With the fault 'level', the player would make it equal
answer = {"A": "level", "B": "dull", "C": "artefacts", "D": "interference"}

# %% The answer lacks C, D
answer = {"A": "artefacts", "B": "level"}

# %% B must be one of
answer = {"A": "artefacts", "B": "soft", "C": "interference", "D": "dull"}
