def answer(validation, patience):
    best = 0
    for index in range(1, len(validation)):
        if validation[index] < validation[best]:
            best = index
        elif index - best >= patience:
            return best, index
    return best, len(validation) - 1
