def path_of(parent_of, node):
    path = []
    while node is not None:
        path.append(node)
        node = parent_of[node]
    return path


def answer(parent_of, leaves):
    paths = [path_of(parent_of, leaf) for leaf in leaves]
    for level, nodes in enumerate(zip(*paths), start=1):
        if len(set(nodes)) == 1:
            return level
    return 0
