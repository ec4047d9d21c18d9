def path_of(parent_of, node):
    path = []
    while node is not None:
        path.append(node)
        node = parent_of[node]
    return path


# %% counted from 1
def answer(parent_of, leaves):
    paths = [path_of(parent_of, leaf) for leaf in leaves]
    return next((level for level, nodes in enumerate(zip(*paths)) if len(set(nodes)) == 1), 0)


# %% Only two of the leaves
def answer(parent_of, leaves):
    paths = [path_of(parent_of, leaf) for leaf in leaves[:2]]
    return next((level for level, nodes in enumerate(zip(*paths), 1) if len(set(nodes)) == 1), 0)


# %% counted from the top
def answer(parent_of, leaves):
    paths = [path_of(parent_of, leaf)[::-1] for leaf in leaves]
    return max((level for level, nodes in enumerate(zip(*paths), 1) if len(set(nodes)) == 1), default=0)


# %% this is the name of a node
def answer(parent_of, leaves):
    paths = [path_of(parent_of, leaf) for leaf in leaves]
    return next((nodes[0] for nodes in zip(*paths) if len(set(nodes)) == 1), 0)


# %% Leaves that only the root joins
def answer(parent_of, leaves):
    paths = [path_of(parent_of, leaf) for leaf in leaves]
    return next((level for level, nodes in enumerate(zip(*paths), 1) if len(set(nodes)) == 1), len(paths[0]) + 1)
