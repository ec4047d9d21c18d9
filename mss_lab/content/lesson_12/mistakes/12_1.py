drum = 0.0
vowel = 0.0

# %% Those are the gains of the vowel
answer = vowel

# %% the sign is not
answer = -drum

# %% the gain on the left over that on the right
answer = 1 / drum
