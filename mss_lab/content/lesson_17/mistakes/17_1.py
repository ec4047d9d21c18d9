players = 6


# %% That is the number of all sums
answer = 2**players - 2


# %% The other way round is noticed too
answer = 2 ** (players - 2)


# %% Those are the two players alone
answer = 2


# %% may be in the sum or not, independently
answer = 2 * (players - 2)
