sources = 5
timbres = 3
dynamics = 2
shifts = 4

answer = (timbres * dynamics * shifts) ** sources
