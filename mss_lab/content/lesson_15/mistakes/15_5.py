# %% Only what has the same name was found
def answer(train, test, groups):
    return set(train) & set(test)


# %% Names that are in no group were passed over
def answer(train, test, groups):
    heard = {groups[name] for name in train if name in groups}
    return {name for name in test if groups.get(name) in heard}


# %% Families, or names of training pieces, were returned
def answer(train, test, groups):
    heard = {groups.get(name, name) for name in train}
    return {groups.get(name, name) for name in test if groups.get(name, name) in heard}
