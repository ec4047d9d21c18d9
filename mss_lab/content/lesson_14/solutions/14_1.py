lower = -3
upper = -5

offset = (lower - upper) / (2 * (lower - 2 * 0 + upper))
answer = (100 + offset) * 10
