# %% A rings at a pitch that you can sing
answer = "A"

# %% C rings at a pitch that you can sing
answer = "c"

# %% The components have letters, A to F; got the number 5
answer = 5
