# %% This player's notes are right as they are written
answer = "bassoon", 3

# %% the sign is turned round
answer = "saxophone", -3

# %% The answer must be a player and a number of semitones
answer = 3
