import numpy as np


# %% That takes the best pitch of each frame by itself
def answer(scores, penalty):
    return scores.argmax(axis=0)


# %% That decides frame by frame, from the pitch chosen last
def answer(scores, penalty):
    path = [int(scores[:, 0].argmax())]
    for frame in range(1, scores.shape[1]):
        away = np.abs(np.arange(len(scores)) - path[-1])
        path.append(int((scores[:, frame] - penalty * away).argmax()))
    return np.array(path)


# %% That takes the best end of each frame
def answer(scores, penalty):
    pitch = np.arange(len(scores))
    cost = penalty * np.abs(pitch[:, None] - pitch)
    total, path = scores[:, 0], [scores[:, 0].argmax()]
    for frame in range(1, scores.shape[1]):
        total = (total - cost).max(axis=1) + scores[:, frame]
        path.append(total.argmax())
    return np.array(path)
