# %% It need not know how they sound, but it has one roll for a violin and none for a horn
answer = "xumx-score-only"

# %% It has one branch for the violin, and refuses a second
answer = "xumx-informed"

# %% It looks for a violin, a clarinet, a saxophone and a bassoon
answer = "xumx"
