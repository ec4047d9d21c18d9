# %% with a weak fundamental
def answer(levels, bin_hz, f0_hz):
    k = round(f0_hz / 2 / bin_hz)
    return bool(levels[k - 2 : k + 3].max() > 0.2 * levels.max())


# %% is said to be an octave too high
def answer(levels, bin_hz, f0_hz):
    return True


# %% Return True or False
def answer(levels, bin_hz, f0_hz):
    return levels[round(f0_hz / 2 / bin_hz)]
