notes = lab.given("8.1")["notes"]

# %% is played as it is written
answer = max(range(len(notes)), key=lambda k: notes[k][1])

# %% is the index of none of them
answer = len(notes)
