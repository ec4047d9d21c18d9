import numpy as np


# %% The two partials are exchanged where they cross
def answer(peaks):
    rows = [peaks[0]]
    for values in peaks[1:]:
        keep = np.abs(values - rows[-1]).sum() <= np.abs(values[::-1] - rows[-1]).sum()
        rows.append(values if keep else values[::-1])
    return np.array(rows)


# %% The first row must stay as it is
def answer(peaks):
    rows = [peaks[0]]
    for values in peaks[1:]:
        expected = rows[-1] + (rows[-1] - rows[-2] if len(rows) > 1 else 0)
        keep = np.abs(values - expected).sum() <= np.abs(values[::-1] - expected).sum()
        rows.append(values if keep else values[::-1])
    return np.array(rows)[:, ::-1]


# %% has shape
def answer(peaks):
    return np.array(peaks)[:, 0]
