# %% It stops one loss too late
def answer(validation, patience):
    best = 0
    for index in range(1, len(validation)):
        if validation[index] < validation[best]:
            best = index
        elif index - best > patience:
            return best, index
    return best, len(validation) - 1


# %% A loss that equals the lowest counts as better
def answer(validation, patience):
    best = 0
    for index in range(1, len(validation)):
        if validation[index] <= validation[best]:
            best = index
        elif index - best >= patience:
            return best, index
    return best, len(validation) - 1


# %% Each loss is compared with the one before it
def answer(validation, patience):
    best = waited = 0
    for index in range(1, len(validation)):
        waited = 0 if validation[index] < validation[index - 1] else waited + 1
        best = index if validation[index] < validation[best] else best
        if waited >= patience:
            return best, index
    return best, len(validation) - 1


# %% belongs to the lowest of the whole list
def answer(validation, patience):
    best = validation.index(min(validation))
    seen = 0
    for index in range(1, len(validation)):
        if validation[index] < validation[seen]:
            seen = index
        elif index - seen >= patience:
            return best, index
    return best, len(validation) - 1
