import numpy as np

source = 9
others = 3

error = source * others / (source + others)
answer = 10 * np.log10(source / error)
