import numpy as np


# %% Exactly 15 percent of bad trials is not more than 15 percent
def answer(ratings):
    return np.mean(ratings < 90, axis=1) < 0.15


# %% That goes by the mean rating
def answer(ratings):
    return ratings.mean(axis=1) >= 90


# %% A rating of exactly 90 is not below 90
def answer(ratings):
    return np.mean(ratings <= 90, axis=1) <= 0.15


# %% That is True for those who are to be dropped
def answer(ratings):
    return np.mean(ratings < 90, axis=1) > 0.15
