# %% it is played by other instruments
answer = ["test 1", "test 2"]


# %% the answer names 3
answer = ["test 2", "test 3", "test 5"]


# %% One of these two songs
answer = ["test 2", "test 6"]


# %% None of these two songs
answer = ["test 3", "test 4"]
