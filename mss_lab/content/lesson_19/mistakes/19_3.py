# %% The plain SDR is not below 0 dB
def answer(sources):
    return 0.5 * sources


# %% BSS Eval 3 is not fooled
def answer(sources):
    return sources + 2 * sources[::-1]


# %% An estimate is silent
def answer(sources):
    return 0 * sources


# %% An estimate is still like its player
def answer(sources):
    return -sources
