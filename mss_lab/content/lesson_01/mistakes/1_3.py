# %% That puts the notes about one bin apart
answer = 4096

# %% That is the length the rule asks for
answer = 5506

# %% Long enough, but twice as long as the rule asks for
answer = 16384
