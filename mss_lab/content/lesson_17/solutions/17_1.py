players = 6

# Exactly one of the two players is in the sum; each of the others may be in it or not.
answer = 2 * 2 ** (players - 2)
