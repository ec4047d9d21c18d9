import math

cents = 40

width = 2 ** (cents / 1200) - 1
answer = math.ceil((1 - width) / (2 * width))
