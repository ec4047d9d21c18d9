import numpy as np


# %% That decides each frame by itself
def answer(levels_db, threshold_db, price):
    return levels_db > threshold_db


# %% That decides frame by frame, as soon as one frame is worth the price
def answer(levels_db, threshold_db, price):
    state, states = levels_db[0] > threshold_db, []
    for level_db in levels_db:
        gain = threshold_db - level_db if state else level_db - threshold_db
        state = not state if gain > price else state
        states.append(state)
    return np.array(states)


# %% That charges only for changes from silent to sounding
def answer(levels_db, threshold_db, price):
    silent, sounds, silent_path, sounds_path = 0.0, levels_db[0] - threshold_db, [False], [True]
    for level_db in levels_db[1:]:
        before = silent, sounds, silent_path, sounds_path
        silent, silent_path = max((before[0], before[2]), (before[1], before[3]), key=lambda way: way[0])
        sounds, sounds_path = max((before[1], before[3]), (before[0] - price, before[2]), key=lambda way: way[0])
        sounds += level_db - threshold_db
        silent_path, sounds_path = [*silent_path, False], [*sounds_path, True]
    return np.array(sounds_path if sounds > silent else silent_path)
