import math

answer = math.ceil(math.sqrt((2 ** (100 / 1200) - 1) / 0.0004))
