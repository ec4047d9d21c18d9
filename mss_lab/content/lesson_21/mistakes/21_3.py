# %% That is the count of part 5
def answer(true_notes, notes):
    free, count = list(map(tuple, true_notes)), 0
    for note in notes:
        for one in free:
            if one[0] == note[0] and abs(one[1] - note[1]) <= 0.05 + 1e-9:
                free.remove(one)
                count += 1
                break
    return count


# %% A true note is used more than once
def answer(true_notes, notes):
    return sum(any(t[0] == n[0] and abs(t[1] - n[1]) <= 0.05 + 1e-9 for t in true_notes) for n in notes)


# %% Notes of different pitches count as pairs
def answer(true_notes, notes):
    true, own = (sorted(note[1] for note in some) for some in (true_notes, notes))
    count = 0
    while true and own:
        if abs(true[0] - own[0]) <= 0.05 + 1e-9:
            count += 1
            true.pop(0), own.pop(0)
        elif true[0] < own[0]:
            true.pop(0)
        else:
            own.pop(0)
    return count
