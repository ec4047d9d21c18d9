from collections import Counter


# %% count only once
def answer(before, after):
    gone, come = (set(map(tuple, rows.tolist())) for rows in (before, after))
    gone, come = gone - come, come - gone
    given = len({row[1:] for row in gone} & {row[1:] for row in come})
    return given, len(gone) - given, len(come) - given


# %% count as deleted and added, too
def answer(before, after):
    gone, come = (Counter(map(tuple, rows.tolist())) for rows in (before, after))
    gone, come = gone - come, come - gone
    times = [Counter(row[1:] for row in side.elements()) for side in (gone, come)]
    return sum((times[0] & times[1]).values()), sum(gone.values()), sum(come.values())


# %% three numbers
def answer(before, after):
    return len(before) - len(after)
