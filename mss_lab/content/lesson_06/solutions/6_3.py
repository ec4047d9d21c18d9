import numpy as np


def answer(V):
    frames = V.shape[1]
    apart = np.linalg.norm(V[:, :, None] - V[:, None, :], axis=0)

    def walk(first):
        order, left = [first], set(range(frames)) - {first}
        while left:
            order.append(min(left, key=lambda frame: apart[order[-1], frame]))
            left.remove(order[-1])
        return order

    return np.array(min(map(walk, range(frames)), key=lambda order: apart[order[:-1], order[1:]].sum()))
