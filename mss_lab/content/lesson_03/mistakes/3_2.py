# %% In bins where all models are 0 the mask is nan, from 0 / 0
def answer(models, exponent):
    return models**exponent / (models**exponent).sum(axis=0)


# %% The exponent is applied to the finished ratio mask, so the masks no longer add up to 1
def answer(models, exponent):
    return (models / models.sum(axis=0)) ** exponent


# %% In bins where all models are 0 the masks add up to 0, so sound is lost there
def answer(models, exponent):
    return models**exponent / ((models**exponent).sum(axis=0) + 1e-12)


# %% Your function writes into its input
def answer(models, exponent):
    models /= models.max(axis=0)
    return models / models.sum(axis=0)
