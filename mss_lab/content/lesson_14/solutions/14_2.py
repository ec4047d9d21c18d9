a, b, c = -3, 0, -5
p = 0.5 * (a - c) / (a - 2 * b + c)
answer = (100 + p) * 10
