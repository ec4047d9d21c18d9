def answer(train, test, groups):
    trained = {groups.get(name, name) for name in train}
    return {name for name in test if groups.get(name, name) in trained}
