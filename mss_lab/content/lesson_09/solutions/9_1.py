import math

w = 2 ** (40 / 1200) - 1
answer = math.ceil((1 - w) / (2 * w))
