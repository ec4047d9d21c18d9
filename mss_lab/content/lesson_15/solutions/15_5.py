def answer(train, test, groups):
    heard = {groups.get(name, name) for name in train}
    return {name for name in test if groups.get(name, name) in heard}
