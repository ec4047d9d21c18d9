inputs = lab.given("10.2")

# %% There is no row
answer = len(inputs["notes"])

# %% something sounds in the mixture
answer = len(inputs["notes"]) - 1

# %% must be the number of a row
answer = "violin"
