import numpy as np


def answer(levels_db, threshold_db, price):
    rewards = np.stack([np.zeros(len(levels_db)), levels_db - threshold_db])
    cost = price * (1 - np.eye(2))
    marks, came_from = rewards[:, 0], []
    for t in range(1, len(levels_db)):
        ways = marks - cost
        came_from.append(ways.argmax(axis=1))
        marks = ways.max(axis=1) + rewards[:, t]
    states = [marks.argmax()]
    for back in reversed(came_from):
        states.append(back[states[-1]])
    return np.array(states[::-1]) == 1
