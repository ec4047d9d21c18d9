drum = -1.111
vowel = 0.618

# %% Those are the gains of the vowel
answer = vowel

# %% the sign is not
answer = -drum

# %% the gain on the left over that on the right
answer = 1 / drum
