# %% The violin plays in it
answer = (0.2, 2.0)

# %% a passage without any sound
answer = (4.6, 6.4)

# %% shorter than
answer = (9.0, 10.0)

# %% times are in seconds
answer = (160_000, 180_000)
