import numpy as np

louder = 4
softer = 1

# The error is half of each player, and their powers add up.
answer = 10 * np.log10(softer / ((louder + softer) / 4))
