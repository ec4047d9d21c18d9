from collections import Counter


def answer(before, after):
    gone, come = (Counter(map(tuple, rows.tolist())) for rows in (before, after))
    gone, come = gone - come, come - gone
    times = [Counter(row[1:] for row in side.elements()) for side in (gone, come)]
    given = sum((times[0] & times[1]).values())
    return given, sum(gone.values()) - given, sum(come.values()) - given
