def answer(correlation, lags_s):
    inner = range(1, len(lags_s) - 1)
    peaks = [i for i in inner if correlation[i - 1] < correlation[i] > correlation[i + 1]]
    peaks = [i for i in peaks if lags_s[i] >= 0.00125]
    highest = max(correlation[i] for i in peaks)
    return next(lags_s[i] for i in peaks if correlation[i] > 0.8 * highest)
