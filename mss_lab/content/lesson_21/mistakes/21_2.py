inputs = lab.given("21.2")

# %% One threshold for all players
answer = [0.5] * 4

# %% has 1
answer = 0.3

# %% between 0 and 1
answer = [50, 20, 30, 10]

# %% the player that lacks most is the bassoon
answer = [float(0.75 * roll.max()) for roll in inputs["rolls"][:3]] + [0.5]
