sources = 5
timbres = 3
dynamics = 2
shifts = 4

# %% That adds the numbers of timbres, dynamics and shifts of a source
answer = (timbres + dynamics + shifts) ** sources

# %% That is the number of stems
answer = sources * timbres * dynamics * shifts

# %% That is the number of renditions of one source
answer = timbres * dynamics * shifts
