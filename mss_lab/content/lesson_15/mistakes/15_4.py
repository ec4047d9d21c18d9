# %% Only what has the same name was found
def answer(train, test, groups):
    return set(train) & set(test)


# %% Names that are in no group were passed over
def answer(train, test, groups):
    trained = {groups[name] for name in train if name in groups}
    return {name for name in test if groups.get(name) in trained and name in groups}


# %% was taken to share a family with the other names
def answer(train, test, groups):
    trained = {groups.get(name) for name in train}
    return {name for name in test if groups.get(name) in trained or name in trained}


# %% Families, or names of training pieces, were returned
def answer(train, test, groups):
    trained = {groups.get(name, name) for name in train}
    return {groups.get(name, name) for name in test if groups.get(name, name) in trained}
